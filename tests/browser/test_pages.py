"""Pages as people see them: narrow and wide, light and dark, with and without scripts."""

from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.conftest import NODES, SCREENSHOTS

PAGES = ["/", "/about", "/docs"]
SIZES = {"narrow": (360, 740), "wide": (1440, 900)}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_is_accessible_quiet_and_fits(
    site: str, chromium: Browser, path: str, theme: str, size: str
) -> None:
    """axe finds nothing, the console is silent, no other host is asked, nothing is cut off."""
    width, height = SIZES[size]
    page = chromium.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    said: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: hosts.add(urlparse(request.url).netloc))
    page.goto(site + path)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = path.strip("/") or "network"
    page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{size}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    assert hosts == {urlparse(site).netloc}
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()


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
    assert "<script>alert('stage')</script> & friends" in page.locator("h2").first.inner_text()
    assert alerts == []
    page.close()


def test_the_network_page_tells_every_nodes_story(site: str, chromium: Browser) -> None:
    """Status in words and shapes, the reason, what to do, and uptime only where it was verified."""
    page = chromium.new_page()
    page.goto(site)
    rows = {
        row.locator("th").inner_text(): row.inner_text() for row in page.locator("tbody tr").all()
    }
    assert rows.keys() == NODES.keys()
    assert "healthy" in rows["n-healthy"]
    assert "99.0 %" in rows["n-healthy"]
    assert "Forward the stats port" in rows["n-closed"]
    assert "No check has passed yet" in rows["n-unproven"]
    assert "fraud" in rows["n-fraud"]
    assert "100.0 %" not in rows["n-fraud"]
    page.close()
