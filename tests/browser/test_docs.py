"""The API's page: Swagger UI under the policy of every other page, and a list without it."""

from collections.abc import Iterator
from typing import Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import SIZES, examine

ROUTE = "#operations-sponsors-register_a_stream"


@pytest.fixture
def docs(site: str, chromium: Browser) -> Iterator[Page]:
    """The page, when the reader is there; nothing may be said on its console."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{site}/docs")
    page.wait_for_selector(".opblock")
    yield page
    assert said == []
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_reader_is_accessible_quiet_and_fits(
    site: str, chromium: Browser, theme: str, size: str
) -> None:
    """axe finds nothing, the console is silent, no other host is asked, nothing is cut off."""
    examine(chromium, f"{site}/docs", "docs", theme, size, shows=".opblock")


def test_the_reader_has_every_route_in_the_place_of_the_list(site: str, docs: Page) -> None:
    """As many as the document has; only one of both is shown."""
    document = httpx.get(f"{site}/openapi.json", trust_env=False).json()
    operations = sum(len(methods) for methods in document["paths"].values())
    assert docs.locator(".opblock").count() == operations
    assert docs.locator("#routes").is_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_keyboard_opens_a_route_with_example_errors_and_keys(
    site: str, chromium: Browser, theme: str, size: str
) -> None:
    """And what has been opened is as accessible, and fits."""
    width, height = SIZES[size]
    scheme: Literal["dark", "light"] = "dark" if theme == "dark" else "light"
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(f"{site}/docs")
    page.wait_for_selector(".opblock")
    _tab_to(page, f"{ROUTE} .opblock-summary-control")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{ROUTE} .responses-table")
    told = page.locator(ROUTE).inner_text()
    for part in ('"token_balance": "1000"', "/problems/key-missing", "/problems/address-refused"):
        assert part in told
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert Axe().run(page).violations_count == 0
    page.locator("button.authorize").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator(".dialog-ux").inner_text()
    assert all(key in dialog for key in ("sponsorKey", "nodeSignature", "ingestKey"))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the Tab key does not reach {selector}")


def test_a_route_is_tried_from_the_page(docs: Page) -> None:
    """The policy lets it call this api."""
    route = docs.locator("#operations-streams-list_streams")
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()
    docs.wait_for_selector("#operations-streams-list_streams .live-responses-table")
    told = route.locator(".live-responses-table").inner_text()
    assert "200" in told
    assert '"streams"' in told


def test_the_list_is_there_without_scripts(site: str, chromium: Browser) -> None:
    """Each route with what it takes."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/docs")
    assert page.locator("#reader").inner_text() == ""
    assert "POST /streams/{stream_id}/top-ups" in page.locator("#routes").inner_text()
    context.close()


def test_the_list_stays_where_the_reader_fails(site: str, chromium: Browser) -> None:
    """A script that does not come leaves the page as it was."""
    page = chromium.new_page()
    page.route("**/swagger-ui-bundle.js", lambda route: route.abort())
    page.goto(f"{site}/docs")
    assert page.locator("#routes").is_visible()
    page.close()
