"""What the agent tells the relay once, as a file of JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rtmp.addresses import RtmpAddress


@dataclass(frozen=True, slots=True)
class Configuration:
    """Two equal ones make the same relay."""

    bind_address: str
    rtmp_port: int
    stream_id: str
    """The one stream of a node; an ingest takes whatever its coordinator says yes to."""
    upstream_url: str
    """Where a node pulls; empty at an ingest."""
    upstream_ip: str
    hooks: str
    """The agent is asked at {hooks}/play and {hooks}/publish."""
    statistics: str
    """The socket at which the agent asks for them."""
    flush_ms: int
    """As it is set (agent.relay.restream.rhythm)."""
    last_read: str = ""
    """The file of what it read last, for when it crashes; empty: it keeps none."""
    mark_key_file: str = ""
    """With which an ingest signs; empty at a node."""

    @property
    def upstream(self) -> RtmpAddress | None:
        """None at an ingest."""
        return RtmpAddress.parse(self.upstream_url) if self.upstream_url else None

    def to_json(self) -> str:
        """For `read`."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def read(cls, path: Path) -> "Configuration":
        """What `to_json` wrote."""
        return cls(**json.loads(path.read_text()))
