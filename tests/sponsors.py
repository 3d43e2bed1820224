"""Sponsors of tests: entered as `make sponsor` enters them, in any store."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from coordinator.adapters.records.sponsor_books import BOOK, SponsorBooks
from coordinator.adapters.store.protocol import Fields, Ref, Store
from coordinator.keys import sha256_hex
from coordinator.sponsor_book import SPONSOR_BOOKS, SponsorBook

ROOT = Path(__file__).resolve().parents[1]
ISSUED_S = 1_795_000_000
SECONDS_MAX = 60.0


def make_sponsor(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What `make sponsor` runs, in a process of its own; `environment` is added to ours."""
    path = os.pathsep.join((str(ROOT / "functions"), str(ROOT)))
    return subprocess.run(
        (sys.executable, "-m", "tools.sponsor", *words),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def book_of(keys: Mapping[str, str]) -> SponsorBook:
    """Of sponsors' names and their keys."""
    return _with(SponsorBook(), keys)


def entered(**keys: str) -> dict[Ref, Fields]:
    """What a database of the money holds at first: `MemoryStore(entered(ada=KEY))`."""
    return {BOOK: SPONSOR_BOOKS.encode(book_of(keys))}


async def enter(money: Store, **keys: str) -> None:
    """Enters those in a database who are not there yet."""
    await SponsorBooks(money).change(lambda book: _with(book, keys))


def _with(book: SponsorBook, keys: Mapping[str, str]) -> SponsorBook:
    known = set(book.names_by_hash().values())
    for name in keys.keys() - known:
        book = book.with_sponsor(name, sha256_hex(keys[name]), ISSUED_S)
    return book
