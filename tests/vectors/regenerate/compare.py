"""Largest relative difference of each regenerated file from the committed one: `python compare.py [folder]`."""

import csv
import json
import math
import sys
from pathlib import Path

COMMITTED = Path(__file__).parent.parent


def leaves(value, path=()):
    """(path, value) of every number, string and null of a JSON document."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from leaves(part, (*path, place))
    else:
        yield path, value


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


def read(path):
    """{path: value} of a JSON or CSV file."""
    if path.suffix == ".json":
        return dict(leaves(json.loads(path.read_text(encoding="utf-8"))))
    with path.open(encoding="utf-8", newline="") as lines:
        return {(i, j): number(cell) for i, row in enumerate(csv.reader(lines)) for j, cell in enumerate(row)}


# Fields that report how far two computations differ: rounding, which no second run repeats.
RESIDUES = ("rel_diff", "max_rel_diff", "check_", "gradient_at_solution", "score_at_solution")


def is_residue(path):
    return any(str(key).startswith(RESIDUES) for key in path)


def difference(a, b):
    if isinstance(a, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return 0.0 if a == b else math.inf
    return abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0


def compare(committed, fresh):
    """The largest difference, its path, the number of differing values, and of values."""
    if committed.keys() != fresh.keys():
        return math.inf, sorted(map(str, committed.keys() ^ fresh.keys()))[:3], None, len(committed)
    found = {path: difference(committed[path], fresh[path]) for path in committed if not is_residue(path)}
    worst = max(found, key=found.get)
    return found[worst], worst, sum(d > 0 for d in found.values()), len(found)


def main(folder="fresh"):
    for path in sorted([*COMMITTED.glob("*.json"), *COMMITTED.glob("data/*.csv")]):
        name = path.relative_to(COMMITTED)
        fresh = Path(folder) / name
        if not fresh.exists():
            print(f"{name!s:50} missing")
            continue
        largest, where, differing, count = compare(read(path), read(fresh))
        print(f"{name!s:50} {largest:8.1e}  {differing} of {count} values differ, most at {where}")


main(*sys.argv[1:])
