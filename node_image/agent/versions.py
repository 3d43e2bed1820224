"""Whether this agent is the newest one, and the command that makes a newer one. Pure."""

import re

from agent import __version__

UPDATE = (
    "git pull && DOCKER_BUILDKIT=1 docker build -t restream-node -f node_image/Dockerfile . "
    "&& docker stop -t 20 restream-node && docker rm restream-node"
)
"""In the repository's folder: docs/operator.md, step 6. Then the node is started as before."""
_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})", re.ASCII)


def says_old(newest: str) -> str:
    """A sentence if this agent is older than the newest that the coordinator knows; else empty."""
    if not is_older(__version__, newest):
        return ""
    return f"This node runs version {__version__}, and {newest} is the newest."


def is_older(own: str, newest: str) -> bool:
    """Whether both are versions, and the own one is the older."""
    versions = [_VERSION.fullmatch(version) for version in (own, newest)]
    numbers = [tuple(int(n) for n in found.groups()) for found in versions if found]
    return len(numbers) == 2 and numbers[0] < numbers[1]
