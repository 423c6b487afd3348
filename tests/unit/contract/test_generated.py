"""Generated files are in the tree as the models and the topology would generate them today."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from contract import asyncapi
from contract.files import generated
from contract.schemas import schemas

ROOT = Path(__file__).parents[3]
FILES = generated()


@pytest.mark.parametrize("name", FILES)
def test_a_derived_file_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name], "run `make contract`"


def test_no_schema_of_a_former_event_is_left_over() -> None:
    assert {file.name for file in (ROOT / "docs" / "schemas").iterdir()} == set(schemas())


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize("name", asyncapi.document()["components"]["schemas"])
def test_a_schema_of_the_document_is_one_of_the_draft_that_asyncapi_builds_on(name: str) -> None:
    Draft7Validator.check_schema(asyncapi.document()["components"]["schemas"][name])


@pytest.mark.parametrize("name", schemas())
def test_no_schema_offers_null_where_a_field_without_a_value_is_absent(name: str) -> None:
    assert {"type": "null"} not in list(parts(schemas()[name]))


@pytest.mark.parametrize("name", schemas())
def test_every_field_is_described_where_the_model_does(name: str) -> None:
    told = schemas()[name]["$defs"]

    assert all("id" not in part.get("properties", {}) for part in told.values())
    if "Trade" in told:
        assert told["Trade"]["properties"]["quote_qty"]["description"].startswith("Of a purchase: spent")


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = yaml.safe_load(asyncapi.render())

    for part in parts(document):
        if isinstance(part, dict) and isinstance(part.get("$ref"), str):
            found = document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]


def parts(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(part for each in inner for part in parts(each))]
