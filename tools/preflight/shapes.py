"""Fields of an answer, each of the type that it must have: what has another shape is refused."""

from collections.abc import Mapping

Row = Mapping[str, object]


class NonsenseError(ValueError):
    """An answer is not what the command promises; the message names what is odd."""


def row(value: object) -> Row:
    """An object."""
    if not isinstance(value, dict):
        raise NonsenseError(f"{type(value).__name__} where an object was expected")
    return value


def rows(value: object) -> list[Row]:
    """A list of objects."""
    if not isinstance(value, list):
        raise NonsenseError(f"{type(value).__name__} where a list was expected")
    return [row(each) for each in value]


def text(of: Row, *path: str) -> str:
    """A string behind a path of names; empty where the path ends early."""
    value: object = of
    for name in path:
        value = row(value).get(name, {})
    if value in ({}, None):
        return ""
    if not isinstance(value, str):
        raise NonsenseError(f"{'.'.join(path)} is no text")
    return value


def said(of: Row, *path: str) -> str:
    """A string that must be there: what is left out would be taken for a refusal."""
    value = text(of, *path)
    if not value:
        raise NonsenseError(f"no {'.'.join(path)}")
    return value


def number(of: Row, name: str) -> float:
    """A number, which must be there."""
    value = of.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NonsenseError(f"{name} is no number")
    return float(value)


def yes(of: Row, name: str) -> bool:
    """True or false; false where it is left out, as Google's APIs leave out defaults."""
    value = of.get(name, False)
    if not isinstance(value, bool):
        raise NonsenseError(f"{name} is neither true nor false")
    return value


def strings(value: object, name: str) -> list[str]:
    """A list of strings in an object; empty where it is left out."""
    found = row(value).get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise NonsenseError(f"{name} is no list of texts")
    return found
