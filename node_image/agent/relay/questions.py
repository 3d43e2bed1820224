"""What the relay asks its agent: may this player play, may this publisher publish."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agent.client.coordinator import (
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.client.publishing import ASK_S_MAX, Publication, answer_question
from agent.log import AgentEvent, log
from agent.relay.doorman import Doorman
from agent.settings import AgentSettings
from rtmp.addresses import RtmpAddress

AnswerHook = Callable[[bytes], Awaitable[tuple[int, str]]]
"""Takes a question's body; gives the HTTP status for the relay, and the reason."""


class RelayQuestions:
    """Answers them. Publishers are asked about at an ingest only."""

    def __init__(
        self, settings: AgentSettings, coordinator: CoordinatorClient, doorman: Doorman
    ) -> None:
        self._settings = settings
        self._coordinator = coordinator
        self._doorman = doorman
        self._learning: asyncio.Task[None] | None = None
        self.mark_key = ""
        """The public key by which a node's ingest signs; empty if it signs nothing."""

    def answers(self) -> dict[str, AnswerHook]:
        """The answer to each question, by the question's name."""
        answers: dict[str, AnswerHook] = {
            "play": self._doorman.answer,
            "mark-key": self._answer_mark_key,
        }
        if self._settings.role == "ingest":
            answers["publish"] = self._answer_publish
        return answers

    def know(self, own: RtmpAddress) -> None:
        """Players ask for this place, or for this machine itself."""
        settings = self._settings
        here = {("127.0.0.1", settings.rtmp_port), (settings.bind_address, settings.rtmp_port)}
        self._doorman.know((own.host, own.port), *here)

    async def _answer_mark_key(self, _: bytes) -> tuple[int, str]:
        return 200, self.mark_key

    async def _answer_publish(self, body: bytes) -> tuple[int, str]:
        async def ask(publication: Publication) -> None:
            await self._coordinator.check_publisher(*publication, ASK_S_MAX)
            self._learning = asyncio.create_task(self._learn(publication.stream_id))

        return await answer_question(body, ask)

    async def _learn(self, stream_id: str) -> None:
        """An ingest is told by every stream that it receives where it is reached."""
        try:
            self.know((await self._coordinator.stream(stream_id)).ingest_url)
        except (CoordinatorAwayError, CoordinatorRefusalError) as e:
            log(AgentEvent.OWN_ADDRESS_UNKNOWN, logging.WARNING, reason=str(e))
