"""The course of a smoke test: what is looked at, in the order in which one stands on another."""

import contextlib
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from tools.smoke import backing, doorstep
from tools.smoke.api_client import AnswerError, ApiClient
from tools.smoke.ground import Ground
from tools.smoke.patience import Patience
from tools.smoke.picture import Publishing, publishing
from tools.smoke.results import Light, NotToldError, ResultRow, WrongError
from tools.smoke.tested_stream import TestedStream
from tools.smoke.watching import Watching, answering

Step = Callable[[], str | None]
"""Returns what is well in a sentence, or None for what only a cloud has."""
Say = Callable[[str], None]


def has_ffmpeg() -> str:
    """Before anything is registered in vain."""
    if not (path := shutil.which("ffmpeg")):
        raise NotToldError("no-ffmpeg", "ffmpeg is not on PATH: install it to publish a picture.")
    return f"{path} makes the picture."


class StoppedError(Exception):
    """What comes later stands on what was not found well."""


class Course:
    """Takes steps, and tells of each what it found."""

    def __init__(self, tell: Callable[[ResultRow], None], say: Say) -> None:
        self.findings = list[ResultRow]()
        self._tell, self.say = tell, say

    def look(self, name: str, step: Step) -> None:
        """Goes on where something could not be asked. Raises StoppedError where it is wrong."""
        self.say(f"{name} …")
        try:
            sentence = step()
        except NotToldError as error:
            self.add(ResultRow(name, Light.UNTOLD, error.sentence, error.code))
        except WrongError as error:
            self.add(ResultRow(name, Light.RED, error.sentence, error.code))
            raise StoppedError from error
        except AnswerError as error:
            code = "refused" if error.status else "api-silent"
            self.add(ResultRow(name, Light.RED, error.sentence, code))
            raise StoppedError from error
        else:
            is_here = sentence is not None
            grade = Light.GREEN if is_here else Light.LEFT_OUT
            self.add(ResultRow(name, grade, sentence or "Only a cloud has it."))

    def need(self, name: str, step: Step) -> None:
        """The same. Raises StoppedError also where it could not be asked."""
        self.look(name, step)
        if self.findings[-1].grade is Light.UNTOLD:
            raise StoppedError

    def add(self, finding: ResultRow) -> None:
        """One more row, told at once."""
        self.findings.append(finding)
        self._tell(finding)


@dataclass(frozen=True)
class Means:
    """What smoke itself brings along: time, a publisher, and a way to knock at ports."""

    patience: Patience
    publishing: Callable[[str], AbstractContextManager[Publishing]] = publishing
    answering: Callable[[str], str] = answering
    has_publisher: Callable[[], str] = has_ffmpeg


def smoke(
    course: Course, network: ApiClient, ground: Ground, stream: TestedStream, means: Means
) -> None:
    """All of it. Raises StoppedError; the stream is closed, whatever comes."""
    patience, say = means.patience, course.say
    course.need("api", partial(doorstep.health, network))
    course.look("callers", partial(doorstep.callers_address, network))
    course.look("doors", partial(doorstep.doors, ground))
    course.look("databases", partial(backing.databases, ground))
    course.look("machines", partial(backing.machines, ground, patience, say))
    course.need("publisher", means.has_publisher)
    try:
        course.need("stream", stream.register)
        course.need("ingest", partial(means.answering, stream.ingest_url))
        with means.publishing(stream.publish_url) as sender, ground.relaying(stream.stream_id):
            watching = Watching(network, stream.stream_id, sender, patience, say)
            course.need("published", watching.published)
            course.look("jobs", partial(backing.jobs, ground, patience, say))
            course.need("relayed", watching.relayed)
            course.need("checked", watching.checked)
    finally:
        if stream.is_asked_for:
            with undisturbed():
                course.look("closed", stream.close)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C waits for the one call that is left."""
    ends = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    before = {each: signal.signal(each, signal.SIG_IGN) for each in ends}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
