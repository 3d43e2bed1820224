"""How it is measured: every limit with its reason, and how to verify it all."""

import math
from collections.abc import AsyncIterator
from dataclasses import asdict, replace

import pytest

from api.site.about_page import WEIGHTS, limits_of
from coordinator.checking.suspicion import PUBLISHED
from coordinator.proof.judging import ProofParameters
from coordinator.reasons import Reason
from tests.lived import CALENDAR, FIRST_EPOCH, lived_through
from tests.unit.functions.html_page import Page
from tests.unit.functions.lived_api import Site, site_of


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """One settled hour."""
    async with site_of(await lived_through(1)) as site:
        yield site


async def test_every_limit_of_a_check_is_there_with_its_reason(site: Site) -> None:
    """A new one cannot be forgotten, and a changed one shows."""
    rules = ProofParameters()
    limits = limits_of(rules)
    assert limits.keys() == asdict(rules).keys()
    page = Page((await site.client.get("/about")).text)
    for limit in limits.values():
        assert f"{limit.says} {limit.value} {limit.why}" in page.text
    changed = limits_of(
        replace(rules, **{name: value * 2 for name, value in asdict(rules).items()})
    )
    assert all(changed[name].value != limits[name].value for name in limits)


async def test_every_weight_follows_from_what_is_shown_beside_it(site: Site) -> None:
    """Whoever takes the logarithm finds the number that the rules use."""
    page = Page((await site.client.get("/about")).text)
    for each in WEIGHTS:
        assert abs(each.weight - 1000 * math.log(each.cheating / each.honest)) < 1
        shown = f"{each.honest * 100:g} % {each.cheating * 100:g} % {each.weight:+,}"
        assert f"{each.outcome} {shown}".replace("-", "\N{MINUS SIGN}") in page.text
    assert math.isclose(sum(each.honest for each in WEIGHTS), 1.0)
    assert math.isclose(sum(each.cheating for each in WEIGHTS), 1.0)
    three, one_pass = 3 * PUBLISHED.failed, PUBLISHED.passed
    assert three + one_pass < PUBLISHED.flag_at <= three


async def test_the_commands_that_verify_are_whole(site: Site) -> None:
    """With a day that is over, an epoch that is settled, and this api's own address."""
    page = Page((await site.client.get("/about")).text)
    assert f"EPOCH={FIRST_EPOCH} API=https://api.example.org" in page.text
    assert CALENDAR.epoch_bounds_s(FIRST_EPOCH)[1] <= site.now_s[0]
    days = [str(tag["href"]) for tag in page.tags["a"] if "/schedule/" in str(tag["href"])]
    assert days == ["/schedule/2026-11-21"]
    assert "make verify-schedule DATE=2026-11-21 API=https://api.example.org" in page.text


async def test_every_reason_can_be_linked_to(site: Site) -> None:
    """What it means and what to do, for each code that any answer can have."""
    page = Page((await site.client.get("/about")).text)
    ids = {tag.get("id") for tag in page.tags["tr"]}
    for reason in Reason:
        assert f"reason-{reason.value.replace(':', '-')}" in ids
        assert reason.says in page.text
    for tag in page.tags["nav"]:
        assert tag["aria-label"]
    jumps = [str(tag["href"])[1:] for tag in page.tags["a"] if str(tag["href"])[:1] == "#"]
    assert set(jumps) <= {str(tag.get("id")) for tag in page.tags["h2"]}
    assert len(jumps) == 7
