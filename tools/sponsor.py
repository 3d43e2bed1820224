"""`make sponsor NAME=city-radio PROJECT=my-network`: a key for a sponsor, and its end.

A key is made on this machine and printed once; it is kept nowhere. Its SHA-256 is entered in the
book of sponsors, which the api reads: from then on it opens within a minute. No apply is needed.
The same program enters sponsors of an emulator, if FIRESTORE_EMULATOR_HOST names one.

Exit codes: 0 done, or there was nothing to do; 1 it cannot be; 64 it was called wrongly.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from coordinator.adapters.records.sponsor_books import SponsorBooks
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import StoreError
from coordinator.documents.records import UnreadableError
from coordinator.keys import sha256_hex
from coordinator.sponsor_book import NAME_RULE, SHOWN_DIGITS, SponsorBook, SponsorBookError
from emulator.unread import quiet_when_unread
from tools.arguments import LinedParser

KEY_BYTES = 32
LINE = "make sponsor NAME=city-radio PROJECT=my-network-4711"
WITHIN = "within a minute"
"""What the api's list of sponsors promises (api.services.known_sponsors)."""
SIGN_IN = "Sign in for programs: gcloud auth application-default login."


async def issued(books: SponsorBooks, asked: argparse.Namespace, now_s: int) -> list[str]:
    """Enters a key of a new sponsor, or one more of a known one. SponsorBookError if it cannot."""
    key = "" if asked.hash else secrets.token_urlsafe(KEY_BYTES)
    sha256 = asked.hash or sha256_hex(key)

    def entered(book: SponsorBook) -> SponsorBook:
        enter = book.with_sponsor if asked.action == "new" else book.with_key
        return enter(asked.name, sha256, now_s)

    await books.change(entered)
    opens = f"It opens {WITHIN}. ACTION=list and ACTION=revoke call it {sha256[:SHOWN_DIGITS]}."
    if not key:
        return [f"The key of {asked.name} that has this hash is entered. {opens}"]
    told = f"The key of {asked.name}, shown here and never again; send it to them alone:"
    return [told, "", f"  {key}", "", opens]


async def revoked(books: SponsorBooks, asked: argparse.Namespace, now_s: int) -> list[str]:
    """Takes keys out of the book. SponsorBookError if there is no such sponsor."""
    which = f"The key {asked.hash} of {asked.name}" if asked.hash else f"Every key of {asked.name}"
    if not await books.change(lambda book: book.without(asked.name, asked.hash, now_s)):
        return [f"{asked.name} has no such key: nothing was changed."]
    return [
        f"{which} is revoked, and opens nothing any more {WITHIN}.",
        "Streams that were registered go on, and are published and paid as before: docs/ops.md.",
    ]


async def listed(books: SponsorBooks) -> list[str]:
    """Every sponsor, with what names each key."""
    lines = []
    for entry in (await books.book()).sponsors:
        keys = [f"{key.shown} of {_day(key.issued_s)}" for key in entry.keys]
        ended = f"no key since {_day(entry.revoked_s)}" if entry.revoked_s else "no key"
        lines.append(f"{entry.name:<40}  {', '.join(keys) or ended}")
    return lines or ["There is no sponsor yet."]


def _day(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()


async def done(asked: argparse.Namespace, now_s: int) -> list[str]:
    """What is told of an action in the database that was named."""
    store = FirestoreStore(asked.project, asked.database)
    try:
        books = SponsorBooks(store)
        if asked.action == "list":
            return await listed(books)
        act = revoked if asked.action == "revoke" else issued
        return await act(books, asked, now_s)
    finally:
        await store.close()


def sentence_of(error: Exception, asked: argparse.Namespace) -> str:
    """What to do about a database that did not do what was asked."""
    cause = error.__cause__ or error
    words = f"({type(cause).__name__}: {cause})"
    where = f"database `{asked.database}` of project {asked.project}"
    if isinstance(cause, GoogleAuthError) or "eauthentic" in words or "invalid_grant" in words:
        return f"Nobody is signed in, or no longer. {SIGN_IN} {words}"
    if isinstance(cause, exceptions.PermissionDenied):
        return (
            f"You may not write the {where}, or there is no such project: have its owner give you "
            f"the role Cloud Datastore User. {words}"
        )
    if isinstance(cause, exceptions.NotFound):
        return f"There is no {where}: apply Terraform first, or name it by DATABASE. {words}"
    return f"The {where} was not reached, and may have been changed: look by ACTION=list. {words}"


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = LinedParser(
        line=LINE,
        description="Gives a sponsor a key, revokes it, or lists them: without an apply.",
        epilog="Exit codes: 0 done, 1 it cannot be, 64 usage. FIRESTORE_EMULATOR_HOST is honoured.",
    )
    parser.add_argument(
        "action",
        choices=("new", "another", "revoke", "list"),
        help="new: a sponsor and their first key; another: one more key; revoke: one key, or all",
    )
    parser.add_argument("--name", default="", help=NAME_RULE)
    parser.add_argument("--project", default="", help="where the databases are")
    parser.add_argument("--database", default="money", help="where the tokens are")
    parser.add_argument(
        "--hash",
        default="",
        help="the SHA-256 of a key that they made themselves; of one to revoke, its first digits",
    )
    asked = parser.parse_args(argv)
    for name in ("project", "name")[: 1 if asked.action == "list" else 2]:
        if not getattr(asked, name):
            parser.error(f"{name.upper()} is missing")
    return asked


def main(argv: Sequence[str], now_s: int) -> int:
    """The exit status."""
    asked = _arguments(argv)
    try:
        lines = asyncio.run(done(asked, now_s))
    except (SponsorBookError, UnreadableError) as error:
        print(error, file=sys.stderr)
        return 1
    except (StoreError, exceptions.GoogleAPIError, GoogleAuthError) as error:
        print(sentence_of(error, asked), file=sys.stderr)
        return 1
    print("\n".join(lines))
    host = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if host:
        print(f"In the emulator at {host}, not in Google's cloud.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:], int(time.time()))))
