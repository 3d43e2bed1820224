"""Which methods a path takes: for preflights, for OPTIONS, and for the Allow of a 405."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Scope


def methods_of(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """In the order of the alphabet, OPTIONS among them; empty for a path that leads nowhere.

    The first path that fits counts, as it does in routing: `/nodes/heartbeat` is itself and not
    the node of that name."""
    path, found = None, set()
    for route in routes:
        if route.matches({**scope, "method": "GET"})[0] is Match.NONE:
            continue
        route_path = getattr(route, "path", None)
        path = path or route_path
        if route_path == path:
            found |= set(getattr(route, "methods", None) or ())
    if "GET" in found:
        found.add("HEAD")  # answered for every GET, by `api.http.edge`
    return sorted(found | {"OPTIONS"}) if found else []
