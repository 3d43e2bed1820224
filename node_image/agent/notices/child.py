"""Has a notice delivered by a process of its own, which ends in bounded time whatever happens.

Apprise needs 50 MB and knows some 170 services: in a child it costs the agent nothing, cannot hang
or crash it, and is the first that the kernel ends when memory runs out. The addresses, which are
secrets, go through its standard input.
"""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass

from agent.notices.kinds import Notice
from agent.tether import tether

SEND_S_MAX = 30.0


@dataclass(frozen=True)
class NoticeDelivery:
    """What became of one address. `number` counts from 1; the address itself is a secret."""

    number: int
    service: str
    is_usable: bool
    is_delivered: bool
    trouble: str


async def deliver(
    addresses: Sequence[str], notice: Notice | None, seconds_max: float = SEND_S_MAX
) -> list[NoticeDelivery]:
    """Send to all addresses at once; with None they are only looked at. Raises nothing.

    Cancelling it ends the process.
    """
    order = {
        "addresses": list(addresses),
        "notice": {"kind": notice.kind, "title": notice.title, "body": notice.body}
        if notice
        else None,
    }
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent.notices.send"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # what a service says may quote its address
            preexec_fn=tether(),  # it calls nothing but prctl: see there
        )
    except OSError as e:
        return _failed(addresses, f"its process cannot be started: {e.strerror}")
    try:
        async with asyncio.timeout(seconds_max):
            said, _ = await process.communicate(json.dumps(order).encode())
        return _read(said, len(addresses))
    except TimeoutError:
        return _failed(addresses, f"it took longer than {seconds_max:g} s")
    except (ValueError, KeyError, TypeError):
        return _failed(addresses, f"its process ended with code {process.returncode}")
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _read(said: bytes, expected: int) -> list[NoticeDelivery]:
    """Raises ValueError, KeyError or TypeError."""
    deliveries = [
        NoticeDelivery(
            number,
            str(one["service"]),
            one["is_usable"] is True,
            one["is_delivered"] is True,
            str(one["trouble"]),
        )
        for number, one in enumerate(json.loads(said), start=1)
    ]
    if len(deliveries) != expected:
        raise ValueError("not one answer for each address")
    return deliveries


def _failed(addresses: Sequence[str], trouble: str) -> list[NoticeDelivery]:
    return [NoticeDelivery(n, "", True, False, trouble) for n in range(1, len(addresses) + 1)]
