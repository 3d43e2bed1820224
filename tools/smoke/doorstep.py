"""What anybody sees of a network from outside: who is answered, and who is not."""

import ipaddress
from urllib.parse import urlsplit

from tools.smoke.api_client import NO_ADDRESS, AnswerError, ApiClient
from tools.smoke.ground import Ground
from tools.smoke.results import NotToldError, WrongError

CLOSED = (401, 403, 404)
"""What Cloud Run answers to who may not call: 404 where only internal callers may."""


def health(network: ApiClient) -> str:
    """Whether the api answers at all."""
    network.health()
    return f"{network.api} answers."


def callers_address(network: ApiClient) -> str:
    """Whether a caller can have itself taken for somebody else."""
    try:
        seen = network.seen_address()
    except AnswerError as error:
        if error.status != 429:
            raise
        raise NotToldError(
            "asked-too-often",
            f"The api calls an address back a few times in 12 minutes only: wait "
            f"{error.retry_after or 720} s, and run it again.",
        ) from error
    if seen == NO_ADDRESS:
        raise WrongError(
            "address-forged",
            "The api believes what a caller writes into X-Forwarded-For: TRUSTED_PROXIES is "
            "larger than the number of proxies before it.",
        )
    if not _is_local(network.api) and not _is_public(seen):
        raise WrongError(
            "address-of-a-proxy",
            f"The api takes its own proxy ({seen}) for the caller: TRUSTED_PROXIES is smaller "
            "than the number of proxies before it.",
        )
    return "What a caller writes into X-Forwarded-For is not believed."


def doors(ground: Ground) -> str | None:
    """Whether functions that jobs call refuse everybody else; None where there are none."""
    closed = ground.doors()
    for name, status in closed.items():
        if status == 0:
            raise NotToldError("door-untried", f"{name} could not be reached from here.")
        if status not in CLOSED:
            raise WrongError(
                "door-open",
                f"{name} answers {status} to a stranger: it must take internal callers with a "
                "token only (ingress, and who has roles/run.invoker).",
            )
    return f"{', '.join(closed)} refuse strangers." if closed else None


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or (_is_address(host) and not _is_public(host))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_public(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_global
