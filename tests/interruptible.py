"""Starting processes that a test interrupts."""

from __future__ import annotations

import signal


def hear_ctrl_c() -> None:
    """For `preexec_fn`: what a shell starts in the background ignores Ctrl-C, and so do its children, the tests' own too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
