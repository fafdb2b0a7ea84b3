"""How far each regenerated file is from the committed one: `python compare.py FOLDER`.

A line has the largest relative difference of a number, the same relative to the largest number of its list (an effect
near 0 is a small difference of larger numbers), how many numbers differ at all, and where the first of these is.
"""

import csv
import json
import math
import sys
from pathlib import Path

COMMITTED = Path(__file__).parent.parent
RESIDUES = ("rel_diff", "max_rel_diff", "check_rel_diff", "check_max", "gradient", "score_at")  # they measure rounding


def leaves(value, path=()):
    """(path, value) of each number, string and null of a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield path, value
    else:
        for key, part in parts:
            yield from leaves(part, (*path, key))


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


def read(file):
    """{path: value} of a JSON or CSV file."""
    with file.open(encoding="utf-8", newline="") as text:
        document = json.load(text) if file.suffix == ".json" else [list(map(number, row)) for row in csv.reader(text)]
    return {path: value for path, value in leaves(document) if not any(str(key).startswith(RESIDUES) for key in path)}


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def in_list(path):
    return tuple(key for key in path if isinstance(key, str))


def differences(committed, fresh):
    """{path: (relative to the number, relative to the largest of its list)} of the numbers that differ."""
    largest = {}
    for path, value in committed.items():
        if is_number(value):
            largest[in_list(path)] = max(largest.get(in_list(path), 0), abs(value))
    result = {}
    for path in committed.keys() | fresh.keys():
        a, b = committed.get(path, "missing"), fresh.get(path, "missing")
        if is_number(a) and is_number(b) and a != b:
            result[path] = abs(a - b) / max(abs(a), abs(b)), abs(a - b) / (largest[in_list(path)] or abs(b))
        elif a != b:
            result[path] = math.inf, math.inf
    return result


def main(folder):
    for file in sorted([*COMMITTED.glob("*.json"), *COMMITTED.glob("data/*.csv")]):
        name = file.relative_to(COMMITTED)
        fresh = Path(folder) / name
        committed = read(file)
        result = differences(committed, read(fresh)) if fresh.exists() else {("no such file",): (math.inf, math.inf)}
        worst = max(result, key=result.get, default="")
        relative, scaled = (max(column) for column in zip(*result.values(), strict=True)) if result else (0, 0)
        where = "/".join(map(str, worst))
        print(f"{name!s:46}{relative:9.1e}{scaled:9.1e}{len(result):6} of {len(committed):5}  {where}")


if __name__ == "__main__":
    main(sys.argv[1])
