"""Names that ought to resolve: whether our own resolver works, while a stranger's name fails.

A resolver that says "no such name" speaks for the stranger's name server. One that fails, or says
nothing in time, may be at fault itself. Then these names are asked for: if most of them resolve,
the fault is the stranger's, so nobody's name server can make its node's minutes `unknown`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""From a host name to all of its addresses; raises OSError where it has none.

It ends by itself: a thread that asks a name server cannot be told to stop."""

CONTROL_NAMES = ("example.com", "example.net", "example.org")
"""Kept for good by those who number the Internet (RFC 2606), and nobody's node is there."""
CONTROL_NAMES_MAX = 8
"""Each holds a thread while it is asked for."""


class ControlNames:
    """Asks for all of them at once, one round at a time, and not for every stranger anew."""

    def __init__(self, names: Sequence[str], resolve: Resolve) -> None:
        if not 1 <= len(names) <= CONTROL_NAMES_MAX:
            raise ValueError(f"there are 1 to {CONTROL_NAMES_MAX} control names")
        self._names, self._resolve = tuple(names), resolve
        self._round = asyncio.Lock()
        self._began_s = float("-inf")
        """When the last round that is over began, by the loop's time."""
        self._hold = False

    async def hold(self, since_s: float, seconds_max: float) -> bool:
        """Whether most of them resolved in a round that began at `since_s` or later.

        An earlier one proves nothing: the resolver may have failed in between. Everybody who
        failed before a round begins is told by the same one."""
        async with self._round:
            if self._began_s < since_s:
                began_s = asyncio.get_running_loop().time()
                asked = (self._resolves(name, seconds_max) for name in self._names)
                resolved = sum(await asyncio.gather(*asked))
                self._began_s, self._hold = began_s, 2 * resolved > len(self._names)
            return self._hold

    async def _resolves(self, name: str, seconds_max: float) -> bool:
        try:
            async with asyncio.timeout(seconds_max):
                return bool(await self._resolve(name))
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            return False
