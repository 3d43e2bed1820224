"""The api as one test calls it: routes that all tests share, over services of its own.

FastAPI takes every route apart when it is added. That takes longer than most tests of an api, and
depends on nothing but the settings: routes hold no state. So they are made once for each settings;
stores, clock, memory and limits are new for each test.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app, layers
from api.http.callers import SponsorKey
from api.http.node_signature import NodeSignature
from api.services.services import Services
from api.wiring import services_on
from coordinator.adapters.clock import Clock
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.scheduling.job_control import Scheduler
from coordinator.adapters.settings import ApiSettings
from coordinator.adapters.store.protocol import Store


@dataclass
class OwnApi:
    """An application of one test's own, as far as anybody who calls it can tell."""

    routes: FastAPI
    """Shared: what they are may be looked at."""
    services: Services

    def __post_init__(self) -> None:
        self.layers: ASGIApp = layers(self.routes, self.services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request by its own services."""
        token = _CALLED.set(self)
        try:
            await self.routes(scope, receive, send)
        finally:
            _CALLED.reset(token)


_CALLED = ContextVar[OwnApi]("_CALLED")


class _ServicesOfTheCall:
    """For the routes: the services of whichever application is called."""

    def __init__(self, first: Services) -> None:
        self._first = first
        self.node_signature = NodeSignature(_now_s, first.public_url)
        """A route keeps it for good, and it asks for the time."""
        self.sponsor_key = SponsorKey(_name_of)
        """Likewise, and it asks for the list of sponsors."""

    def __getattr__(self, name: str) -> Any:
        called = _CALLED.get(None)
        return getattr(called.services if called else self._first, name)


def _now_s() -> float:
    return _CALLED.get().services.clock()


async def _name_of(key_hash: str) -> str | None:
    return await _CALLED.get().services.sponsor_key.name_of(key_hash)


async def _layers_of_the_call(scope: Scope, receive: Receive, send: Send) -> None:
    await _CALLED.get().layers(scope, receive, send)


_ROUTES: dict[str, FastAPI] = {}
"""By the settings."""


def own_api(
    measured: Store,
    money: Store,
    settings: ApiSettings,
    clock: Clock,
    calls_back: Guard | None = None,
    *,
    scheduler: Scheduler | None = None,
) -> OwnApi:
    """What `build_on` makes, sooner."""
    given = measured, money, settings, clock, calls_back
    services = services_on(*given, scheduler=scheduler)
    told = settings.model_dump_json()
    if told not in _ROUTES:
        routes = create_app(cast(Services, _ServicesOfTheCall(services)))
        routes.middleware_stack = _layers_of_the_call
        _ROUTES[told] = routes
    return OwnApi(_ROUTES[told], services)
