"""Inputs that broke a law: one for each place where one broke, the smallest."""

import hashlib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.report import ROOT

SHRINK_TRIES_MAX = 3_000
_OURS = str(ROOT)


class Broken(NamedTuple):
    """A law that did not hold."""

    where: str
    """The exception, and the innermost line of this tree that it passed."""
    trace: str


def broken_by(law: Callable[[bytes], None], data: bytes) -> Broken | None:
    """What comes of an input; None where the law holds."""
    try:
        law(data)
    except Exception as error:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.startswith(_OURS) and "site-packages" not in frame.filename
        ]
        last = frames[-1]
        where = f"{type(error).__name__} in {last.filename.removeprefix(_OURS)}:{last.lineno}"
        return Broken(where, "".join(traceback.format_exception(error, limit=-6)))
    return None


class Finds:
    """Kept as files in a folder as soon as they are found: the process may not live on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}

    def take(self, data: bytes, broken: Broken) -> None:
        """One more, unless a smaller one broke at the same place."""
        if len(data) >= self._sizes.get(broken.where, len(data) + 1):
            return
        self._sizes[broken.where] = len(data)
        name = hashlib.sha256(broken.where.encode()).hexdigest()[:12]
        (self._folder / name).write_bytes(data)
        (self._folder / f"{name}.txt").write_text(f"{broken.where}\n\n{broken.trace}")


def shrunk(law: Callable[[bytes], None], data: bytes) -> bytes:
    """A part of the input at which the law breaks as well; at the same place, so it is the same."""
    first = broken_by(law, data)
    step, tries = len(data) // 2, 0
    while first is not None and step and tries < SHRINK_TRIES_MAX:
        at = 0
        while at < len(data) and tries < SHRINK_TRIES_MAX:
            tries += 1
            less = data[:at] + data[at + step :]
            found = broken_by(law, less)
            if found is not None and found.where == first.where:
                data = less
            else:
                at += step
        step //= 2
    return data
