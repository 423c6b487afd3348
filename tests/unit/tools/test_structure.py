"""The structural figures: measured on little sources, and the limits that they pass."""

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from tests.tools.measures import (
    Measured,
    body_lines,
    count_words,
    figures,
    has_wh_summary,
    lone_helpers,
    measured,
    own_imports,
    percentile,
)
from tests.tools.sources import Module, SourceError, functions_of, modules_in, prose_of
from tests.tools.structure import Limits, exceeded, main, report_of, summed_up

OWN = frozenset({"shop", "shop.sales", "shop.money", "shop.desk", "shop.desk.till"})


def a_module(source: str = "", path: str = "shop/sales.py") -> Module:
    return Module(Path(path), dedent(source))


def a_measured(source: str = "", path: str = "shop/sales.py") -> Measured:
    return measured(a_module(source, path), OWN)


def lines_of(source: str) -> list[int]:
    return [body_lines(each) for each in functions_of(ast.parse(dedent(source)))]


def problems(*modules: Measured, limits: Limits | None = None) -> list[str]:
    return list(exceeded(summed_up(modules), limits or Limits()))


def test_a_function_is_as_long_as_its_body_without_the_docstring() -> None:
    source = '''
        def pay(
            amount,
        ):
            """Pay.

            At once.
            """
            # A comment before the first statement is none of it.
            first = amount

            return first
    '''

    assert lines_of(source) == [3]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('def pay():\n    """Pay."""', 0),
        ("def pay(): ...", 1),
        ("async def pay():\n    await it()\n    return 1", 2),
        ("def pay():\n    @cached\n    def inner():\n        return 1\n    return inner", 4),
    ],
)
def test_short_and_nested_functions_have_lengths_too(source: str, lines: int) -> None:
    assert lines_of(source)[0] == lines


def test_the_95th_percentile_is_a_value_that_occurs() -> None:
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([7], 0.95) == 7


def test_helpers_mentioned_once_are_private_and_named_nowhere_else() -> None:
    source = """
        def pay():
            return _once() + _twice() + _twice() + self._method()

        def _once(): ...
        def _twice(): ...
        def _never(): ...
        def public(): ...
        class Till:
            def __init__(self): ...
            def _method(self): ...
    """

    assert sorted(lone_helpers(ast.parse(dedent(source)))) == ["_method", "_once"]


@pytest.mark.parametrize(
    ("source", "path", "found"),
    [
        ("import shop.money\nimport json", "shop/sales.py", {"shop.money"}),
        ("from shop.money import Cent, Euro", "shop/sales.py", {"shop.money"}),
        ("from shop import money, sales", "shop/till.py", {"shop.money", "shop.sales"}),
        ("from shop import Cent", "shop/sales.py", {"shop"}),
        ("from shop.desk import till, Desk", "shop/sales.py", {"shop.desk", "shop.desk.till"}),
        ("from . import money\nfrom .desk import Desk", "shop/sales.py", {"shop.money", "shop.desk"}),
        ("from .till import Till", "shop/desk/__init__.py", {"shop.desk.till"}),
        ("def pay():\n    from shop import money", "shop/sales.py", {"shop.money"}),
        ("from shop.sales import pay", "shop/sales.py", set()),
    ],
)
def test_each_own_module_that_is_imported_counts_once(source: str, path: str, found: set[str]) -> None:
    assert own_imports(a_module(source, path), OWN) == found


@pytest.mark.parametrize(
    ("summary", "is_wh"),
    [("What is sold.", True), ("Whether to sell", True), ("whose coins", False), ("Sell what is there.", False)],
)
def test_a_summary_that_starts_with_a_wh_word_is_found(summary: str, is_wh: bool) -> None:
    assert has_wh_summary(ast.parse(f'"""{summary}"""')) is is_wh


def test_a_module_without_docstring_has_no_wh_summary() -> None:
    assert not has_wh_summary(ast.parse("What = 1"))


def test_prose_is_docstrings_and_comments_without_code_and_directives() -> None:
    module = a_module('''
        """Sell `what_is` there."""
        PRICE = 1  # in cents  # noqa: S101 - told
        """Of one."""
        # first
        # second
        text = "what is no prose"
    ''')

    assert [each.text.split() for each in prose_of(module)] == [
        ["Sell", "there."],
        ["in", "cents"],
        ["Of", "one."],
        ["first", "second"],
    ]
    assert count_words(prose_of(module)) == 8


def test_words_are_counted_per_ten_thousand() -> None:
    found = figures([a_measured('"""Tell nobody what is told, and retry."""')])

    assert found.per_words == {
        "tell": pytest.approx(20_000 / 7),
        "whoever": pytest.approx(10_000 / 7),
        "what is": pytest.approx(10_000 / 7),
        "retry": pytest.approx(10_000 / 7),
    }


def test_a_package_without_functions_and_words_has_figures() -> None:
    found = figures([a_measured(path="shop/__init__.py")])

    assert (found.modules, found.functions, found.function_median, found.lone_share) == (0, 0, 0, 0)
    assert set(found.per_words.values()) == {0}


def test_the_longest_function_and_the_module_with_the_most_imports_are_named() -> None:
    long = a_measured("def pay():\n    a = 1\n    return a")
    busy = a_measured("from shop import money, sales", "shop/till.py")

    found = figures([long, busy])

    assert (found.function_max.lines, found.function_max.name) == (2, "shop/sales.py:pay")
    assert (found.imports_max.lines, found.imports_max.name) == (2, "shop/till.py")
    assert found.imports_mean == 1


def test_folders_are_summed_up_alone_and_packages_with_all_their_folders() -> None:
    report = summed_up([a_measured(), a_measured(path="shop/desk/till.py")])

    assert [(each.name, each.figures.modules) for each in report.packages] == [("shop", 2)]
    assert [(each.name, each.figures.modules) for each in report.folders] == [("shop", 1), ("shop/desk", 1)]


def test_a_module_within_the_limits_passes_none() -> None:
    assert problems(a_measured('"""Sell coins."""\n\ndef sell():\n    return 1')) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\n" * 251, "shop/sales.py: 251 > 250 lines"),
        ("def pay():\n" + "    x = 1\n" * 46, "shop/sales.py:pay: 46 > 45 lines"),
        ('"""What is sold."""', "shop/sales.py: module summary starts with a wh-word"),
        ("def _a(): ...\n_a()", "shop/: helpers mentioned once 100.0% >= 15% (1 of 1 functions)"),
        ('"""Tell."""', "all: 'tell' 10000.0 >= 3 per 10,000 words"),
        ("def pay():\n" + "    x = 1\n" * 7, "shop: function median 7 > 6 lines"),
        ("def pay():\n" + "    x = 1\n" * 21, "all: function p95 21 > 20 lines"),
    ],
)
def test_each_limit_that_is_passed_is_named(source: str, problem: str) -> None:
    assert problem in problems(a_measured(source))


def test_a_folder_holds_so_many_modules_and_one_of_them_fewer() -> None:
    modules = [a_measured(path=f"shop/m{number}.py") for number in range(3)]

    assert problems(*modules, limits=Limits(folder_modules=2)) == ["shop/: 3 > 2 modules"]
    assert problems(*modules, limits=Limits(folder_modules_of={"shop": 1})) == ["shop/: 3 > 1 modules"]


def test_the_mean_of_imports_names_the_module_with_the_most() -> None:
    busy = a_measured("import shop.money, shop.desk, shop.desk.till, shop")

    assert problems(busy, limits=Limits(imports_mean=3)) == [
        "all: own imports per module 4.00 > 3, most (4) in shop/sales.py"
    ]


def test_the_code_that_writes_this_table_can_be_measured_itself() -> None:
    report = report_of(["tests/tools"])

    assert report.total.modules > 5
    assert problems(*report.modules, limits=Limits(lone_share_below=1, imports_mean=9)) == []


def test_generated_files_and_versions_of_the_schema_are_left_out() -> None:
    names = {each.path.as_posix() for each in modules_in(["shared", "migrations"])}

    assert not any(each.endswith("wire_pb2.py") or "/versions/" in each for each in names)
    assert "shared/__init__.py" in names


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nowhere", "no such file or folder in the repository"),
        ("/", "no such file or folder in the repository"),
        ("README.md", "no Python file"),
        ("docs/pictures", "no Python files"),
    ],
)
def test_a_path_that_cannot_be_measured_is_named(path: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([path])

    assert f"{path}: {problem}" in capsys.readouterr().err


def test_a_file_that_is_no_python_is_named() -> None:
    with pytest.raises(SourceError, match=r"shop/sales\.py:1: "):
        _ = a_module("def").tree


def test_the_table_and_the_check_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tests/tools"]) == 0
    assert "own imports" in capsys.readouterr().out

    main(["--check", "tests/tools/sources.py"])
    assert capsys.readouterr().out
