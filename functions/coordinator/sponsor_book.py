"""Who may register streams: the names of sponsors, and the hashes of their keys. Pure.

It is one document, so that who asks for it pays one read however many sponsors there are, and
however many strangers try keys. A name is never given away again: streams belong to names.
"""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from coordinator.documents.codec import Codec
from coordinator.keys import SHA256_PATTERN, SPONSOR_NAME_PATTERN

NAMES_MAX = 1_000
KEYS_MAX = 4
"""Of one sponsor: the old and the new one while a key is replaced, of two machines. With the most
names the document is half of what a document may be."""
SHOWN_DIGITS = 12
"""So many digits of a hash name a key to people."""
NAMING_DIGITS_MIN = 8
_HASH_START = re.compile(rf"[0-9a-f]{{{NAMING_DIGITS_MIN},64}}")
NAME_RULE = (
    "1 to 40 lower-case letters, digits and hyphens, starting with a letter, like city-radio"
)


class SponsorBookError(ValueError):
    """What was asked for cannot be; the message is a sentence for whoever asked."""


class IssuedKey(BaseModel):
    """A key that opens, as far as we know it."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    issued_s: int

    @property
    def shown(self) -> str:
        """What names it to people."""
        return self.sha256[:SHOWN_DIGITS]


class SponsorEntry(BaseModel):
    """A sponsor; one without a key is known, and may do nothing."""

    model_config = ConfigDict(frozen=True)

    name: str
    keys: list[IssuedKey]
    since_s: int
    """When the name was entered."""
    revoked_s: int | None = None
    """When one of its keys was revoked last."""


class SponsorBook(BaseModel):
    """The money document `sponsors/book`, written by ops (`make sponsor`), read by the api."""

    model_config = ConfigDict(frozen=True)

    sponsors: list[SponsorEntry] = []
    """By name."""

    def names_by_hash(self) -> Mapping[str, str]:
        """Whose each key is."""
        return {key.sha256: entry.name for entry in self.sponsors for key in entry.keys}

    def with_sponsor(self, name: str, sha256: str, now_s: int) -> "SponsorBook":
        """With a new sponsor, who has this key. Raises SponsorBookError."""
        _check_name(name)
        known = self._entry(name)
        if known is not None:
            has = "has a key already" if known.keys else "was revoked, and its streams are there"
            raise SponsorBookError(
                f"The name {name} is taken: it {has}. Choose another one, or give it one more key "
                "by ACTION=another. Each of its keys moves the tokens of all its streams."
            )
        if len(self.sponsors) >= NAMES_MAX:
            raise SponsorBookError(f"There are {NAMES_MAX} sponsors, and no more have room.")
        key = self._new_key(sha256, now_s)
        return self._with(SponsorEntry(name=name, keys=[key], since_s=now_s))

    def with_key(self, name: str, sha256: str, now_s: int) -> "SponsorBook":
        """With one more key of a sponsor who is there. Raises SponsorBookError."""
        entry = self._known(name)
        if len(entry.keys) >= KEYS_MAX:
            raise SponsorBookError(
                f"{name} has {KEYS_MAX} keys: revoke one first, by ACTION=revoke HASH=…."
            )
        keys = [*entry.keys, self._new_key(sha256, now_s)]
        return self._with(entry.model_copy(update={"keys": keys}))

    def without(self, name: str, digits: str, now_s: int) -> "SponsorBook":
        """Without the key whose hash begins with `digits`; all keys of the name if there are none.

        The same book if there is nothing to revoke. Raises SponsorBookError."""
        entry = self._known(name)
        if digits and not _HASH_START.fullmatch(digits):
            raise SponsorBookError(
                f"HASH names a key by the first {NAMING_DIGITS_MIN} digits of its hash, or more."
            )
        kept = [key for key in entry.keys if not key.sha256.startswith(digits)]
        if len(kept) == len(entry.keys):
            return self
        return self._with(entry.model_copy(update={"keys": kept, "revoked_s": now_s}))

    def _entry(self, name: str) -> SponsorEntry | None:
        return next((entry for entry in self.sponsors if entry.name == name), None)

    def _known(self, name: str) -> SponsorEntry:
        _check_name(name)
        entry = self._entry(name)
        if entry is None:
            raise SponsorBookError(f"No sponsor is called {name}: see ACTION=list.")
        return entry

    def _with(self, entry: SponsorEntry) -> "SponsorBook":
        others = [each for each in self.sponsors if each.name != entry.name]
        return SponsorBook(sponsors=sorted([*others, entry], key=lambda each: each.name))

    def _new_key(self, sha256: str, now_s: int) -> IssuedKey:
        if not SHA256_PATTERN.fullmatch(sha256):
            raise SponsorBookError(
                "HASH is the SHA-256 of a key in 64 hexadecimal digits, never the key itself."
            )
        owner = self.names_by_hash().get(sha256)
        if owner is not None:
            raise SponsorBookError(f"That key is one of {owner}'s already.")
        return IssuedKey(sha256=sha256, issued_s=now_s)


SPONSOR_BOOKS = Codec(SponsorBook, "sponsors")


def _check_name(name: str) -> None:
    if not SPONSOR_NAME_PATTERN.fullmatch(name):
        raise SponsorBookError(f"{name!r} is no name for a sponsor: write {NAME_RULE}.")
