"""Names that strangers choose and others read: they show something, and only what they are. Pure.

A name of blanks cannot be told from no name. A control of direction turns round the text behind
it, on a page or in a playlist that is not the stranger's. Marks that are heaped on a letter cover
the lines above and below.
"""

import unicodedata

_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and a symbol by their category, that are shown as nothing."""
_JOINERS = "\u200c\u200d"
_SCRIPTS_THAT_JOIN = 0x0590
"""From here on letters change with a joiner between them; Latin, Greek and Cyrillic ones do not."""
_FLAG, _FLAG_ENDS = "\U0001f3f4", "\U000e007f"
_TAGS = range(0xE0020, 0xE007F)
_NUMBER_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u08e2\U000110bd\U000110cd")
"""Of Arabic and Kaithi: format by their category, and shown all the same."""
MARKS_MAX = 4
"""In a row without room of their own. Unicode's security mechanisms (UTS 39, 5.4) call more of them
suspicious: no spelling needs so many."""


def unshown(name: str) -> str | None:
    """Why a name may not be shown; None if it may."""
    is_shown, before, marks = False, " ", 0
    for at, character in enumerate(name):
        marks = _marks_after(marks, character)
        wrong = "more marks than a letter has" if marks > MARKS_MAX else _wrong(name, at, before)
        if wrong is not None:
            return f"{wrong} (character {at + 1}, U+{ord(character):04X})"
        kind = unicodedata.category(character)
        is_shown = is_shown or kind[0] in "LNPS"
        before = character
    return None if is_shown else "it shows nothing"


def _marks_after(marks: int, character: str) -> int:
    """How many marks stand over each other behind this character; a letter may bring some along.

    A joiner between marks is not seen, so they go on behind it."""
    for one in unicodedata.normalize("NFD", character):
        if unicodedata.category(one) in {"Mn", "Me"}:
            marks += 1
        elif one not in _JOINERS:
            marks = 0
    return marks


def _wrong(name: str, at: int, before: str) -> str | None:
    character = name[at]
    kind = unicodedata.category(character)
    if character in _BLANK:
        return "a letter that is shown as nothing"
    if kind in {"Cc", "Cs", "Co", "Zl", "Zp"} or ord(character) & 0xFFFE == 0xFFFE:
        return "no character that can be shown"
    if kind[0] == "M" and unicodedata.category(before)[0] in "ZC" and before not in _JOINERS:
        return "a mark without a letter to stand on"
    is_seen = (
        kind != "Cf"
        or character in _NUMBER_SIGNS
        or (character in _JOINERS and _joins(before, name[at + 1 : at + 2]))
        or _is_of_a_flag(name[: at + 1], name[at + 1 :])
    )
    return None if is_seen else "a control that is not shown"


def _joins(before: str, after: str) -> bool:
    """Whether a joiner stands inside of an emoji, or of a word whose letters it changes."""
    kinds = unicodedata.category(before), unicodedata.category(after) if after else "Zs"
    is_emoji = kinds[0] in {"So", "Sk", "Mn"} and kinds[1] == "So"
    is_word = all(kind[0] in "LM" for kind in kinds)
    return is_emoji or (is_word and min(ord(before), ord(after)) >= _SCRIPTS_THAT_JOIN)


def _is_of_a_flag(so_far: str, rest: str) -> bool:
    """Whether what ends here is a tag of a flag: a black one, tags, and the tag that ends them."""
    tags = so_far.rpartition(_FLAG)[2] if _FLAG in so_far else ""
    if not tags or not all(ord(one) in _TAGS or one == _FLAG_ENDS for one in tags):
        return False
    return _FLAG_ENDS in tags[-1] + rest and _FLAG_ENDS not in tags[:-1]
