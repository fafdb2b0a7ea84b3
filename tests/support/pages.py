"""Runs the snippets of a page (README.md, examples/guides/*.md) as its reader does, and compares what they print.

The folder of a page is new. It holds `examples` and `sql` of the checkout and, for a page that names it, the
`flights-warehouse` that examples/flights.py writes. The blocks of a page run from top to bottom:

- `python`: all blocks of a page share one namespace. A block with `>>>` is compared as a doctest.
- `sql`: all blocks of a page share one DuckDB database that has the macros. Tables come from files, as in the shell.
- `sh`: each line that begins with `polars-pool` is a command; a line with a pipe or a redirection runs in bash.
- `py`: Python on Spark, which tests/spark/test_spark_guide.py runs, with a session `spark`.
- `text`: what the block above it printed, compared exactly (spaces at the ends of lines excepted). For commands this is
  what a terminal of 100 columns shows.

NOT_RUN lists the languages of blocks that do not run, with the reasons.

`python tests/support/pages.py README.md ...` runs pages and writes what their blocks print into their
`text` blocks: add an empty `text` block, run this, and read the result.
"""

import contextlib
import doctest
import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import duckdb
import polars as pl
import shells

from polars_pool.__main__ import main as program

ROOT = Path(__file__).parents[2]
NOT_RUN = {
    "console": "installs packages, or runs a program that is not part of this package",
    "jinja": "a dbt model: tests/sql/test_dbt.py runs the package",
    "mermaid": "a diagram",
    "pycon": "an example of a docstring: test_docs.py runs it",
    "pyi": "the signature of a verb",
    "toml": "a configuration file",
    "yaml": "a configuration file",
}
RUN = ("python", "sql", "sh")
ON_SPARK = "py"
FENCE = re.compile(
    r"^(?P<margin> *)```(?P<language>\S*)(?P<title>[^\n`]*)\n(?P<code>.*?)^(?P=margin)```$", re.MULTILINE | re.DOTALL
)
COLUMNS = 100


@dataclass
class Block:
    """A fenced block of a page, and the `text` block below it."""

    language: str
    code: str
    line: int
    output: re.Match[str] | None = None

    @property
    def printed(self) -> str | None:
        """What the page shows as printed."""
        return None if self.output is None else plain(dedent(self.output["code"]))


def blocks(text: str) -> list[Block]:
    """The blocks of a page that run. A block in another language, or `text` without a block above it, is an error."""
    result: list[Block] = []
    last = None
    for fence in FENCE.finditer(text):
        language, line = fence["language"], text.count("\n", 0, fence.start()) + 1
        if language == "text":
            if last is None or last.output is not None:
                raise ValueError(f"line {line}: no block that runs is above this `text` block")
            last.output = fence
        elif language in (*RUN, ON_SPARK):
            last = Block(language, dedent(fence["code"]), line)
            result.append(last)
        elif language in NOT_RUN:
            last = None
        else:
            known = ", ".join((*RUN, "text", *NOT_RUN))
            raise ValueError(f"line {line}: a block has one of the languages {known}, not {language!r}")
    return result


def plain(text: str) -> str:
    """A text without spaces at the ends of its lines, and without empty lines around it."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


@dataclass
class Page:
    """The state of a page while its blocks run in its folder: names of Python and the database of an engine."""

    name: str
    folder: Path
    engine: str
    database: Path
    names: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The database in the module of Python; variables of Python are no tables, as in the shell."""
        connection = duckdb.connect(self.database)
        connection.execute("SET python_enable_replacements = false")
        return connection

    def run(self, block: Block) -> str:
        """What a block prints. An error of the block raises."""
        run = {"python": self.python, "sql": self.sql, "sh": self.sh}[block.language]
        return plain(run(block))

    def python(self, block: Block) -> str:
        place = f"{self.name}, line {block.line}"
        if ">>>" in block.code:
            example = doctest.DocTestParser().get_doctest(block.code, self.names, place, self.name, block.line)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            report = io.StringIO()
            if runner.run(example, out=report.write, clear_globs=False).failed:
                raise AssertionError(report.getvalue())
            self.names = example.globs
            return ""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, place, "exec"), self.names)
        return printed.getvalue()

    def sql(self, block: Block) -> str:
        if self.engine == "shell":
            written = shells.shell_writes(["-no-init", "-bail", str(self.database)], block.code, cwd=self.folder)
            if re.search(r"^[\w ]*Error:", written, flags=re.MULTILINE):
                raise duckdb.Error(written)
            return written
        lines = [line for line in block.code.splitlines() if not line.startswith(".")]  # commands of the shell
        printed = ""
        for statement in self.connection.extract_statements("\n".join(lines)):
            if block.output is None or statement.type != duckdb.StatementType.SELECT:
                self.connection.execute(statement)
            else:
                printed += str(self.connection.sql(re.sub(r";\s*(--[^\n]*\s*)*$", "", statement.query)))
        return printed

    def sh(self, block: Block) -> str:
        """What the commands print. Those that the page does not show need no terminal, and no process of their own."""
        lines = block.code.replace("\\\n", " ").splitlines()
        run = self.command if block.output is None else self.shown_command
        return "".join(run(line) for line in lines if line.strip() and not line.startswith("#"))

    def command(self, line: str) -> str:
        words = shlex.split(line, comments=True)
        if words[0] != "polars-pool" or has_redirections(line):
            return self.shown_command(line)
        with (
            contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())),
            contextlib.redirect_stderr(io.StringIO()) as errors,
        ):
            code = program(words[1:])
        if code or errors.getvalue():
            raise AssertionError(f"{line}\n{errors.getvalue()}")
        return ""

    def shown_command(self, line: str) -> str:
        if not line.startswith("polars-pool "):
            raise ValueError(f"{self.name}: `sh` holds commands of polars-pool, `console` holds others: {line}")
        words = shlex.split(line, comments=True)[1:]
        call = [sys.executable, "-W", "error", "-m", "polars_pool"]
        if has_redirections(line):
            call = ["bash", "-euo", "pipefail", "-c", f'polars-pool() {{ {shlex.join(call)} "$@"; }}; {line}']
            words = []
        code, written = on_terminal([*call, *words], self.folder)
        if code:
            raise AssertionError(f"{line}\n{written}")
        return written


def has_redirections(line: str) -> bool:
    """Whether a command has a pipe or a redirection outside of quotes."""
    return bool(set("|<>") & set(re.sub(r"'[^']*'|\"[^\"]*\"", "", line)))


def on_terminal(command: list[str], folder: Path) -> tuple[int, str]:
    """The exit code of a command, and what a terminal shows when the command has ended."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment |= {"TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower, env=environment
    ) as process:
        os.close(follower)
        written = b"".join(iter(lambda: _read(leader), b""))
        code = process.wait(timeout=120)
    os.close(leader)
    return code, screen(written.decode())


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other side has closed the terminal
        return b""


def screen(written: str) -> str:
    """The lines that a terminal shows: a progress bar erases itself by moving the cursor up and clearing lines."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\r\n\x1b]+", written):
        if piece == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif piece == "\r":
            continue  # all that is written over a line clears it first
        elif piece.startswith("\x1b["):
            if piece.endswith("A"):
                row = max(row - int(piece[2:-1] or 1), 0)
            elif piece.endswith("K"):
                lines[row] = ""
        else:
            lines[row] += piece
    return "\n".join(lines)


def results(page: Page, text: str) -> Iterator[tuple[Block, str]]:
    """Each block of a page with what it prints, in order."""
    duckdb.set_default_connection(duckdb.connect())  # of `duckdb.sql` in Python
    with pl.Config():  # a page that sets how tables are printed does so for itself only
        for block in blocks(text):
            if block.language == ON_SPARK:
                continue
            try:
                yield block, page.run(block)
            except Exception as error:
                error.add_note(f"{page.name}, line {block.line}:\n{block.code}")
                raise


def prepare(folder: Path) -> None:
    """Link what a checkout has at its root into a folder."""
    (folder / "sql").symlink_to(ROOT / "sql")
    (folder / "examples").symlink_to(ROOT / "examples")


def write_flights(folder: Path) -> None:
    """Write `flights-warehouse` into a folder."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "flights.py")]
    subprocess.run(command, check=True, cwd=folder, capture_output=True, timeout=600)


def rewritten(page: Page, text: str) -> str:
    """A page with what its blocks print now."""
    edits = []
    for block, printed in results(page, text):
        if fence := block.output:
            margin = fence["margin"]
            edits.append((fence.start("code"), fence.end("code"), indent(f"{printed}\n" if printed else "", margin)))
    for start, end, output in reversed(edits):
        text = text[:start] + output + text[end:]
    return text


def main(names: list[str]) -> None:
    for path in (Path(name).resolve() for name in names):
        text = path.read_text(encoding="utf-8")
        with shells.with_macros("module") as file, contextlib.chdir(file.parent):
            prepare(file.parent)
            if "flights-warehouse" in text:
                write_flights(file.parent)
            new = rewritten(Page(path.name, file.parent, "module", file), text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"{path.name}: written")


if __name__ == "__main__":
    main(sys.argv[1:])
