"""Which tests hold for the engine that `ENGINE` chooses."""

import pytest

from tests.e2e.agents import ENGINE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What only restream can do is asked of no other engine."""
    if ENGINE == "restream":
        return
    others = [item for item in items if item.get_closest_marker("of_restream")]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
