"""An interrupt while the command line is still importing: exit code 130 and no traceback.

The package imports it first. It changes nothing for programs that import the package as a library.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

INTERRUPTED = 130


def _is_program() -> bool:
    """Whether this process is `polars-pool` or `python -m polars_pool`."""
    return os.path.basename(sys.argv[0] if sys.argv else "").startswith("polars-pool") or (
        sys.argv[:1] == ["-m"] and "polars_pool" in sys.orig_argv
    )


def _end(_number: int, _frame: Any) -> None:
    os._exit(INTERRUPTED)


def as_usual() -> None:
    """Let an interrupt raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if (
    _is_program()
    and threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a background job ignores interrupts
):
    signal.signal(signal.SIGINT, _end)
