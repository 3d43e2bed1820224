"""Whether a node's upstream sends what the ingest has signed."""

from collections import Counter
from collections.abc import Awaitable, Callable

from agent.relay.restream.signatures import raw_key, verifier
from agent.relay.restream.stream import LiveStream
from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.mark_follower import MarkFinding, MarkFollower
from rtmp.messages import Message


class FalseUpstreamError(RtmpError):
    """What came is not what the ingest has signed: this connection is to be left."""


class UpstreamMarks:
    """Follows each connection to the upstream by the ingest's key, once that is known.

    A stream without a key is not signed: its packets pass, and nothing is said of them.
    """

    def __init__(
        self,
        stream: LiveStream,
        ask_key: Callable[[], Awaitable[str | None]],
        clock: Callable[[], float],
    ) -> None:
        """`stream` is what the upstream feeds.

        `ask_key` gives the key, "" for none, and None where it cannot be told now.
        """
        self.stream, self._ask_key, self._clock = stream, ask_key, clock
        self._key = ""
        self._follower: MarkFollower | None = None
        self.is_verified = False
        """Whether the last mark of this connection fits."""
        self.left: Counter[str] = Counter()
        """How often an upstream was left, by finding."""

    @property
    def state(self) -> str:
        """`not_signed`, `waiting` for the first mark of a connection, or `verified`."""
        if self._follower is None:
            return "not_signed"
        return "verified" if self.is_verified else "waiting"

    @property
    def waiting_packets(self) -> int:
        """Which no mark has told of yet."""
        return self._follower.waiting_packets if self._follower else 0

    async def begin(self) -> None:
        """A connection to the upstream is made: its first packet comes next."""
        await self._learn()
        self._follow(is_newcomer=True)
        self.stream.resume()

    async def ask_again(self) -> None:
        """There may be another key; what goes on is followed by it from now on."""
        if await self._learn():
            self._follow(is_newcomer=False)

    def take(self, message: Message) -> None:
        """A message of the upstream, before it is handed on. Raises FalseUpstreamError."""
        if self._follower is None:
            return
        verdict = self._follower.take(message, payload_of(message), self._clock())
        if verdict is None:
            return
        self.is_verified = verdict.finding is MarkFinding.FITS
        if not self.is_verified:
            self.left[verdict.finding.value] += 1
            self.stream.distrust()
            raise FalseUpstreamError(f"it is not what the ingest signed ({verdict.finding.value})")

    async def _learn(self) -> bool:
        """Whether the key is another one now."""
        key = await self._ask_key()
        if key is None or key == self._key:
            return False
        self._key = key
        return True

    def _follow(self, *, is_newcomer: bool) -> None:
        self.is_verified = False
        self._follower = None
        if self._key:
            key = raw_key(self._key)
            self._follower = MarkFollower(
                self.stream.name, key, verifier(key), is_newcomer=is_newcomer
            )
