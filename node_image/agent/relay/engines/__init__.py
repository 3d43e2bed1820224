"""The relay engines, by the name that RELAY_ENGINE chooses them with."""

from collections.abc import Callable
from pathlib import Path

from agent.relay.engines.engine import Engine
from agent.relay.engines.restream import Restream
from agent.relay.engines.rtmp_relay import RtmpRelay

ENGINES: dict[str, Callable[[Path], Engine]] = {
    "restream": Restream,
    "rtmp_relay": RtmpRelay,
}
