"""`polars-pool` and `python -m polars_pool`: the command line, if its extra is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from . import starting

EXTRA = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for the data, 2 for a wrong command, 130 after an interrupt."""
    _reserve_standard_streams()
    if missing := [package for package in EXTRA if find_spec(package) is None]:
        text = f"polars-pool: {' and '.join(missing)} missing; pip install 'polars-pool[cli]'"
        if sys.stderr is not None:
            print(text, file=sys.stderr)
        return 2
    try:
        starting.as_usual()
        from .cli.program import run
    except KeyboardInterrupt:
        return 130
    return run(arguments)


def _reserve_standard_streams() -> None:
    """Open the null device for closed standard streams; otherwise another file would get their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


if __name__ == "__main__":
    sys.exit(main())
