"""`polars-pool` and `python -m polars_pool`: the command line, if its extra is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

EXTRA = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 1 for data, 2 for a wrong command, 130 after an interrupt."""
    try:
        from .cli.commands import run
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in EXTRA:
            raise
        print(f"polars-pool: {missing.name} is missing; pip install 'polars-pool[cli]'", file=sys.stderr)
        return 2
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
