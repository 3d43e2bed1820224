"""The pages of one stream and one node as people see them."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SIZES, examine

PAGES = ["/n/n-shaky", "/n/n-fraud", "/n/n-gone", "/s/s3"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_is_accessible_quiet_and_fits(
    lived_site: str, chromium: Browser, path: str, theme: str, size: str
) -> None:
    """axe finds nothing, unfolded too; the console is silent, no other host is asked."""
    name = path.strip("/").replace("/", "-")
    examine(chromium, lived_site + path, name, theme, size)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_the_same_without_scripts(
    lived_site: str, chromium: Browser, path: str
) -> None:
    """Nothing that is to be read needs one."""
    texts = []
    for scripts in (True, False):
        context = chromium.new_context(java_script_enabled=scripts)
        page = context.new_page()
        page.goto(lived_site + path)
        texts.append(page.locator("main").inner_text())
        context.close()
    assert texts[0] == texts[1]
    assert len(texts[0]) > 100


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_moves_while_a_page_loads(
    lived_site: str, chromium: Browser, path: str, width: int
) -> None:
    """Neither what scripts add nor what comes late has to make room for itself."""
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach("
        "entry => { window.moved += entry.value })).observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(lived_site + path)
    page.wait_for_selector("html.scripted")
    for time in page.locator("time.ago").all():
        expect(time).to_have_attribute("data-ago", re.compile(r"\d"))
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.moved") == 0
    page.close()


def test_times_say_how_long_ago_they_are(lived_site: str, chromium: Browser) -> None:
    """Beside the instant in UTC, which stays."""
    page = chromium.new_page()
    page.goto(lived_site + "/n/n-good")
    time = page.locator("time.ago").first
    assert str(time.get_attribute("datetime")).endswith("Z")
    assert time.inner_text().endswith(" UTC")
    shown = time.evaluate("element => getComputedStyle(element, '::after').content")
    assert "ago" in shown or "in " in shown
    page.close()


def test_what_is_unfolded_stays_so(lived_site: str, chromium: Browser) -> None:
    """When the page brings itself up to date."""
    page = chromium.new_page()
    page.goto(lived_site + "/n/n-good")
    page.locator("#all-checks summary").click()
    page.evaluate("document.querySelector('main').dataset.old = 'yes'")
    page.evaluate("refresh()")
    page.wait_for_selector("main:not([data-old])")
    assert page.locator("#all-checks").get_attribute("open") is not None
    page.close()


def test_a_line_is_copied_by_mouse_and_keyboard(lived_site: str, chromium: Browser) -> None:
    """And said to be copied."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(lived_site + "/s/s3")
    buttons = page.locator("button.copy")
    assert buttons.count() == 6
    buttons.nth(1).click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "s3?key=STREAM_KEY"
    buttons.nth(0).focus()
    page.keyboard.press("Enter")
    expect(buttons.nth(0)).to_have_class("copy done")
    assert page.evaluate("navigator.clipboard.readText()") == "rtmp://203.0.113.5:1935/live"
    assert page.evaluate("String(getSelection())") == "rtmp://203.0.113.5:1935/live"
    context.close()


def test_without_scripts_a_line_is_selected_by_a_click(lived_site: str, chromium: Browser) -> None:
    """And there is no button that would do nothing."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(lived_site + "/s/s3")
    assert page.locator("button.copy:visible").count() == 0
    assert (
        page.locator(".copyable code").first.evaluate(
            "element => getComputedStyle(element).userSelect"
        )
        == "all"
    )
    context.close()


def test_every_part_is_reached_by_keyboard(lived_site: str, chromium: Browser) -> None:
    """In the order of the page; wide tables can be scrolled, folded ones unfolded."""
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    page.goto(lived_site + "/n/n-shaky")
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(
            "(document.activeElement.getAttribute('aria-label') || "
            "document.activeElement.textContent).trim()"
        ))  # fmt: skip
    assert {
        "Table: the latest epochs",
        "Table: the latest checks",
        "What the words mean",
    } <= reached
    assert "Copy the badge as HTML" in reached
    page.close()


def test_a_hostile_name_stays_text(lived_site: str, chromium: Browser) -> None:
    """On both pages, in headings and in link previews."""
    page = chromium.new_page()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page.goto(lived_site + "/s/s3")
    assert "<script>alert('stage')</script> & friends" in page.locator("h1").inner_text()
    page.goto(lived_site + "/n/n-good")
    assert "<script>alert('stage')</script> & friends" in page.locator("main").inner_text()
    assert alerts == []
    page.close()


@pytest.mark.parametrize("path", ["/n/n404", "/s/s404"])
def test_an_unknown_id_leads_on(lived_site: str, chromium: Browser, path: str) -> None:
    """To the page where it would be found."""
    page = chromium.new_page()
    answer = page.goto(lived_site + path)
    assert answer is not None
    assert answer.status == 404
    assert Axe().run(page).violations_count == 0
    page.locator("main a").click()
    assert page.url == lived_site + "/"
    page.close()


def test_a_keyboard_keeps_its_place_when_the_page_renews_itself(
    lived_site: str, chromium: Browser
) -> None:
    """On a link as on a folded part; and nobody's selection is taken away."""
    page = chromium.new_page()
    page.goto(lived_site + "/n/n-good")
    for place in ("table.checks", "#all-checks summary", "main a[href='/s/s3']"):
        page.locator(place).first.evaluate(
            "element => (element.closest('[tabindex]') || element).focus()"
        )
        before = page.evaluate("name(document.activeElement)")
        page.evaluate("document.querySelector('main').dataset.old = 'yes'")
        page.evaluate("tag = null; refresh()")  # as if something had changed
        page.wait_for_selector("main:not([data-old])")
        assert page.evaluate("name(document.activeElement)") == before
        assert page.evaluate("document.activeElement.closest('main') !== null")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    page.evaluate("document.querySelector('main').dataset.old = 'yes'")
    page.evaluate("tag = null; refresh()")
    assert page.locator("main").get_attribute("data-old") == "yes"
    assert "n-good" in page.evaluate("getSelection().toString()")
    page.close()
