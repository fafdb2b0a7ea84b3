"""`polars-pool` and `python -m polars_pool`: the command line, if its extra is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from . import starting

EXTRA = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 1 for data, 2 for a wrong command, 130 after an interrupt."""
    _numbers_taken()
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


def _numbers_taken() -> None:
    """Open nothing as stdin, stdout or stderr where these are closed, or the next file would be one of them."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


if __name__ == "__main__":
    sys.exit(main())
