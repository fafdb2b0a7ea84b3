"""Errors that a user can cause: one sentence and an exit code for each."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..store import utf8

DATA, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

OPTIONS = (
    "value|by|over|n|var|se|weights|sigma2|tau2|mu|nan|level|uncertainty|where|"
    "interval|predict|threshold|groups|test|limits|at|trials|exposure|family|prior|toward|x|vary|method|rows|draws|seed|rho"
)


class OutputClosed(Exception):  # noqa: N818  this is no error
    """The program that reads stdout has ended, for example `head`."""


class UsageError(Exception):
    """The command is wrong for any data."""


class DataError(Exception):
    """The data, a file or a folder does not meet a requirement."""


@contextmanager
def usage() -> Iterator[None]:
    """Errors of arguments inside this context become a `UsageError`."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def show(text: str) -> None:
    """Print a line on stderr. A program may start without stderr or lose it; the line is then dropped."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(f"polars-pool: {text}", file=sys.stderr, flush=True)


def check_utf8(text: str, role: str) -> None:
    """Refuse an argument that is not UTF-8."""
    if not utf8.valid(text):
        raise UsageError(f"{role} {utf8.printable(text)} is not UTF-8, so it cannot be read as a name; rename it")


def sentence(error: BaseException) -> str:
    """The error in one line, with arguments written as options of the command line."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror[0].lower()}{error.strerror[1:]}"
    # Errors of the command-line parser format their own message.
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    details = r"\n\n(?:Resolved plan|LINE \d)|\nLINE \d|\n\nThis error occurred|\n\nThe current offset"
    text = re.split(details, message)[0]
    text = re.sub(r"^(?:[A-Z][A-Za-z]*(?: [A-Za-z]+)* )?Error: ", "", text.strip())
    text = re.sub(r"\s*\n\s*", " ", text)
    return as_options(text) or type(error).__name__


def as_options(text: str) -> str:
    """The sentence with arguments of the library as options: `tau2='x'` becomes `--tau2='x'`, `n=` becomes `--n`."""
    text = text.replace("nested=True", "--nested")
    text = re.sub(rf"(^|: )({OPTIONS}) (names|stands for) ", r"\1--\2 \3 ", text)
    text = re.sub(rf"(?<![\w=\-'\"/])({OPTIONS})=(?=[\s;:,.)]|$)", r"--\1", text)
    return re.sub(rf"(?<![\w=\-'\"/])({OPTIONS})=(?=[\w'\"\[.-])", r"--\1=", text)
