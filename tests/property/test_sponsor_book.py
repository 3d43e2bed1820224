"""Whatever ops do to the book of sponsors, in whatever order: it says what a plain list says."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.keys import sha256_hex
from coordinator.sponsor_book import KEYS_MAX, SPONSOR_BOOKS, SponsorBook, SponsorBookError

NAMES = st.sampled_from(["opera", "city-radio", "tv", "Odd Name"])
KEYS = st.sampled_from([sha256_hex(str(number)) for number in range(11)])
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("with_sponsor"), NAMES, KEYS),
        st.tuples(st.just("with_key"), NAMES, KEYS),
        st.tuples(st.just("without"), NAMES, st.one_of(st.just(""), KEYS.map(lambda k: k[:8]))),
    ),
    max_size=40,
)


def _expected(model: dict[str, list[str]], verb: str, name: str, key: str) -> None:
    """The same deed on lists of keys by name; LookupError if it is refused."""
    if name == "Odd Name" or (name in model) == (verb == "with_sponsor"):
        raise LookupError
    if verb == "without":
        model[name] = [each for each in model[name] if not each.startswith(key)]
        return
    keys = model.get(name, [])
    if len(keys) == KEYS_MAX or any(key in each for each in model.values()):
        raise LookupError
    model[name] = [*keys, key]


@given(DEEDS)
def test_the_book_is_what_was_done_to_it(deeds: list[tuple[str, str, str]]) -> None:
    """A key opens for one sponsor, until it is revoked; a refused deed changes nothing; and what
    is stored is read again as it was."""
    book, model = SponsorBook(), dict[str, list[str]]()
    for at, (verb, name, key) in enumerate(deeds):
        try:
            _expected(model, verb, name, key)
            fits = True
        except LookupError:
            fits = False
        try:
            book = getattr(book, verb)(name, key, at)
            assert fits, (verb, name, key)
        except SponsorBookError:
            assert not fits, (verb, name, key)
        book = SPONSOR_BOOKS.decode(SPONSOR_BOOKS.encode(book))
        assert {entry.name: [key.sha256 for key in entry.keys] for entry in book.sponsors} == model
        assert [entry.name for entry in book.sponsors] == sorted(model)
        assert dict(book.names_by_hash()) == {k: name for name, keys in model.items() for k in keys}
