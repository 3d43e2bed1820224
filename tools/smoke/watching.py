"""What becomes of the tested stream: published, relayed by a node, and checked there."""

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tools.smoke.api_client import AnswerError, ApiClient
from tools.smoke.patience import Patience
from tools.smoke.picture import Publishing
from tools.smoke.results import WrongError

CONNECT_S_MAX = 10.0
"""Three times what a lost first packet costs."""
PUBLISHED_S_MAX = 90.0
"""Codecs are told three seconds after the first packet; a connection may be tried anew."""
RELAYED_S_MAX = 240.0
"""A node asks for a stream within a minute, and two sweeps find it well."""
CHECKED_S_MAX = 300.0
"""Control nodes are checked in every draw; a run is on record after its minute."""
CHECKS_LOOKED_THROUGH = 20
RTMP_PORT = 1935
BAD = "control_bad"
"""The reason of the node that claims to relay, and does not."""
Say = Callable[[str], None]
Node = Mapping[str, Any]


def answering(ingest_url: str) -> str:
    """Whether anybody listens where publishers and nodes are sent."""
    url = urlsplit(ingest_url)
    host, port = url.hostname or "", url.port or RTMP_PORT
    try:
        socket.create_connection((host, port), CONNECT_S_MAX).close()
    except OSError as error:
        raise WrongError(
            "ingest-closed",
            f"Nothing listens at {host}:{port} ({error}): look whether the ingest runs, at its "
            "log, and at the firewall.",
        ) from error
    return f"{host}:{port} takes connections."


class Watching:
    """Of one stream, while it is published. Each look fails once the publisher has ended."""

    def __init__(
        self, network: ApiClient, stream_id: str, sender: Publishing, patience: Patience, say: Say
    ) -> None:
        self._network, self._stream_id, self._sender = network, stream_id, sender
        self._patience, self._say = patience, say
        self._said = dict[str, str]()
        """The last news of each node."""

    def published(self) -> str:
        """Whether the ingest takes the picture, and tells the api what it is."""

        def look() -> Any | None:
            return self._network.get(f"/streams/{self._stream_id}")["media"]

        media = self._until(look, PUBLISHED_S_MAX)
        if media is None:
            raise WrongError(
                "not-described",
                f"The ingest took a picture for {PUBLISHED_S_MAX:.0f} s and told the api nothing "
                "of it: look at the ingest's log for what the api refuses.",
            )
        return f"{media['video']} and {media['audio']} reach the ingest."

    def relayed(self) -> str:
        """Whether a node pulls the stream, and answers the collector."""

        def look() -> str | None:
            for node in self._nodes():
                self._tell(node["node_id"], f"is {node['status']}", node)
                if node["status"] == "healthy":
                    return str(node["node_id"])
            return None

        found = self._until(look, RELAYED_S_MAX)
        if found is None and self._said:
            raise WrongError("not-relayed", next(iter(self._said.values())))
        if found is None:
            raise WrongError(
                "no-node",
                "No node has come to the stream. A control node takes it if it has no other: look "
                f"at its log, or run a node of your own with STREAM_ID={self._stream_id}.",
            )
        return f"Node {found} relays it, and was polled."

    def checked(self) -> str:
        """Whether the prober finds that a node serves what the ingest serves."""
        self._said.clear()

        def look() -> str | None:
            for node in self._nodes():
                for check in self._checks(node["node_id"]):
                    if check["verdict"] == "pass":
                        return str(node["node_id"])
                    self._tell(node["node_id"], f"was checked: {check['reason']}", check)
            self._look_at_the_bad()
            return None

        found = self._until(look, CHECKED_S_MAX)
        if found is None and self._said:
            raise WrongError("check-failed", next(iter(self._said.values())))
        if found is None:
            raise WrongError(
                "not-checked",
                f"No check of the stream is on record after {CHECKED_S_MAX:.0f} s: look at the "
                "prober's log for `checked`, and for errors.",
            )
        return f"A check of node {found} passed: it serves what the ingest serves."

    def _until(self, look: Callable[[], Any | None], seconds_max: float) -> Any | None:
        """Passes over what a look could not ask: the api may be at its limit, or starting."""

        def calm() -> Any | None:
            self._sender.look()
            try:
                return look()
            except AnswerError as error:
                self._say(f"the api: {error.sentence}")
                return None

        return self._patience.until(calm, seconds_max)

    def _nodes(self, is_bad: bool = False) -> Iterator[Node]:
        found = self._network.get("/nodes", stream_id=self._stream_id)["nodes"]
        return (node for node in found if (node["reason"] == BAD) is is_bad)

    def _checks(self, node_id: str) -> Iterator[Mapping[str, Any]]:
        path = f"/nodes/{node_id}/checks"
        found = self._network.get(path, page_size=CHECKS_LOOKED_THROUGH)["checks"]
        return (check for check in found if check["stream_id"] == self._stream_id)

    def _look_at_the_bad(self) -> None:
        for node in self._nodes(is_bad=True):
            if any(check["verdict"] == "pass" for check in self._checks(node["node_id"])):
                raise WrongError(
                    "bad-passed",
                    f"The known-bad node {node['node_id']} passed a check, so checks prove "
                    "nothing: pause the payout (docs/ops.md), and find out why.",
                )

    def _tell(self, node_id: str, news: str, of: Mapping[str, Any]) -> None:
        sentence = f"Node {node_id} {news}. {of['says']} {of['fix']}".rstrip()
        if self._said.get(node_id) != sentence:
            self._said[node_id] = sentence
            self._say(sentence)
