"""Addresses that callers name: a problem where one may not be called."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.http.problems import Problem, ProblemKind
from coordinator.strangers.addresses import AddressRefused


@contextmanager
def address_named(name: str, fix: str = "") -> Iterator[None]:
    """Around whatever judges an address: its refusal is told as a problem of `name`, with what to
    do about it."""
    try:
        yield
    except AddressRefused as refused:
        raise Problem(
            ProblemKind.ADDRESS_REFUSED,
            f"{name}: {refused.detail}. {fix or refused.reason.fix}",
            reason=refused.reason.value,
        ) from refused
