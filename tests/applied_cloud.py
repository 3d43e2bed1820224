"""A network that was just applied, in which all is well: what gcloud, Firestore and the api answer.

Nobody here reaches a cloud. gcloud's answers were written down by its formats (528) and Google's
documents; the api's are the examples of its own models.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.wire.checks import ChecksOut
from api.wire.common import HealthOut, example_of
from api.wire.config import ConfigOut
from api.wire.example_names import NODE_ID, STREAM_ID
from api.wire.money import ClosedOut, DeliveryOut
from api.wire.nodes import DialBackOut, NodeOut
from api.wire.statements import StatementsOut
from api.wire.streams import RegisteredOut, StreamOut
from tools.preflight.commands import Heard
from tools.preflight.inquiries import Inquiry
from tools.smoke.api_client import ApiClient
from tools.smoke.cloud import Cloud
from tools.smoke.course import Course, Means, StoppedError, smoke
from tools.smoke.gcloud import Gcloud
from tools.smoke.kept import Kept
from tools.smoke.patience import Patience
from tools.smoke.picture import Publishing
from tools.smoke.results import ResultRow
from tools.smoke.tested_stream import TestedStream
from tools.smoke.web import Web

PROJECT, REGION = "my-network-4711", "europe-west1"
API = "https://restream-api-471100000001.europe-west1.run.app"
KEY = "k" * 43
START_S = 1_795_356_000.0
"""2026-11-22T14:00:00Z, when all is asked first."""
RECORDED: Mapping[str, object] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
"""By the whole command line; a text is printed as it is."""
NODE = example_of(NodeOut)
TOLD: Mapping[str, Any] = {
    "GET /health": example_of(HealthOut),
    "POST /nodes/dial-back": example_of(DialBackOut) | {"address": "100.128.0.7"},
    "POST /streams": example_of(RegisteredOut),
    f"GET /streams/{STREAM_ID}": example_of(StreamOut),
    f"GET /nodes?stream_id={STREAM_ID}": {"nodes": [NODE], "next_page_token": None},
    f"GET /nodes/{NODE_ID}/checks?page_size=20": example_of(ChecksOut),
    f"POST /streams/{STREAM_ID}/close": example_of(ClosedOut),
    "GET /config": example_of(ConfigOut),
    f"GET /streams/{STREAM_ID}/statements": example_of(StatementsOut),
    f"GET /streams/{STREAM_ID}/delivery": example_of(DeliveryOut),
}
"""By the whole request."""
Change = Any
"""Another answer, or what is made of the one that is recorded."""


@dataclass
class StoodIn(Web):
    """Everything that smoke asks, and a time that passes by waiting alone."""

    gcloud: Mapping[str, Change] = field(default_factory=dict)
    """Other answers, by how the command line begins."""
    api: Mapping[str, Change] = field(default_factory=dict)
    """Likewise, by the whole request; `Refusal` is one that is refused."""
    closed: Mapping[str, int] = field(default_factory=dict)
    """What a stranger is answered, by a word of the address."""
    read: Mapping[str, int] = field(default_factory=dict)
    """What the prober is answered, by the database."""
    sender_fails: Exception | None = None
    now_s: float = START_S
    asked: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def clock(self) -> float:
        """Of everybody."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Passes at once."""
        self.now_s += seconds

    def ask(self, inquiries: Sequence[Inquiry], token: str) -> dict[str, Heard]:
        """As gcloud. What was not recorded is asked for by mistake, and fails."""
        assert token == ""
        self.asked += [each.line for each in inquiries]
        return {each.name: self._heard(each.line) for each in inquiries}

    def _heard(self, line: str) -> Heard:
        starts = [start for start in self.gcloud if line.startswith(start)]
        if not starts:
            return _heard(RECORDED[line])
        change = self.gcloud[starts[0]]
        return _heard(change(RECORDED.get(line)) if callable(change) else change)

    def stranger(self, url: str) -> int:
        """Closed, unless it is said otherwise."""
        return next((status for word, status in self.closed.items() if word in url), 404)

    def reader(self, path: str, token: str) -> int:
        """By the token that gcloud printed."""
        assert token == "ya29.prober"
        database = path.split("/")[4]
        return self.read.get(database, {"(default)": 200, "money": 403}[database])

    def answer(self, request: httpx.Request) -> httpx.Response:
        """As the api."""
        self.requests.append(request)
        line = f"{request.method} {request.url.raw_path.decode()}"
        told = self.api[line] if line in self.api else TOLD[line]
        told = told(TOLD[line]) if callable(told) else told
        if isinstance(told, Exception):
            raise told
        if isinstance(told, httpx.Response):
            return told
        return httpx.Response(201 if request.method == "POST" else 200, json=told)

    @contextlib.contextmanager
    def publishing(self, url: str) -> Iterator[Publishing]:
        """Sends nothing."""
        assert url == TOLD["POST /streams"]["publish_url"]
        yield self

    def look(self) -> None:
        """As the publisher."""
        if self.sender_fails:
            raise self.sender_fails

    def network(self) -> ApiClient:
        """The api's client."""
        transport = httpx.MockTransport(self.answer)
        return ApiClient(httpx.Client(base_url=API, transport=transport), self.clock)

    def ground(self) -> Cloud:
        """The cloud's."""
        return Cloud(Gcloud(self.ask), PROJECT, REGION, self.clock, self)

    def smoked(
        self, folder: Path, key: str = KEY, answering: Callable[[str], str] = str
    ) -> tuple[list[ResultRow], list[str]]:
        """What is found, and what was said meanwhile."""
        said: list[str] = []
        course, network = Course(lambda _: None, said.append), self.network()
        stream = TestedStream(network, key, Kept(folder / "kept.json"))
        patience = Patience(self.clock, self.sleep)
        means = Means(patience, self.publishing, answering, lambda: "It makes the picture.")
        with contextlib.suppress(StoppedError):
            smoke(course, network, self.ground(), stream, means)
        return course.findings, said


def refusal(status: int, kind: str, detail: str = "No.", **headers: str) -> httpx.Response:
    """As the api refuses."""
    body = {"type": f"/problems/{kind}", "title": "No", "status": status, "detail": detail}
    return httpx.Response(status, json=body, headers=headers)


def _heard(value: object) -> Heard:
    if isinstance(value, Heard):
        return value
    return Heard(0, value if isinstance(value, str) else json.dumps(value))
