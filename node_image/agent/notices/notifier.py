"""Looks at how the node stands, and has notices delivered. Nothing that it does ends the agent."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.backoff import Backoff
from agent.log import AgentEvent, log, log_crash
from agent.notices import record
from agent.notices.child import NoticeDelivery, deliver
from agent.notices.rules import ToldNotices, after, due, see, settled
from agent.notices.wording import Facts, word

LOOK_S = 2.0
# What could not be delivered is tried again, if it is still so then.
RETRY = Backoff(first_s=60.0, limit_s=3600.0)


class Notifier:
    """One operator's addresses, and what was told there."""

    def __init__(
        self,
        addresses: Sequence[str],
        data_dir: Path,
        look: Callable[[], Facts],
        chance: Callable[[], float],
    ) -> None:
        self._addresses = tuple(addresses)
        self._data_dir = data_dir
        self._look = look
        self._chance = chance
        self._told = record.load(data_dir)
        self._trouble_since_s: float | None = None
        self._failures = 0
        self._not_before_s = 0.0

    async def run(self) -> None:
        """Look and tell until cancelled."""
        for delivery in await deliver(self._addresses, None):
            if not delivery.is_usable:
                _log_trouble(AgentEvent.NOTIFY_URL_UNUSABLE, delivery)
        while True:
            try:
                await self._look_once()
            except Exception as e:
                log_crash(AgentEvent.NOTICES_CRASHED, e)
                self._wait_longer()
            await asyncio.sleep(LOOK_S)

    async def _look_once(self) -> None:
        facts, now_s = self._look(), time.time()
        seen = see(facts.coordinator, self._trouble_s(facts))
        self._keep(settled(self._told, seen, now_s))
        kind = due(self._told, seen, now_s)
        if kind is None or time.monotonic() < self._not_before_s:
            return
        deliveries = await deliver(self._addresses, word(kind, facts, self._told.earned))
        for delivery in deliveries:
            if not delivery.is_delivered:
                _log_trouble(AgentEvent.NOTICE_UNDELIVERED, delivery, kind=kind)
        if not any(delivery.is_delivered for delivery in deliveries):
            self._wait_longer()
            return
        self._failures = 0
        log(AgentEvent.NOTICE_SENT, kind=kind)
        self._keep(after(self._told, kind, seen, now_s))

    def _trouble_s(self, facts: Facts) -> float:
        """For how long there has been trouble."""
        if not facts.coordinator.trouble:
            self._trouble_since_s = None
            return 0.0
        if self._trouble_since_s is None:
            self._trouble_since_s = time.monotonic()
        return time.monotonic() - self._trouble_since_s

    def _wait_longer(self) -> None:
        self._failures += 1
        self._not_before_s = time.monotonic() + RETRY.delay_s(self._failures, self._chance())

    def _keep(self, told: ToldNotices) -> None:
        if told != self._told:
            self._told = told
            record.save(self._data_dir, told)


def _log_trouble(event: AgentEvent, delivery: NoticeDelivery, **fields: object) -> None:
    """Which address it was, but never the address: it is a secret."""
    which = {"address": delivery.number, "service": delivery.service}
    log(event, logging.WARNING, **which, reason=delivery.trouble, **fields)
