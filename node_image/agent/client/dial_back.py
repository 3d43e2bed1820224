"""What the coordinator finds when it connects to the node from outside. Pure."""

from dataclasses import dataclass

from agent.client.answers import NotUnderstoodError

_VERSION_CHARS_MAX = 40


@dataclass(frozen=True)
class Port:
    """One port, as seen from outside."""

    is_open: bool
    says: str


@dataclass(frozen=True)
class DialBackReport:
    """Both ports, and the address that the coordinator saw and called."""

    address: str
    stats: Port
    rtmp: Port
    newest_agent: str = ""
    """The newest version of the agent; empty from an older coordinator."""

    @property
    def is_open(self) -> bool:
        """Whether both are reached."""
        return self.stats.is_open and self.rtmp.is_open


def parse_dial_back(body: object) -> DialBackReport:
    """The answer of `POST /nodes/dial-back`. Raises NotUnderstoodError."""
    if not isinstance(body, dict) or not isinstance(body.get("address"), str):
        raise NotUnderstoodError("address is missing")
    newest = body.get("newest_agent")
    return DialBackReport(
        body["address"],
        _port(body, "stats"),
        _port(body, "rtmp"),
        newest[:_VERSION_CHARS_MAX] if isinstance(newest, str) else "",
    )


def _port(body: dict[str, object], name: str) -> Port:
    value = body.get(name)
    if isinstance(value, dict):
        is_open, says = value.get("open"), value.get("says")
        if isinstance(is_open, bool) and isinstance(says, str):
            return Port(is_open, says[:500])
    raise NotUnderstoodError(f"{name} does not say whether it is open")
