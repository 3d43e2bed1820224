"""What an operator can have one node do in a minute, and what polls and connections get of it; and
what a sponsor can do with a stream."""

from dataclasses import dataclass, replace
from enum import StrEnum

from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats

STAY_S = 600.0
"""A viewer who comes wants to stay for ten minutes."""
DAY_S = 86_400.0


class Deed(StrEnum):
    """Its value is how it is told."""

    SERVE = "serves"
    SERVE_BREAKING = "serves over a line that breaks once a day"
    SERVE_BREAKING_4 = "serves over a line that breaks four times a day"
    CUT_16 = "cuts each viewer after 16 s"
    CUT_60 = "cuts each viewer after 60 s"
    CUT_125 = "cuts each viewer after 125 s"
    CUT_16_AND_LEAVE = "cuts each viewer after 16 s, and says goodbye to the coordinator then"
    CUT_SOME = "cuts every tenth viewer after 60 s"
    SLOW_60 = "carries nine tenths of the stream after 60 s"
    HALF_OF_PACKETS = "drops half of the packets"
    NINE_OF_TEN = "turns every tenth connection away"
    HALF_OF_VIEWERS = "turns every second connection away"
    REFUSE_20 = "refuses whoever has not come in the last 20 s"
    REFUSE_40 = "refuses whoever has not come in the last 40 s"
    REFUSE_90 = "refuses whoever has not come in the last 90 s"
    TWINS_ONLY = "serves only when another key at its address is called in the same second"
    KNOWN_ONLY = "serves only the address that checks it"
    RECORDED = "serves a recording"
    HANG_AND_LEAVE = "serves nothing, and says goodbye whenever somebody comes"
    CLAIM = "claims to be up and serves nothing"
    WAIT = "says that it waits for the stream"
    DOWN = "does not answer polls"
    INVALID = "answers polls with nonsense"
    STALLED = "lets its counters stand still"
    BLOCKED = "has its name lead to a private address"
    UNKNOWN_NAME = "makes its minute unknown by a silent name server"
    UNKNOWN_ROUTE = "makes its minute unknown by an unreachable network"
    UNKNOWN_SERVED = "serves, its minute made unknown"
    LEAVE = "is away"
    NEW_KEY = "comes with a new key and serves"
    NEW_KEY_CLAIM = "comes with a new key and claims to be up, serving nothing"
    MOVE = "moves to the other stream and serves"
    MOVE_CLAIM = "moves to the other stream and claims to be up, serving nothing"
    PUBLISH = "publishes"
    PAUSE = "publishes nothing"
    UNVERIFIABLE = "publishes what cannot be verified"
    CLOSE = "asks to close, and publishes"
    CLOSE_AND_PAUSE = "asks to close, and publishes nothing"
    TOP_UP = "adds tokens for half an hour of its nodes, and publishes"


@dataclass(frozen=True, slots=True)
class Serving:
    """How a minute's connections fare: a check's like a viewer's, unless their address is told."""

    accepts: float = 1.0
    """Share of connections."""
    packets: float = 1.0
    """Share of the stream's."""
    thins_after_s: float = 0.0
    """Before that it serves all packets."""
    cuts_after_s: float = STAY_S
    cuts: float = 1.0
    """Share of the connections that it cuts then."""
    says_goodbye: bool = False
    """It does so when it cuts somebody, and comes back with the next minute."""
    breaks_a_day: float = 0.0
    """Moments that end all connections, and are nobody's doing."""
    returning_s: float = 0.0
    """It refuses an address that has not come in so many seconds; 0: it does not."""
    known_only: bool = False
    twins_only: bool = False
    """It refuses whoever does not come at the same time as somebody who plays its neighbour."""
    is_live: bool = True
    """Not a recording."""

    @property
    def to_viewers(self) -> float:
        """What a fresh viewer from a random address gets of the ten minutes that he wants.

        He comes at a random second, so a minute's viewers are at every age of their ten minutes:
        of those whom the node cuts after s seconds, s / 600 are being served."""
        is_for_checks = self.known_only or self.twins_only or self.returning_s
        if is_for_checks or not self.is_live:
            return 0.0
        cut = self.cuts * self._share_within(min(self.cuts_after_s, STAY_S))
        return self.accepts * (cut + (1 - self.cuts) * self._share_within(STAY_S))

    def _share_within(self, seconds: float) -> float:
        whole_s = min(self.thins_after_s, seconds)
        return (whole_s + self.packets * (seconds - whole_s)) / STAY_S

    def met(self, seconds: float, roll: float) -> "Serving":
        """What a connection of so many seconds comes to, by a number of 0 to 1."""
        breaks = seconds * self.breaks_a_day / DAY_S
        if roll < breaks:
            return replace(self, cuts_after_s=seconds * roll / breaks)
        return self if roll < self.cuts else replace(self, cuts_after_s=STAY_S)

    def refuses(self, since_s: float, *, is_twin: bool) -> bool:
        """Whether it does by what it can tell of a caller: when its address came last, and whether
        another came at the same time."""
        return 0 < self.returning_s < since_s or (self.twins_only and not is_twin)


FULL = Serving()
SERVINGS = {
    Deed.SERVE: FULL,
    Deed.SERVE_BREAKING: Serving(breaks_a_day=1),
    Deed.SERVE_BREAKING_4: Serving(breaks_a_day=4),
    Deed.CUT_16: Serving(cuts_after_s=16),
    Deed.CUT_60: Serving(cuts_after_s=60),
    Deed.CUT_16_AND_LEAVE: Serving(cuts_after_s=16, says_goodbye=True),
    Deed.HANG_AND_LEAVE: Serving(cuts_after_s=0.1, says_goodbye=True),
    Deed.CUT_125: Serving(cuts_after_s=125),
    Deed.CUT_SOME: Serving(cuts_after_s=60, cuts=0.1),
    Deed.SLOW_60: Serving(packets=0.9, thins_after_s=60),
    Deed.HALF_OF_PACKETS: Serving(packets=0.5),
    Deed.NINE_OF_TEN: Serving(accepts=0.9),
    Deed.HALF_OF_VIEWERS: Serving(accepts=0.5),
    Deed.REFUSE_20: Serving(returning_s=20),
    Deed.REFUSE_40: Serving(returning_s=40),
    Deed.REFUSE_90: Serving(returning_s=90),
    Deed.TWINS_ONLY: Serving(twins_only=True),
    Deed.KNOWN_ONLY: Serving(known_only=True),
    Deed.RECORDED: Serving(is_live=False),
    Deed.UNKNOWN_SERVED: FULL,
    Deed.NEW_KEY: FULL,
    Deed.MOVE: FULL,
}
"""Nobody is served by a deed that is not here."""

UP, WAITING = RelayStats(Media.LIVE), RelayStats(Media.WAITING)
ANSWERS: dict[Deed, RelayStats | Reason] = {
    Deed.WAIT: WAITING,
    Deed.DOWN: Reason.CONNECT_FAILED,
    Deed.INVALID: Reason.STATS_INVALID,
    Deed.STALLED: RelayStats(Media.LIVE, bytes_in=7),
    Deed.BLOCKED: Reason.ADDRESS_BLOCKED,
    Deed.UNKNOWN_NAME: Reason.UNKNOWN_RESOLVER,
    Deed.UNKNOWN_ROUTE: Reason.UNKNOWN_INTERNAL,
    Deed.UNKNOWN_SERVED: Reason.UNKNOWN_INTERNAL,
}
"""What a poll gets; every other deed answers `UP`."""

OF_SPONSORS = frozenset(
    {
        *(Deed.PUBLISH, Deed.PAUSE, Deed.UNVERIFIABLE),
        *(Deed.CLOSE, Deed.CLOSE_AND_PAUSE, Deed.TOP_UP),
    }
)
"""No operator's."""
OF_LINES = frozenset({Deed.SERVE_BREAKING, Deed.SERVE_BREAKING_4})
"""What befalls honest nodes: nobody chooses it."""
NEW_KEYS = frozenset({Deed.NEW_KEY, Deed.NEW_KEY_CLAIM})
MOVES = frozenset({Deed.MOVE, Deed.MOVE_CLAIM})
TELLS_ADDRESSES = frozenset({Deed.KNOWN_ONLY, Deed.REFUSE_90})
"""Searched apart, until checks come from anywhere: both pass by knowing an address again. A memory
of 90 s outlasts what lies between a check, its retest and the next draw."""
OUTLASTS_CHECKS = frozenset({Deed.CUT_125})
"""No check lasts so long that it could see it: searched apart as well."""
