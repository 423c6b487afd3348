"""The search for public names that production code does not use."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.tools.public import is_called_by_library, names_in_documents, unused
from tests.tools.sources import Module, modules_in
from tests.tools.uses import Definition


def found(*others: str, sales: str, named: tuple[str, ...] = ()) -> list[str]:
    sources = {"shop/sales.py": sales} | {f"shop/user{number}.py": each for number, each in enumerate(others)}
    modules = [Module(Path(path), dedent(source)) for path, source in sources.items()]
    return [each.full_name for each in unused(modules, named)]


SALES = """
def pay(): ...

class Till:
    def open(self): ...
    def _lock(self): ...

def _helper(): ...
"""


def test_functions_classes_and_methods_that_are_used_nowhere_are_found() -> None:
    assert found(sales=SALES) == ["shop.sales.pay", "shop.sales.Till", "shop.sales.Till.open"]


@pytest.mark.parametrize(
    "user",
    [
        "from shop.sales import Till, pay\npay(Till().open)",
        "from shop import sales\nsales.pay(sales.Till().open)",
        "import shop.sales\nshop.sales.pay(shop.sales.Till.open)",
        "from shop.sales import Till as T, pay as p\nprint(p, T.open)",
    ],
)
def test_what_another_module_reads_through_an_import_is_used(user: str) -> None:
    assert found(user, sales=SALES) == []


def test_an_import_alone_uses_nothing() -> None:
    assert found('from shop.sales import pay\n__all__ = ["pay"]', sales="def pay(): ...") == ["shop.sales.pay"]


def test_another_function_of_the_same_name_is_not_meant() -> None:
    assert found("def pay(): ...\npay()", sales="def pay(): ...") == ["shop.sales.pay"]


def test_one_name_may_stand_for_different_modules_in_different_functions() -> None:
    user = """
        def one():
            from shop import sales as till
            till.pay()

        def two():
            from shop import other as till
            till.x()
    """

    assert "shop.sales.pay" not in found(user, sales="def pay(): ...")


def test_what_is_passed_on_by_a_package_is_used_where_that_is_read() -> None:
    passing = Module(Path("shop/__init__.py"), "from shop.sales import pay")
    sales, user = Module(Path("shop/sales.py"), "def pay(): ..."), Module(Path("till.py"), "import shop\nshop.pay()")

    assert unused([passing, sales]) != []
    assert unused([passing, sales, user]) == []


def test_a_function_that_only_calls_itself_is_not_used() -> None:
    assert found(sales="def pay():\n    pay()") == ["shop.sales.pay"]


@pytest.mark.parametrize(
    "sales",
    [
        "@app.get('/pay')\ndef pay(): ...",
        "@field_validator('x')\ndef pay(): ...",
        "def do_GET(): ...",
        "def pay(): ...\nENTRY = 'shop.sales:pay'",
    ],
)
def test_what_is_registered_or_called_by_name_is_used(sales: str) -> None:
    assert found(sales=sales) == []


def test_decorators_that_register_nothing_are_no_use() -> None:
    assert found(sales="@cache\ndef pay(): ...") == ["shop.sales.pay"]


def test_names_in_documents_are_used() -> None:
    assert found(sales="def pay(): ...", named=("pay",)) == []


def test_names_in_documents_are_those_in_code_and_in_build_files(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Run `sniper demo` now.\n```\nmake check\n```\n")
    (tmp_path / "Makefile").write_text("lock:\n")

    assert names_in_documents(tmp_path) == {"sniper", "demo", "make", "check", "lock"}


def test_a_method_that_a_library_calls_is_used() -> None:
    [module] = modules_in(["shared/mexc/http/connection.py"])
    methods = {
        inner.name: Definition(module, node.name, inner)
        for node in module.tree.body
        if hasattr(node, "body") and hasattr(node, "name")
        for inner in node.body
        if hasattr(inner, "name")
    }

    assert is_called_by_library(methods["data_received"])
    assert not is_called_by_library(methods["settle"])
