"""uvicorn's own part of a connection: its parser, and the application's answers.

It is made with the first request that may be handed on (`api.http.doorway`).
"""

from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


class ServedProtocol(HttpToolsProtocol):
    """uvicorn's own part of a connection. It is handed what a `BoundedProtocol` lets through."""

    def __init__(
        self,
        answered: Callable[[], None],
        config: Config,
        state: ServerState,
        app_state: dict[str, Any],
    ) -> None:
        """`answered` is called after each answer."""
        super().__init__(config, state, app_state)
        self._answered = answered

    @property
    def is_answering(self) -> bool:
        """Whether an answer has begun, and is not over."""
        cycle = self.cycle
        return cycle is not None and cycle.response_started and not cycle.response_complete

    def goes_on(self) -> None:
        """It is not idle."""
        self._unset_keepalive_if_required()

    def gives_up(self) -> bool:
        """No more of this request comes: whether it has no answer yet, and gets none."""
        if self.is_answering:
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whoever waits for the body waits no more
            self.cycle.message_event.set()
        return True

    def on_response_complete(self) -> None:
        """Has the next request handed on."""
        super().on_response_complete()
        self._answered()
