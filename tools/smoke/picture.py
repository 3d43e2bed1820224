"""The test picture that smoke publishes, by ffmpeg; the stream's key is in no command line."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from emulator import publisher
from tools.smoke.children import Program, running
from tools.smoke.results import NotToldError, WrongError

LASTS_S = 900
"""No picture is sent for longer, whatever becomes of us."""
SEED_MAX = 1_000_000


class Publishing(Protocol):
    """Whatever sends the picture."""

    def look(self) -> None:
        """Raises WrongError if it has ended."""


class _Ffmpeg:
    """It, as it sends the picture."""

    def __init__(self, child: Program, key: str) -> None:
        self._child, self._key = child, key

    def look(self) -> None:
        """Raises WrongError if it has ended."""
        if self._child.has_ended:
            raise WrongError(
                "not-published",
                f"The ingest does not take the picture ({self._child.last_line(self._key)}): "
                "look at its log for what the api answers about the stream's key.",
            )


@contextlib.contextmanager
def publishing(publish_url: str) -> Iterator[Publishing]:
    """To where the registration said. Raises NotToldError without ffmpeg."""
    with tempfile.TemporaryDirectory(prefix="smoke-") as scratch:
        address, options = publisher.keep_secret(publish_url, Path(scratch))
        argv = publisher.argv(address, secrets.randbelow(SEED_MAX), None, options)
        bounded = (*argv[:-1], "-t", str(LASTS_S), argv[-1])
        with contextlib.ExitStack() as stack:
            try:
                child = stack.enter_context(running(bounded, os.environ, Path(scratch) / "log"))
            except OSError as error:
                raise NotToldError(
                    "no-ffmpeg", f"ffmpeg cannot be started ({error.strerror}): install it."
                ) from error
            yield _Ffmpeg(child, publish_url.rpartition("=")[2])
