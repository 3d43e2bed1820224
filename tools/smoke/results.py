"""What smoke finds: one row for each thing looked at, and a sentence that says what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """What a row says of the network; the values are what people are shown."""

    RED = "red"
    """It does not do what it should."""
    UNTOLD = "not told"
    """It could not be asked: our own machine's fault, or a permission that the asker lacks."""
    LEFT_OUT = "left out"
    """Only a cloud has it."""
    GREEN = "green"


@dataclass(frozen=True)
class ResultRow:
    """One, as it is shown and kept."""

    name: str
    grade: Light
    sentence: str
    code: str = ""
    """Of what is not green: docs/ops.md explains each."""


class WrongError(Exception):
    """The network does not do what it should. Whatever comes later stands on it."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


class NotToldError(Exception):
    """Something could not be asked. The rest is asked all the same."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


def status(findings: Iterable[ResultRow]) -> int:
    """0 if all is well, 1 if something is wrong, 2 if that cannot be told of everything."""
    grades = {each.grade for each in findings}
    return 1 if Light.RED in grades else 2 if Light.UNTOLD in grades else 0


def document(findings: Iterable[ResultRow]) -> dict[str, list[Mapping[str, str]]]:
    """As build/smoke.json has it."""
    return {
        "rows": [
            {"name": each.name, "value": each.grade, "code": each.code, "sentence": each.sentence}
            for each in findings
        ]
    }
