"""One run of the program: a command, and an exit code for each way in which it can end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import duckdb
import polars as pl
import typer

from . import errors
from .commands import app
from .errors import DataError, UsageError

PARSER_ERROR: type[Exception] = typer.BadParameter.__mro__[2]  # ClickException, from the click that typer uses


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; each error that a user can cause is one sentence on stderr."""
    try:
        for argument in sys.argv[1:] if arguments is None else arguments:
            errors.check_utf8(argument, "the argument")
        code = app(arguments, prog_name="polars-pool", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except errors.OutputClosed:
        return errors.BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        return errors.INTERRUPTED
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # DuckDB's message for an interrupt
            return errors.INTERRUPTED
        return _failed(error, errors.DATA)
    except (UsageError, PARSER_ERROR) as error:
        return _failed(error, errors.USAGE)
    except (DataError, ValueError, TypeError, ImportError, OSError, pl.exceptions.PolarsError, duckdb.Error) as error:
        return _failed(error, errors.DATA)


def _failed(error: Exception, code: int) -> int:
    errors.show(errors.sentence(error))
    return code
