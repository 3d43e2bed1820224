"""Names show something, and nothing but what they are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.shown_names import MARKS_MAX, unshown

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PRIDE = "\U0001f3f3\ufe0f\u200d\U0001f308"
HEALTH = "\U0001f469\U0001f3fd\u200d\u2695\ufe0f"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "name",
    [
        "Main stage",
        "x",
        "7",
        "!",
        "Ünïcödé",
        "a\u0301 decomposed e\u0301",
        "مرحلة رئيسية",
        "می\u200cخواهم",  # Persian, with the joiner that its spelling needs
        "क्\u200dष",  # Devanagari
        "主舞台\u3000二",
        "葛\U000e0100",  # a variant that a name may need
        "\u0600\u0661",
        "ที่นี่",
        FAMILY,
        PRIDE,
        HEALTH,
        ENGLAND,
        f"Live {FAMILY}{ENGLAND}!",
        "1\ufe0f\u20e3",
        "non\u00a0breaking",
        "Tiếng Việt",
        "Tie\u0302\u0301ng",
        "שַׁבָּ\u0591ת",  # Hebrew with its points, and a sign of how it is sung
        "བསྒྲུབས་",  # Tibetan writes letters below each other
        "ကြွေးကြော်",
        "q\u0307\u0323\u0301\u0327",
        "q\u0307\u0323\u0301\u0327r\u0307\u0323\u0301\u0327",
    ],
)
def test_names_of_all_scripts_may_be_shown(name: str) -> None:
    """Emoji with their joiners too."""
    assert unshown(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u3000\u00a0",
        "\u3164",
        "\u115f\u1160",
        "\uffa0 \uffa0",
        "\u2800\u2800",
        "\u200b",
        "\u200d",
        "\u200c\u200c",
        "\ufeff",
        "\u2060a",
        "so\u00adft",
        "\u0301",
        "a \u0301",
        "\u20e3",
        "\ufe0f",
        "safe\u202egnp.exe",
        "a\u2066b\u2069",
        "\u200eabc",
        "abc\u200f",
        "\u061cabc",
        "a\u200db",
        "a\u200cb",
        "а\u200dб",  # Cyrillic letters do not join
        f"{FAMILY}\u200d",
        f"\u200d{FAMILY}",
        "\U000e0067\U000e007f",
        ENGLAND[:-1],
        f"{ENGLAND}\U000e0067",
        "a\nb",
        "a\u2028b",
        "a\x00",
        "\ud800",
        "\ue000",
        "\U0001ffff",
        "\ufffe",
        "a\u180eb",
        "a\ufff9b",
        "a\u3164b",
        "Z" + "\u0301" * 99,
        "q\u0307\u0323\u0301\u0327\u0302",
        "\u1ea5\u0307\u0323\u0301",  # which is a letter with two marks already
        "\u0e01" + "\u0e38" * 5,
        "a" + "\u20dd" * 5,
        "क" + "\u0941\u200d" * 5 + "ष",  # what joins them is not seen
    ],
)
def test_what_shows_nothing_or_something_else_is_no_name(name: str) -> None:
    """Wherever it stands."""
    assert unshown(name)


@given(st.text(max_size=12))
def test_whatever_passes_is_seen_and_turns_nothing_round(name: str) -> None:
    """By Unicode's own table of directions."""
    if unshown(name) is None:
        turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        assert not turning & {unicodedata.bidirectional(one) for one in name}
        assert any(unicodedata.category(one)[0] in "LNPS" for one in name)


@given(st.text(st.sampled_from("q\u1ea5\u0301\u0323\u20dd\u093e\u200d\u0915 "), max_size=40))
def test_whatever_passes_heaps_up_few_marks(name: str) -> None:
    """However it is spelt: composed or not, and whatever joins them."""
    if unshown(name) is None:
        spelt = unicodedata.normalize("NFD", name).replace("\u200d", "")
        kinds = "".join("m" if unicodedata.category(one) in {"Mn", "Me"} else "." for one in spelt)
        assert max(map(len, kinds.split("."))) <= MARKS_MAX
