"""The application: what each request goes through, and where its routes come from."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from api import __version__, openapi
from api.http import error_handlers as errors
from api.http.edge import Edge
from api.http.problems import Problem, ProblemKind
from api.http.rates import RateLimit
from api.http.route import Route
from api.routes import badges, config, evidence, pictures
from api.routes import checks as node_checks
from api.routes import money as money_routes
from api.routes import nodes as node_routes
from api.routes import streams as stream_routes
from api.routes import webhooks as webhook_routes
from api.services.services import Services
from api.site import feeds, node_page, site, stream_page
from api.wire.common import HealthOut
from coordinator.adapters.store.protocol import StoreError

_ROUTES = (
    stream_routes,
    node_routes,
    badges,
    evidence,
    config,
    pictures,
    money_routes,
    webhook_routes,
    node_page,
    stream_page,
    feeds,
    node_checks,
)
"""Modules with routes of their own, in the order of the OpenAPI document."""


def create_app(services: Services) -> FastAPI:
    """The application over its services."""
    app = FastAPI(
        title="Restreaming as support",
        summary="Fans relay a live stream, sponsors pay for relaying that was really done.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.router.route_class = Route
    errors.install(app)
    app.add_exception_handler(StoreError, _unavailable)
    for module in _ROUTES:
        module.install(app, services)
    _health_route(app, services)
    site.install(app, services)
    openapi.install(app, services.public_url)
    _tried_first(app, "/nodes/heartbeat")
    app.middleware_stack = layers(app, services)
    return app


def layers(app: FastAPI, services: Services) -> ASGIApp:
    """What each request goes through on its way to the framework's own layers and the routes."""
    proxies, clock = services.trusted_proxies, services.clock
    inner = app.build_middleware_stack()
    limited = RateLimit(inner, services.requests_per_second, proxies, clock)
    return Edge(limited, app.routes, services.log, proxies)


def _tried_first(app: FastAPI, path: str) -> None:
    """Routes are tried in turn; this one takes nearly all requests."""
    app.router.routes.sort(key=lambda route: getattr(route, "path", None) != path)


async def _unavailable(_: Request, __: Exception) -> JSONResponse:
    return Problem(
        ProblemKind.UNAVAILABLE, "The database did not answer; try again shortly."
    ).response()


def _health_route(app: FastAPI, services: Services) -> None:
    # Google's front end answers /healthz itself where Cloud Run serves us.
    @app.get("/health", tags=["ops"])
    @app.get("/healthz", tags=["ops"], name="healthz")
    async def health() -> HealthOut:
        """200 where the network as it is now is at hand or can be read, 503 otherwise."""
        await services.snapshots.swept()
        return HealthOut()
