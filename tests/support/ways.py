"""Which tests run by default, and which only with `--full`.

A way is the path that a case takes through the package: the parameter `engine`, `path` or `run` of a test. Ways of one
kind differ in their last step only. By default a case takes one way of each kind, and the next case takes the next way;
with `--full` every case takes every way. A test that is marked `every_way` always takes all of them,
and one that is marked `one_way` takes ways of different kinds in turn, too. Of a test that is
marked `share(n)` one case in n runs by default, one at least: its cases have the same code, and another test has their
numbers. Of a test that is marked `share_of_duckdb(n)` one case in n takes a DuckDB, and all cases take the ways of the
other kinds. A test that is marked `only_full` runs with `--full` alone. Tests on Spark run if they are named.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any
from zlib import crc32

PARAMETERS = ("engine", "path", "run")
KINDS = {
    "frames": ("DataFrame", "in-memory", "streaming", "over"),
    "rows": ("encode DataFrame", "encode in-memory", "encode streaming"),
    "expressions": ("expression", "expression streaming"),
    "inputs": ("rows", "moments", "merged moments"),
    "DuckDB": ("duckdb", "module", "shell", "encode in duckdb"),
}
KIND = {way: kind for kind, ways in KINDS.items() for way in ways}

full = False
"""Whether `--full` was given; conftest.py sets it before tests are collected."""


def names_spark(config: Any) -> bool:
    """Whether the option `-m` or a path names the tests on Spark."""
    return config.getoption("markexpr") == "spark" or any("tests/spark" in name for name in config.args)


def share(cases: Iterable[Any], of: int, start: int = 0) -> list[Any]:
    """One of `of` cases, from `start` on; all of them with `--full`."""
    listed = list(cases)
    return listed if full else listed[start % of :: of]


def left_out(tests: Sequence[Any]) -> list[Any]:
    """The tests that only `--full` runs."""
    functions: dict[str, dict[Any, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for test in tests:
        parameter, _ = way(test)
        others = (value for name, value in parameters(test).items() if name != parameter)
        functions[test.nodeid.partition("[")[0]][*map(id, others)].append(test)
    return [
        test
        for function, cases in functions.items()
        for number, case in enumerate(cases.values())
        for test in left_out_of_a_case(case, number, crc32(function.encode()), len(cases))
    ]


def left_out_of_a_case(tests: list[Any], number: int, start: int, cases: int) -> Iterator[Any]:
    """The tests of one case, of this number among the cases of its function, that only `--full` runs."""
    alike: dict[Any, list[Any]] = defaultdict(list)
    for test in tests:
        parameter, kind = way(test)
        shared = test.get_closest_marker("share") or (kind == "DuckDB" and test.get_closest_marker("share_of_duckdb"))
        of = min(shared.args[0], cases) if shared else 1
        if test.get_closest_marker("only_full") or (digits(number, of) + start) % of:
            yield test
        elif kind is not None and test.get_closest_marker("every_way") is None:
            values = [value for name, value in parameters(test).items() if name != parameter]
            turn = next((value.turn for value in values if hasattr(value, "turn")), None)
            alike[kind, number // of, turn].append(test)
    for (_, place, turn), choices in alike.items():
        kept = (digits(place, len(choices)) if turn is None else turn) + start
        yield from (test for position, test in enumerate(choices) if position != kept % len(choices))


def parameters(test: Any) -> dict[str, Any]:
    return test.callspec.params if hasattr(test, "callspec") else {}


def digits(number: int, base: int) -> int:
    """The sum of the digits of a number: in regular patterns of cases, too, every way has its turn."""
    total = 0
    while base > 1 and number:
        number, digit = divmod(number, base)
        total += digit
    return total


def way(test: Any) -> tuple[str | None, str | None]:
    """The parameter of a test that holds its way, and the kind of the way."""
    for parameter in PARAMETERS:
        value = parameters(test).get(parameter)
        if value is not None and test.get_closest_marker("one_way"):
            return parameter, "one way"
        name = value if isinstance(value, str) else names().get(id(value))
        if name in KIND:
            return parameter, KIND[name]
    return None, None


@cache
def names() -> dict[int, str]:
    """The name of each function that runs a verb by a way."""
    from grid import ROW_PATHS, ROWS_PATHS

    return {id(run): name for name, run in (ROWS_PATHS | ROW_PATHS).items()}
