"""Who may register streams: a name is given once, and keys come and go."""

from collections.abc import Callable

import pytest

from coordinator.adapters.records.sponsor_books import BOOK
from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import DOCUMENT_BYTES_MAX
from coordinator.keys import sha256_hex
from coordinator.sponsor_book import (
    KEYS_MAX,
    NAMES_MAX,
    SPONSOR_BOOKS,
    IssuedKey,
    SponsorBook,
    SponsorBookError,
    SponsorEntry,
)

FIRST, SECOND, THIRD = (sha256_hex(key) for key in ("first", "second", "third"))


def _book() -> SponsorBook:
    return SponsorBook().with_sponsor("opera", FIRST, 7).with_sponsor("city-radio", SECOND, 11)


def test_a_key_opens_for_its_own_sponsor() -> None:
    assert _book().names_by_hash() == {FIRST: "opera", SECOND: "city-radio"}


def test_one_more_key_opens_beside_the_old_one_until_that_is_revoked() -> None:
    """So a key is replaced without a gap."""
    both = _book().with_key("opera", THIRD, 13)
    assert both.names_by_hash() == {FIRST: "opera", THIRD: "opera", SECOND: "city-radio"}
    new = both.without("opera", FIRST[:8], 17)
    assert new.names_by_hash() == {THIRD: "opera", SECOND: "city-radio"}


def test_whoever_is_revoked_has_no_key_and_keeps_the_name() -> None:
    """Streams belong to names, so nobody else may have it."""
    book = _book().with_key("opera", THIRD, 13).without("opera", "", 17)
    assert book.names_by_hash() == {SECOND: "city-radio"}
    with pytest.raises(SponsorBookError, match=r"opera is taken: it was revoked.*ACTION=another"):
        book.with_sponsor("opera", THIRD, 19)
    assert book.with_key("opera", THIRD, 19).names_by_hash()[THIRD] == "opera"


@pytest.mark.parametrize("digits", ["", FIRST, FIRST[:8], THIRD[:8]])
def test_revoking_twice_is_revoking_once(digits: str) -> None:
    """And says so: the second book is the first one."""
    once = _book().without("opera", digits, 17)
    assert once.without("opera", digits, 19) == once


def test_the_date_of_a_key_and_of_its_end_are_kept() -> None:
    book = _book().without("opera", "", 17)
    assert book.sponsors == [
        SponsorEntry(name="city-radio", keys=[IssuedKey(sha256=SECOND, issued_s=11)], since_s=11),
        SponsorEntry(name="opera", keys=[], since_s=7, revoked_s=17),
    ]


REFUSED: dict[str, tuple[Callable[[SponsorBook], SponsorBook], str]] = {
    "a name that is taken": (lambda b: b.with_sponsor("opera", THIRD, 9), "opera is taken"),
    "a key of somebody else": (lambda b: b.with_sponsor("tv", FIRST, 9), "one of opera's already"),
    "the same key again": (lambda b: b.with_key("opera", FIRST, 9), "one of opera's already"),
    "a key as its own hash": (lambda b: b.with_sponsor("tv", "k" * 43, 9), "never the key itself"),
    "a hash in capitals": (lambda b: b.with_key("opera", THIRD.upper(), 9), "never the key"),
    "nobody's name": (lambda b: b.with_key("tv", THIRD, 9), "No sponsor is called tv"),
    "nobody to revoke": (lambda b: b.without("tv", "", 9), "No sponsor is called tv"),
    "too few digits": (lambda b: b.without("opera", FIRST[:7], 9), "the first 8 digits"),
    "digits that are none": (lambda b: b.without("opera", "revoke-me", 9), "the first 8 digits"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused_with_a_sentence(what: str) -> None:
    change, says = REFUSED[what]
    with pytest.raises(SponsorBookError, match=says):
        change(_book())


@pytest.mark.parametrize(
    "name",
    ["", "City-Radio", "7up", "-radio", "city radio", "city:radio", "a,b", "café", "a" * 41, "a\n"],
)
@pytest.mark.parametrize("verb", ["with_sponsor", "with_key", "without"])
def test_an_odd_name_is_refused_with_the_rule(verb: str, name: str) -> None:
    """By every verb, and with a name that would do."""
    with pytest.raises(SponsorBookError, match=r"1 to 40 lower-case .* like city-radio"):
        getattr(_book(), verb)(name, THIRD, 9)


def test_the_fullest_book_is_a_document_with_room_to_spare() -> None:
    """As many names and keys as there may be, each as long as it may be."""
    entries = []
    for number in range(NAMES_MAX):
        hashes = [sha256_hex(f"{number} {at}") for at in range(KEYS_MAX)]
        keys = [IssuedKey(sha256=each, issued_s=1_795_000_000) for each in hashes]
        name = f"{number:a>40}"
        entries.append(SponsorEntry(name=name, keys=keys, since_s=1, revoked_s=1_795_000_000))
    book = SponsorBook(sponsors=entries)
    assert check_document(BOOK, SPONSOR_BOOKS.encode(book)) < 0.6 * DOCUMENT_BYTES_MAX
    with pytest.raises(SponsorBookError, match=f"There are {NAMES_MAX} sponsors"):
        book.with_sponsor("one-more", THIRD, 9)
    with pytest.raises(SponsorBookError, match=f"has {KEYS_MAX} keys: revoke one first"):
        book.with_key(entries[0].name, THIRD, 9)
