"""Tells the coordinator that the node is there, and keeps what it answers.

Longer than other modules, since every way of waiting has to be seen beside the others.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agent.backoff import HEARTBEAT_S_MAX, HEARTBEAT_S_MIN, Backoff, spread_s
from agent.client.answers import RESTING, HeartbeatAnswer, RelayedStream
from agent.client.choice import chosen_stream
from agent.client.coordinator import (
    CALL_S_MAX,
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.client.unpaid_grace import UnpaidGrace
from agent.log import AgentEvent, log
from agent.stream_ids import AUTO

# Ten seconds after an outage every node is back.
RETRY = Backoff(first_s=1.0, limit_s=9.0)
# A refusal is not repaired within seconds; asking often would only load the coordinator.
RETRY_REFUSED = Backoff(first_s=5.0, limit_s=60.0)
LEAVE_S_MAX = 1.5
# So many sweeps without a poll: two have passed the node by, wherever in its minute each was.
SILENT_SWEEPS = 2.5
# Anybody may poll the node and claim news. So long after a beat no claim makes another: a whole
# sweep is not needed, because what is heard meanwhile is not forgotten.
NEWS_SWEEPS = 0.5
_RESTS = (
    "The stream's tokens are used up, so nothing is relayed: it goes on by itself once they are "
    "topped up. UNPAID_SECONDS says how long to wait."
)
UNVERIFIED = (
    "Nobody's service of this stream can be verified now, because of what is published. Nothing is "
    "wrong with this node. Its minutes wait until a check passes, and it keeps its place."
)


@dataclass(frozen=True)
class CoordinatorView:
    """What the coordinator said last, and whether it can be reached.

    `is_waiting`: the trouble is only that there is no stream to relay.
    """

    answer: HeartbeatAnswer | None = None
    trouble: str = "The coordinator has not answered yet."
    is_waiting: bool = False
    answered_s: float | None = None
    """When it said that, by the monotonic clock."""


def due_s(
    began_s: float, delay_s: float, polled_s: float, news_s: float | None, sweep_s: float
) -> float:
    """When to beat again after a beat at `began_s`: `delay_s` later, or earlier for two reasons.

    Nobody has asked for the statistics for two sweeps, which take `sweep_s` each. Or somebody who
    did said at `news_s` that there is news. Pure."""
    lost_s = max(began_s, polled_s) + SILENT_SWEEPS * sweep_s
    told_s = math.inf if news_s is None else max(news_s, began_s + NEWS_SWEEPS * sweep_s)
    return min(began_s + delay_s, lost_s, told_s)


def is_news(view: CoordinatorView, reason: str) -> bool:
    """Whether a poll that knows the node by `reason` ("" says nothing) knows more than the node.

    Who does not reach the coordinator asks again at a pace of its own. Pure."""
    answer = view.answer
    return answer is not None and not view.trouble and reason not in ("", answer.reason)


class Heartbeats:
    """Finds the stream, then beats for ever; `on_stream` is told each time what the stream is."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it says, whom it tells, and what it goes by
        self,
        coordinator: CoordinatorClient,
        beat: Mapping[str, object],
        pace_s: float | None,
        on_stream: Callable[[RelayedStream], None],
        chance: Callable[[], float],
        polled_s: Callable[[], float],
        unpaid_s: float,
    ) -> None:
        """`beat` is the heartbeat without its state; `pace_s` overrides the coordinator's;
        `polled_s` tells when the statistics were last asked for, by the monotonic clock;
        `unpaid_s`: how long an exhausted stream is relayed."""
        self._coordinator = coordinator
        self._beat = dict(beat)
        self._address = ""
        """Where the coordinator saw the node last, which it signs."""
        self._stream_id = str(beat["stream_id"])
        self._is_choosing = self._stream_id == AUTO
        self._is_found = False
        self._pace_s = pace_s
        self._on_stream = on_stream
        self._chance = chance
        self._failures = 0
        self._unpaid = UnpaidGrace(unpaid_s)
        self._polled_s = polled_s
        self._news_s: float | None = None
        """When a poll first said that there is news, since the last beat began."""
        self._has_heard = asyncio.Event()
        self._has_rested = False
        """Whether it said goodbye because nothing is paid any more."""
        self._doubts = False
        """Whether what is pulled is not signed by the key that was told."""
        self._answered: dict[str, object] | None = None
        """What was said when the coordinator last answered."""
        self.view = CoordinatorView()

    async def run(self) -> None:
        """Beat until cancelled, whatever the coordinator does."""
        while True:
            delay_s = await (self._beat_once() if self._is_found else self._find_stream())
            await self._pause(delay_s)

    def hear(self, reason: str) -> None:
        """A poll said that the node stands as it does for this reason; "" says nothing.

        Whoever it was, and whatever was said, all that follows is that the coordinator is asked,
        and not often. So a match takes nothing back: a stranger cannot hush news up."""
        if self._news_s is None and is_news(self.view, reason):
            self._news_s = time.monotonic()
            self._has_heard.set()

    def doubt(self) -> None:
        """The ingest may have another key: the next beat is soon, and has the key looked up."""
        self._doubts = True
        if self._news_s is None:
            self._news_s = time.monotonic()
            self._has_heard.set()

    async def _pause(self, delay_s: float) -> None:
        """Wait for the next beat; not so long if there is news, or if the coordinator seems to
        have lost the node."""
        began_s = time.monotonic()
        sweep_s = math.inf
        if self.view.answer:  # it is not to ask for a beat without a pause
            sweep_s = max(HEARTBEAT_S_MIN, self.view.answer.polled_every_s)
        while True:  # every poll puts off the moment at which the node counts as lost
            at_s = due_s(began_s, delay_s, self._polled_s(), self._news_s, sweep_s)
            if at_s <= time.monotonic():
                return
            self._has_heard.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(at_s - time.monotonic()):
                    await self._has_heard.wait()

    async def leave(self) -> None:
        """Say goodbye: one attempt, because the agent has to stop whatever becomes of it."""
        if self._stream_id == AUTO:
            return  # nothing was announced yet
        try:
            await self._say("leaving", LEAVE_S_MAX)
            log(AgentEvent.LEFT)
        except (CoordinatorAwayError, CoordinatorRefusalError) as e:
            log(AgentEvent.LEFT_UNHEARD, logging.WARNING, reason=str(e))

    async def _find_stream(self) -> float:
        """Ask once for the stream; returns 0 when it is known, else seconds to wait."""
        try:
            stream = await self._choose() if self._is_choosing else await self._ask_for_it()
        except (CoordinatorAwayError, CoordinatorRefusalError) as e:
            return self._failed(e)
        if stream is None or self._is_resting(stream):
            return await self._nothing_to_relay()
        self._failures = 0
        self._is_found = True
        self._beat["stream_id"] = self._stream_id = stream.stream_id
        if self.view.answer is None or self.view.answer.stream.stream_id != self._stream_id:
            log(AgentEvent.STREAM_FOUND, stream_id=self._stream_id, status=stream.status)
        self._on_stream(stream)
        return 0.0

    async def _ask_for_it(self) -> RelayedStream:
        return await self._coordinator.stream(self._stream_id)

    async def _choose(self) -> RelayedStream | None:
        return chosen_stream(await self._coordinator.candidates(), self._chance(), self._stream_id)

    def _is_resting(self, stream: RelayedStream) -> bool:
        """Whether it is still the exhausted stream that the node has waited for long enough."""
        self._unpaid = self._unpaid.after(stream.status, time.monotonic())
        return self._unpaid.is_over(time.monotonic())

    async def _rest(self) -> None:
        """Say goodbye, and pull no more: until the stream has tokens again, or another has."""
        answer = self.view.answer
        if answer is None or self._has_rested:
            return
        self._has_rested = True
        log(AgentEvent.UNPAID, logging.WARNING, stream_id=self._stream_id, says=_RESTS)
        self._on_stream(replace(answer.stream, status=RESTING))
        await self.leave()

    async def _nothing_to_relay(self) -> float:
        self._failures += 1
        trouble = "No stream is active now: the agent goes on asking."
        if self._unpaid.is_over(time.monotonic()):
            trouble = _RESTS
            await self._rest()
        if trouble != self.view.trouble:
            log(AgentEvent.COORDINATOR_TROUBLE, logging.WARNING, reason=trouble)
        self.view = replace(self.view, trouble=trouble, is_waiting=True)
        return RETRY_REFUSED.delay_s(self._failures, self._chance())

    async def _beat_once(self) -> float:
        """Beat once; returns the seconds to wait before the next."""
        self._news_s = None  # whatever was heard, this asks for
        try:
            answer = await self._say("running", CALL_S_MAX)
        except (CoordinatorAwayError, CoordinatorRefusalError) as e:
            self._is_found = not (self._is_choosing and isinstance(e, CoordinatorRefusalError))
            return self._failed(e)
        self._failures = 0
        self._doubts = False
        self._answered = dict(self._beat)
        self._note(answer)
        self._on_stream(answer.stream)
        self._has_rested = False
        # A node that may choose does not stay with a stream on which nothing is paid any more.
        rests, stream = self._is_resting(answer.stream), answer.stream
        pays = stream.status == "active" and not stream.is_unverified
        self._is_found = not rests and (not self._is_choosing or pays)
        soon_s = answer.next_heartbeat_s if self._is_found else answer.polled_every_s
        asked_s = min(HEARTBEAT_S_MAX, answer.next_heartbeat_s, soon_s)
        asked_s = max(HEARTBEAT_S_MIN, asked_s)
        return spread_s(self._pace_s or asked_s, self._chance())

    async def _say(self, state: str, seconds_max: float) -> HeartbeatAnswer:
        """What is answered; where the node is seen elsewhere than it signed, it signs that once."""
        try:
            return await self._coordinator.heartbeat(self._saying(state), seconds_max)
        except CoordinatorRefusalError as e:
            if e.address in ("", self._address):
                raise
            self._address = e.address
        return await self._coordinator.heartbeat(self._saying(state), seconds_max)

    def _saying(self, state: str) -> dict[str, object]:
        doubts = {"doubts_ingest_key": True} if self._doubts else {}
        said = {**self._beat, **doubts, "address": self._address}
        return {**said, "repeats": self._beat == self._answered, "state": state}

    def _note(self, answer: HeartbeatAnswer) -> None:
        before = self.view
        self.view = CoordinatorView(answer, "", answered_s=time.monotonic())
        if before.trouble and before.answer:
            log(AgentEvent.COORDINATOR_BACK)
        stream, last = answer.stream, before.answer.stream if before.answer else None
        if stream.is_unverified and not (last and last.is_unverified):
            says, stream_id = UNVERIFIED, stream.stream_id
            log(AgentEvent.UNVERIFIED, logging.WARNING, stream_id=stream_id, says=says)
        told = (answer.status, answer.reason, answer.fix, answer.stream.status)
        if before.answer is None or told != (
            before.answer.status,
            before.answer.reason,
            before.answer.fix,
            before.answer.stream.status,
        ):
            log(
                AgentEvent.STANDING,
                logging.WARNING if answer.fix else logging.INFO,
                status=answer.status,
                reason=answer.reason,
                says=answer.says,
                fix=answer.fix,
                stream_status=answer.stream.status,
                earned=answer.earned,
            )

    def _failed(self, error: CoordinatorAwayError | CoordinatorRefusalError) -> float:
        self._failures += 1
        asked_s = 0.0
        if isinstance(error, CoordinatorRefusalError):
            backoff = RETRY_REFUSED
            trouble = f"The coordinator refuses ({error.status} {error.problem}): {error}"
            if error.status == 404:
                trouble += f" Check STREAM_ID, which is {self._stream_id}."
        else:
            backoff = RETRY
            trouble = f"The coordinator cannot be asked: {error}. {error.fix}"
            # Never earlier than it asks for; a little later, so that not all come at once.
            asked_s = error.wait_s * (1.0 + 0.2 * self._chance())
        delay_s = max(asked_s, backoff.delay_s(self._failures, self._chance()))
        if trouble != self.view.trouble:
            log(
                AgentEvent.COORDINATOR_TROUBLE,
                logging.WARNING,
                reason=trouble,
                retry_s=round(delay_s, 1),
            )
        self.view = replace(self.view, trouble=trouble, is_waiting=False)
        return delay_s
