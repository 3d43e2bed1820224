"""Google's answers to preflight, of an empty project in which everything is well.

Nobody here reaches a cloud. They were written down by the formats of gcloud 528 and of Google's
documents; what gcloud says of a machine that is not signed in was really recorded.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.preflight.commands import Ask, Heard
from tools.preflight.inquiries import Inquiry, Wanted

RECORDED: Mapping[str, object] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
"""By the whole command line; a text is printed as it is."""
WANTED = Wanted("my-network-4711", "europe-west1", is_large=True, machine="e2-standard-2")
Change = object | Heard | Callable[[object], object]
"""Another answer, none at all, or what is made of the one that was recorded."""


def answers(changes: Mapping[str, Change]) -> dict[str, Heard]:
    """All answers, with other ones for the commands that begin like a name of `changes`."""
    heard = {line: _heard(value) for line, value in RECORDED.items()}
    for start, change in changes.items():
        (line,) = [each for each in RECORDED if each.startswith(start)]
        heard[line] = _heard(change(RECORDED[line]) if callable(change) else change)
    return heard


def _heard(value: Change) -> Heard:
    if isinstance(value, Heard):
        return value
    return Heard(0, value if isinstance(value, str) else json.dumps(value))


def stand_in(changes: Mapping[str, Change], asked: list[str] | None = None) -> Ask:
    """Answers as recorded. What was not recorded is asked for by mistake, and fails."""
    heard = answers(changes)

    def ask(inquiries: Sequence[Inquiry], token: str) -> dict[str, Heard]:
        if asked is not None:
            asked.extend(each.line for each in inquiries)
        return {each.name: heard[each.line] for each in inquiries}

    return ask


PROGRAM = """#!{python} -IS
import json, os, sys
line = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
answer = json.load(open({answers!r}))[line]
print(answer["text"])
print(answer["error"], file=sys.stderr)
sys.exit(answer["status"])
"""


def programs(
    folder: Path, changes: Mapping[str, Change], names: Sequence[str] = ("gcloud", "terraform")
) -> str:
    """A folder for PATH with programs that answer as recorded."""
    told = folder / "answers.json"
    told.write_text(
        json.dumps(
            {
                line: {"status": heard.status, "text": heard.text, "error": heard.error}
                for line, heard in answers(changes).items()
            }
        )
    )
    for name in names:
        path = folder / name
        path.write_text(PROGRAM.format(python=sys.executable, answers=str(told)))
        path.chmod(0o755)
    return str(folder)
