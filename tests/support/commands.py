"""Runs the command line in separate processes: in a pipe, on a pseudo-terminal, interrupted."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import NamedTuple

PROGRAM = [sys.executable, "-W", "error", "-m", "polars_pool"]
TERMINAL = {"TERM": "xterm", "NO_COLOR": "1"}


class Done(NamedTuple):
    code: int
    out: str
    err: str = ""


def piped(*arguments: str, cwd: Path, **environment: str) -> Done:
    """Run a command in a pipe: neither stdout nor stderr is a terminal."""
    done = subprocess.run(
        [*PROGRAM, *arguments], check=False, cwd=cwd, capture_output=True, timeout=120, env=os.environ | environment
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def on_terminal(*arguments: str, cwd: Path, columns: int = 80) -> Done:
    """The output on a terminal with this number of columns: stdout and stderr together, without colours."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")} | TERMINAL
    with subprocess.Popen(
        [*PROGRAM, *arguments], cwd=cwd, stdin=follower, stdout=follower, stderr=follower, env=environment
    ) as process:
        os.close(follower)
        seen = b""
        while chunk := _read(leader):
            seen += chunk
        process.wait(timeout=120)
    os.close(leader)
    return Done(process.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n"))


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other side has closed the terminal
        return b""
