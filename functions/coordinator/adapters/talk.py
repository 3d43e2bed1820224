"""What every short talk with a stranger over one connection has: an answer, once, and an end."""

import asyncio
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Talk(asyncio.Protocol, Generic[Answer]):
    """A protocol of the event loop. Its `answer` is set once, and the connection ended with it."""

    def __init__(self, answer: "asyncio.Future[Answer]") -> None:
        self.answer = answer
        self.transport: asyncio.WriteTransport | None = None

    def abort(self) -> None:
        """Ends the connection at once, whatever its state."""
        if self.transport is not None:
            self.transport.abort()

    def end(self, answer: Answer) -> None:
        """Takes the first answer only."""
        if not self.answer.done():
            self.answer.set_result(answer)
            self.abort()
