"""`polars-pool` and `python -m polars_pool`: the command line, if its extra is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

EXTRA = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 1 for data, 2 for a wrong command, 130 after an interrupt."""
    if missing := [package for package in EXTRA if find_spec(package) is None]:
        print(f"polars-pool: {' and '.join(missing)} missing; pip install 'polars-pool[cli]'", file=sys.stderr)
        return 2
    try:
        from .cli.commands import run
    except KeyboardInterrupt:
        return 130
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
