"""RTMP addresses: the only strings that may ever become an argument of a media tool."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from rtmp.errors import RtmpError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_URL = re.compile(r"rtmp://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?"
                  r"/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})")  # fmt: skip
DEFAULT_PORT = 1935


@dataclass(frozen=True, slots=True)
class RtmpAddress:
    """Where a stream is played: `rtmp://host:port/app/name`.

    Nothing else can be expressed: no query, no user, no blank (behind a blank, media tools read
    options). No quote, semicolon or brace either: an address in a relay's configuration never
    becomes a directive. Raises RtmpError for anything that does not fit.
    """

    host: str
    """An IP literal without brackets, or a host name; strangers' are resolved before probing."""
    port: int
    app: str
    name: str

    def __post_init__(self) -> None:
        if not (_is_literal(self.host) or _HOST_NAME.fullmatch(self.host)):
            raise RtmpError(f"not a host: {self.host!r}")
        if not 1 <= self.port <= 65535:
            raise RtmpError(f"not a port: {self.port!r}")
        for part in (self.app, self.name):
            if not _NAME.fullmatch(part):
                raise RtmpError(f"not a name of 1 to 64 letters, digits, _ or -: {part!r}")

    @classmethod
    def parse(cls, url: str) -> "RtmpAddress":
        """Read `rtmp://host[:port]/app/name`; raises RtmpError for anything else."""
        found = _URL.fullmatch(url)
        if found is None:
            raise RtmpError(f"not an rtmp://host:port/app/name address: {url[:200]!r}")
        host, port, app, name = found.groups()
        return cls(host.strip("[]"), int(port or DEFAULT_PORT), app, name)

    @property
    def is_literal(self) -> bool:
        """True if the host is an IP address, so that connecting resolves nothing."""
        return _is_literal(self.host)

    @property
    def url(self) -> str:
        """The address as one URL, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtmp://{host}:{self.port}/{self.app}/{self.name}"


def _is_literal(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # A scope id (fe80::1%eth0) may hold any text, so it never becomes part of a URL.
    return not (isinstance(address, IPv6Address) and address.scope_id is not None)
