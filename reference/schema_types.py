"""Types of JSON Schemas in words, for the reference of the REST API."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reference.markdown import code

_WORDS: Final = {"date-time": "time (ISO 8601)", "date": "date", "uuid": "UUID"}
PATTERN_CHARACTERS_MAX: Final = 40


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in a few words, with a link to its schema."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(kind_of(each) for each in schema[union]))
    if "enum" in schema:
        return " or ".join(code(str(each)) for each in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return " ".join([_WORDS.get(schema.get("format", ""), schema.get("type", "anything")), *limits_of(schema)])


def limits_of(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the bounds of a number or a text."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    for name, sign in signs.items():
        if name in schema:
            yield f"{sign} {schema[name]}"
    if "maxLength" in schema:
        yield f"of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    pattern = schema.get("pattern", "")
    if pattern and len(pattern) <= PATTERN_CHARACTERS_MAX:
        yield f"like {code(pattern)}"


def answer_of(response: Mapping[str, Any]) -> str:
    """Return the types of an answer's body, or its content types."""
    return ", ".join(
        kind_of(each["schema"]) if each.get("schema") else code(kind)
        for kind, each in response.get("content", {}).items()
    )
