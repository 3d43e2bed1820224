"""The stream that a network is tested by: registered by a sponsor's key, and closed in any case."""

import contextlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tools.smoke.api_client import AnswerError, ApiClient
from tools.smoke.kept import Kept
from tools.smoke.results import NotToldError, WrongError

ENDS_S = 3600
"""It ends by itself with the epoch after that, if nobody can close it."""
ATTEMPTS_MAX = 3
"""Of closing it, and of learning which it is: nothing may be left open for want of one answer."""


class TestedStream:
    """One, from its registration to its close."""

    __test__ = False  # pytest would take it for a test

    def __init__(self, network: ApiClient, sponsor_key: str, kept: Kept) -> None:
        self._network, self._kept = network, kept
        self._has_key = bool(sponsor_key)
        self._key = {"Authorization": f"Bearer {sponsor_key}"}
        self._once = self._key | {"Idempotency-Key": f"smoke-{secrets.token_hex(16)}"}
        self._wish: dict[str, Any] = {}
        self.stream_id = self.publish_url = self.ingest_url = ""

    def register(self) -> str:
        """Of little worth, and with an end."""
        if not self._has_key:
            raise NotToldError(
                "no-sponsor-key",
                "No sponsor's key was named: set SPONSOR_KEY, or SPONSOR_KEY_FILE to a file "
                "with it (`make sponsor` makes one).",
            )
        now_s = self._network.now_s()
        begins, ends = (datetime.fromtimestamp(int(s), UTC) for s in (now_s, now_s + ENDS_S))
        self._wish = {
            "name": f"Smoke test {begins:%Y-%m-%d %H:%M}",
            "token_balance": "1",
            "reward_per_node_hour": "0.01",
            "max_paid_nodes": 10,
            "ends_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        }
        try:
            self._ask()
        except AnswerError as error:
            if not error.kind.startswith("key-"):
                raise
            self._wish = {}
            raise NotToldError(
                "sponsor-key",
                "The api knows no sponsor by this key: make one with `make sponsor`, and name "
                "it in SPONSOR_KEY or SPONSOR_KEY_FILE.",
            ) from error
        return f"{self.stream_id}, by a sponsor's key."

    @property
    def is_asked_for(self) -> bool:
        """Whether there may be one, although its answer was not heard."""
        return bool(self._wish)

    def close(self) -> str:
        """When it ends, and what comes then."""
        try:
            if not self.stream_id:
                _again(self._ask)
            path = f"/streams/{self.stream_id}/close"
            told = _again(lambda: self._network.ask("POST", path, None, self._key))
        except AnswerError as error:
            raise WrongError(
                "not-closed",
                f"The stream {self.stream_id} could not be closed ({error.sentence}). It ends by "
                "itself within two hours; until then it keeps the network measured.",
            ) from error
        return (
            f"{self.stream_id} ends at {told['ends_at']}, and its last statement comes after "
            f"{told['refund_after']}: `make smoke API={self._network.api} WAIT=paid` follows it."
        )

    def _ask(self) -> None:
        told = self._network.ask("POST", "/streams", self._wish, self._once)
        self.stream_id, self.publish_url = told["stream_id"], told["publish_url"]
        self.ingest_url = told["ingest_url"]
        self._kept.keep(self._network.api, self.stream_id)


def _again(ask: Callable[[], Any]) -> Any:
    for _ in range(ATTEMPTS_MAX - 1):
        with contextlib.suppress(AnswerError):
            return ask()
    return ask()
