"""Any error that a user can cause as one sentence and an exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

DATA, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

OPTIONS = (
    "value|by|over|n|var|se|weights|sigma2|tau2|mu|nan|level|uncertainty|where|"
    "interval|predict|threshold|groups|test|limits"
)


class OutputClosed(Exception):  # noqa: N818  nothing is wrong
    """What stdout is piped into has gone, as `head` does."""


class UsageError(Exception):
    """The command is wrong, whatever the data are."""


class DataError(Exception):
    """The data, a file or a folder is not as it must be."""


@contextmanager
def usage() -> Iterator[None]:
    """What is refused inside is a wrong command."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def say(text: str) -> None:
    """A line on stderr, if there is one: a program may be started without, or lose it."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(f"polars-pool: {text}", file=sys.stderr, flush=True)


def is_text(given: str, role: str) -> None:
    """Refuse bytes that are not UTF-8: neither Polars nor DuckDB take them as a name."""
    try:
        given.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(given).decode("utf-8", "backslashreplace")
        raise UsageError(f"{role} '{shown}' is not UTF-8, so it cannot be read as a name; rename it") from None


def sentence(error: BaseException) -> str:
    """The error in one line, with options written as on the command line."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror[0].lower()}{error.strerror[1:]}"
    said = error.format_message() if hasattr(error, "format_message") else str(error)  # one of the parser's has its own
    text = re.split(r"\n\n(?:Resolved plan|LINE \d)|\nLINE \d|\n\nThis error occurred|\n\nThe current offset", said)[0]
    text = re.sub(r"^(?:[A-Z][A-Za-z]*(?: [A-Za-z]+)* )?Error: ", "", text.strip())
    text = re.sub(r"\s*\n\s*", " ", text)
    return as_options(text) or type(error).__name__


def as_options(text: str) -> str:
    """The arguments that a sentence of the library names, as options: `tau2='x'` to `--tau2='x'`, `n=` to `--n`."""
    text = re.sub(rf"(^|: )({OPTIONS}) (names|stands for) ", r"\1--\2 \3 ", text)
    text = re.sub(rf"(?<![\w=\-'\"/])({OPTIONS})=(?=[\s;:,.)]|$)", r"--\1", text)
    return re.sub(rf"(?<![\w=\-'\"/])({OPTIONS})=(?=[\w'\"\[.-])", r"--\1=", text)
