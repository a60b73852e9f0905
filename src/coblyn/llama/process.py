"""Ends a process together with its parent."""

from __future__ import annotations

import ctypes
import signal
import sys

__all__ = ["end_with_parent"]

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> bool:
    """Let the system kill this process when the thread that started it ends, even while it is stopped or computing.

    Returns:
        Whether the system can do that; only Linux can. Elsewhere the end of standard input has to be enough.
    """
    if not sys.platform.startswith("linux"):
        return False
    prctl = ctypes.CDLL(None).prctl
    return bool(prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL)) == 0)
