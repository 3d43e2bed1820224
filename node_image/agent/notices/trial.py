"""`notify-test`: sends one notice to every address, and says of each whether it went out."""

import asyncio
from collections.abc import Mapping

from agent.environment import Environment
from agent.notices.child import NoticeDelivery, deliver
from agent.notices.wording import trial


def notify_test(env: Mapping[str, str]) -> int:
    """Print a line for each address; 0 if all were delivered, 1 if not, 2 if there is none."""
    read = Environment(env)
    addresses = read.addresses("NOTIFY_URLS")
    if not addresses:
        read.wrong.append("NOTIFY_URLS is missing: set it to addresses like service://….")
    if read.wrong:
        print("\n".join(read.wrong))
        return 2
    deliveries = asyncio.run(deliver(addresses, trial()))
    print("\n".join(map(_line, deliveries)))
    return 0 if all(delivery.is_delivered for delivery in deliveries) else 1


def _line(delivery: NoticeDelivery) -> str:
    name = f"address {delivery.number}" + (f" ({delivery.service})" if delivery.service else "")
    return f"{name}: {'delivered' if delivery.is_delivered else delivery.trouble}."
