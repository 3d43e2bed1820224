"""Pages as people see them: narrow and wide, light and dark, with and without scripts."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NODES, NOW_S, SIZES, examine, served
from tests.doubles.memory import MemoryStore
from tests.populated import node_id, populate

PAGES = ["/", "/about"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_is_accessible_quiet_and_fits(
    site: str, chromium: Browser, path: str, theme: str, size: str
) -> None:
    """axe finds nothing, the console is silent, no other host is asked, nothing is cut off."""
    examine(chromium, site + path, path.strip("/") or "network", theme, size)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_the_same_without_scripts(site: str, chromium: Browser, path: str) -> None:
    """Nothing that is to be read needs one."""
    texts = []
    for scripts in (True, False):
        context = chromium.new_context(java_script_enabled=scripts)
        page = context.new_page()
        page.goto(site + path)
        texts.append(page.locator("main").inner_text())
        context.close()
    assert texts[0] == texts[1]
    assert len(texts[0]) > 100


def test_a_hostile_name_stays_text(site: str, chromium: Browser) -> None:
    """It is shown as it was written, and nothing of it runs."""
    page = chromium.new_page()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page.goto(site)
    assert "<script>alert('stage')</script> & friends" in page.locator("h3").first.inner_text()
    assert alerts == []
    page.close()


def test_the_network_page_tells_every_nodes_story(site: str, chromium: Browser) -> None:
    """Status in words and shapes, the reason, what to do, and uptime only where it was verified."""
    page = chromium.new_page()
    page.goto(site)
    rows = {
        row.locator("th code").inner_text(): row.inner_text()
        for row in page.locator("table.nodes tbody tr").all()
    }
    assert rows.keys() == NODES.keys()
    assert "healthy" in rows["n-healthy"]
    assert "99.0 %" in rows["n-healthy"]
    assert "Forward the stats port" in rows["n-closed"]
    assert "No check has passed yet" in rows["n-unproven"]
    assert "fraud" in rows["n-fraud"]
    assert "100.0 %" not in rows["n-fraud"]
    page.close()


# -- a thousand nodes ------------------------------------------------------------------------

MANY = ["/", "/?sort=status", "/?q=relay&status=healthy&page=2", "/?status=offline&streams=2"]


@pytest.fixture(scope="session")
def many() -> Iterator[str]:
    """The URL of an api over a network of a thousand nodes with every kind of news."""
    measured, money = MemoryStore(), MemoryStore()
    with ThreadPoolExecutor(1) as aside:  # the browser's own loop runs in this thread already
        aside.submit(lambda: asyncio.run(populate(measured, money, 1_000, NOW_S))).result()
    with served(measured, money, NOW_S) as url:
        yield url


@pytest.mark.parametrize("path", MANY)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_of_many_is_accessible_and_fits(
    many: str, chromium: Browser, path: str, theme: str, size: str
) -> None:
    """Bars, chips and forms too."""
    examine(chromium, many + path, f"many-{MANY.index(path)}", theme, size)


def test_a_node_is_found_without_scripts(many: str, chromium: Browser) -> None:
    """A form and links, nothing more; what was asked stays in them."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(many)
    page.get_by_role("searchbox").fill(node_id(777)[:12].upper())
    page.get_by_role("button", name="Search").click()
    assert page.locator("table.nodes tbody th code").all_inner_texts() == [node_id(777)]
    page.get_by_role("link", name="All nodes").click()
    page.locator(".chips").get_by_role("link", name="offline").click()
    assert set(page.locator("table.nodes .status").all_inner_texts()) == {"■ offline"}
    page.get_by_role("link", name="Tokens").click()
    assert page.locator("thead th[aria-sort=descending]").inner_text().startswith("Tokens")
    assert set(page.locator("table.nodes .status").all_inner_texts()) == {"■ offline"}
    context.close()


def test_a_keyboard_reaches_everything(many: str, chromium: Browser) -> None:
    """In the order in which it is read, and what has the focus can be seen."""
    page = chromium.new_page()
    page.goto(f"{many}/?q=relay")
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(e => e.id || e.getAttribute('href') || e.type)(document.activeElement)")
        )
    for target in ("/s/stream1", "/?q=relay&status=offline#nodes", "q", "submit"):
        assert target in reached
    assert reached.index("/s/stream1") < reached.index("q") < reached.index("submit")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.close()


def test_nobody_types_in_vain(many: str, chromium: Browser) -> None:
    """The page renews itself, but not under somebody's hands."""
    page = chromium.new_page()
    page.clock.install()
    page.goto(many)
    box = page.get_by_role("searchbox")
    box.fill("half a wo")
    page.clock.run_for(30_000)
    assert box.input_value() == "half a wo"
    page.evaluate("document.querySelector('main').dataset.old = 'yes'")
    box.blur()
    with page.expect_response(many + "/"):
        page.clock.run_for(11_000)
    expect(page.locator("main")).not_to_have_attribute("data-old", "yes")
    page.close()
