"""gcloud, one question at a time: an answer, or why there is none and what to do."""

import json
from collections.abc import Callable
from typing import TypeVar

from tools.preflight.commands import Ask, Heard
from tools.preflight.inquiries import Inquiry
from tools.preflight.shapes import NonsenseError
from tools.preflight.unheard import hindrance, nonsense
from tools.smoke.results import NotToldError

T = TypeVar("T")


class Gcloud:
    """Asks by preflight's own means: each answer has its limits, and nobody is asked back."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def heard(self, command: str, *options: str) -> Heard:
        """What came, whatever it was. Raises NotToldError where the program cannot ask at all."""
        inquiry = _inquiry(command, options)
        heard = self._ask([inquiry], "")[inquiry.name]
        if heard.fault or (heard.status and hindrance(inquiry, heard).code != "failed"):
            raise _untold(inquiry, heard)
        return heard

    def text(self, command: str, *options: str) -> str:
        """What it prints. Raises NotToldError."""
        heard = self.heard(command, *options)
        if heard.status:
            raise _untold(_inquiry(command, options), heard)
        return heard.text

    def read(self, parse: Callable[[object], T], command: str, *options: str) -> T:
        """What `parse` makes of its JSON; raises NotToldError where that is not understood."""
        text = self.text(command, *options)
        try:
            return parse(json.loads(text))
        except (NonsenseError, ValueError, RecursionError) as error:
            what = str(error) if isinstance(error, NonsenseError) else "no JSON"
            odd = nonsense([_inquiry(command, options)], what)
            raise NotToldError(odd.code, odd.sentence) from error


def _inquiry(command: str, options: tuple[str, ...]) -> Inquiry:
    return Inquiry(command, ("gcloud", *command.split(), *options))


def _untold(inquiry: Inquiry, heard: Heard) -> NotToldError:
    found = hindrance(inquiry, heard)
    return NotToldError(found.code, found.sentence)
