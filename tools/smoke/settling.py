"""The tested stream on its way to its last statement: hours after its publisher has gone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.smoke.api_client import AnswerError, ApiClient
from tools.smoke.patience import Patience
from tools.smoke.results import NotToldError, WrongError

LATE_S = 1800.0
"""After a statement may be written: the payout comes every ten minutes, and its calls take up to
nine."""
LOOK_S = 30.0
GRACE_S = 535
"""Of a network that has not published its settings yet."""
WAIT_S_MAX = 4 * 3600.0
"""A stream ends within two hours of its registration, and is settled within the next."""
Say = Callable[[str], None]


class Settling:
    """Follows one stream. It reads public documents alone, so it needs no key."""

    def __init__(self, network: ApiClient, stream_id: str, patience: Patience, say: Say) -> None:
        self._network, self._stream_id = network, stream_id
        self._patience, self._say = patience, say
        self._seen = set[int]()

    def due_at(self) -> datetime:
        """When its last statement may be written. Raises NotToldError where it is not known."""
        try:
            stream = self._network.get(f"/streams/{self._stream_id}")
        except AnswerError as error:
            if error.status != 404:
                raise
            raise NotToldError(
                "stream-gone", f"The api knows no stream {self._stream_id}: run it without WAIT."
            ) from error
        current = self._network.get("/config")["current"] or {"grace_seconds": GRACE_S}
        ends = datetime.fromisoformat(stream["ends_at"])
        return ends + timedelta(seconds=current["grace_seconds"])

    def paid(self) -> str:
        """Whether what was deposited is paid or back."""
        due = self.due_at()
        self._say(f"{self._stream_id}: its last statement is due after {_told(due)}")

        def look() -> Any | None:
            try:
                found = self._network.get(f"/streams/{self._stream_id}/statements")["statements"]
            except AnswerError as error:
                self._say(f"the api: {error.sentence}")
                return None
            for statement in found:
                self._tell(statement)
            return next((each for each in found if each["closes"]), None)

        left_s = max(0.0, due.timestamp() + LATE_S - self._network.now_s())
        last = self._patience.until(look, left_s, LOOK_S)
        if last is None:
            raise WrongError(
                "statement-late",
                f"No last statement of {self._stream_id}, {LATE_S / 60:.0f} minutes after it was "
                "due: look at the payout's log for `stream_not_settled`.",
            )
        return self._balanced(last)

    def _tell(self, statement: Any) -> None:
        if statement["epoch"] not in self._seen:
            self._seen.add(statement["epoch"])
            self._say(
                f"settled: {statement['starts_at']} to {statement['ends_at']}, paid "
                f"{statement['paid']}, left {statement['balance_after']}"
            )

    def _balanced(self, last: Any) -> str:
        told = self._network.get(f"/streams/{self._stream_id}/delivery")
        deposited, returned, paid, refunded, balance = (
            Decimal(told[name]) for name in ("deposited", "returned", "paid", "refunded", "balance")
        )
        if deposited + returned != paid + refunded + balance or balance:
            raise WrongError(
                "tokens-lost",
                f"Of {deposited} tokens {paid} were paid, {returned} returned and {refunded} "
                f"refunded, and {balance} are left: pause the payout, and run `make verify`.",
            )
        return f"Closed with epoch {last['epoch']}: {paid} tokens paid, {refunded} refunded."


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
