"""Children that can be interrupted as on a terminal."""

import signal


def as_on_a_terminal() -> None:
    """For children: who runs the tests in the background has SIGINT ignored, and hands it down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
