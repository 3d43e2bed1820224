"""`python -m agent.notices.send`: the process that delivers one notice and ends.

It reads `{"addresses": […], "notice": {"kind", "title", "body"} or null}` from standard input and
writes `[{"service", "is_usable", "is_delivered", "trouble"}]`, in the same order; never an address.
"""

import contextlib
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from apprise import (
    Apprise,
    AppriseAsset,
    AppriseResultStatus,
    NotifyBase,
    NotifyFormat,
    NotifyType,
)

SERVICE_S_MAX = 20.0
_NICE = 10
_STATUS = re.compile(r"error=(\d{3})\b")
_TYPES = {
    "unhealthy": NotifyType.WARNING,
    "flagged": NotifyType.FAILURE,
    "suspended": NotifyType.FAILURE,
    "fraud": NotifyType.FAILURE,
    "cleared": NotifyType.SUCCESS,
    "first_check": NotifyType.SUCCESS,
}


class Report(NamedTuple):
    """What became of one address."""

    service: str
    is_usable: bool
    is_delivered: bool
    trouble: str


def main() -> None:
    """Never returns."""
    _step_back()
    order = json.load(sys.stdin)
    # Whatever a service prints must not get among the answer.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answer, contextlib.redirect_stdout(None):
        reports = send(order["addresses"], order["notice"])
        json.dump([report._asdict() for report in reports], answer)
    os._exit(0)  # a service's thread that hangs must not keep the process


def send(addresses: list[str], notice: dict[str, str] | None) -> list[Report]:
    """Send a notice to every address, all at once; with None they are only looked at."""
    asset = AppriseAsset(
        app_id="Restream node",
        app_desc="A node's notices",
        app_url="",
        language="en",
        storage_mode="memory",
        service_timeout=SERVICE_S_MAX,
    )
    services = [Apprise.instantiate(address, asset=asset) for address in addresses]
    with ThreadPoolExecutor(max_workers=max(1, len(services))) as pool:
        return list(pool.map(lambda service: _tell(service, asset, notice), services))


def _tell(service: NotifyBase | None, asset: AppriseAsset, notice: dict[str, str] | None) -> Report:
    if service is None:
        return Report("", False, False, "Apprise does not understand this address")
    name = str(service.service_name)
    if notice is None:
        return Report(name, True, False, "")
    one = Apprise(asset=asset)
    one.add(service)
    result = one.notify(
        notice["body"],
        title=notice["title"],
        notify_type=_TYPES.get(notice["kind"], NotifyType.INFO),
        body_format=NotifyFormat.TEXT,
    )
    if result:
        return Report(name, True, True, "")
    if result.status == AppriseResultStatus.TIMEOUT:
        return Report(name, True, False, f"no answer within {SERVICE_S_MAX:g} s")
    # Of what the service says only a status is passed on: the rest may quote the address.
    said = " ".join(entry.message for entry in result.logs())
    status = _STATUS.search(said)
    trouble = f"it answered {status[1]}" if status else "it was not reached, or it refused"
    return Report(name, True, False, trouble)


def _step_back() -> None:
    """The relay comes first: for the processor, and when memory runs out."""
    os.nice(_NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main()
