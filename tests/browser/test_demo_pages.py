"""The pages of the running demo: real nodes, real checks, real pictures of the stream.

Photographed narrow and wide, light and dark, into build/screenshots.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request

from emulator.demo.public_api import PublicNode
from tests.browser.conftest import SIZES, examine
from tests.e2e.running_demo import Demo, running

FOUR_EPOCHS_S = 240.0
"""A check that a busy machine could not make costs a node the epoch."""
NAMES = ("network", "stream", "good node", "bad node", "about", "docs")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Two honest nodes and one that serves a recording; checks of both are settled and paid."""
    with running(tmp_path_factory.mktemp("demo"), 2, "loop") as demo:
        demo.until_printed("starting nodes")
        demo.until(lambda: len(_judged(demo)) == 3, "a check of each of the three nodes")
        says = "settled epochs that pay both honest nodes"
        demo.until(lambda: len(_paid(demo)) == 2, says, FOUR_EPOCHS_S)
        yield demo


def _judged(demo: Demo) -> list[PublicNode]:
    """Those with a check that counts: the control nodes' checks count for nobody."""
    return [node for node in demo.nodes() if node.checks_passed + node.checks_failed]


def _paid(demo: Demo) -> set[str]:
    """Ids of nodes: who was paid has a settled check, which another's epoch need not hold."""
    stream_id = _judged(demo)[0].stream_id
    told = demo.api.get(f"/streams/{stream_id}/statements").raise_for_status().json()
    rows = (row for one in told["statements"] for row in one["rows"])
    return {row["node_id"] for row in rows if row["earned"] != "0"}


def _url(demo: Demo, name: str) -> str:
    """Of the page that goes by that name."""
    nodes = sorted(_judged(demo), key=lambda node: node.checks_failed)
    paths = {
        "network": "/",
        "stream": f"/s/{nodes[0].stream_id}",
        "good node": f"/n/{nodes[0].node_id}",
        "bad node": f"/n/{nodes[-1].node_id}",
        "about": "/about",
        "docs": "/docs",
    }
    return f"http://127.0.0.1:{demo.port}{paths[name]}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_of_the_demo_is_accessible_quiet_and_fits(
    demo: Demo, chromium: Browser, name: str, theme: str, size: str
) -> None:
    """axe finds nothing, the console is silent, no other host is asked, nothing is cut off."""
    shows = ".opblock" if name == "docs" else "main"
    photo = f"demo-{name.replace(' ', '-')}"
    examine(chromium, _url(demo, name), photo, theme, size, shows=shows)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("network", "Viewers"),
        ("stream", "Watch in VLC or mpv"),
        ("good node", "Yes: it is earning."),
        ("bad node", "It earns nothing"),
        ("about", "Nothing that a node says about itself earns a token."),
    ],
)
def test_the_first_question_is_answered_on_a_telephones_first_screen(
    demo: Demo, chromium: Browser, name: str, answer: str
) -> None:
    """Does it earn, how is it watched, what is it worth: without scrolling."""
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    page.goto(_url(demo, name))
    where = page.get_by_text(answer).first.bounding_box()
    assert where is not None
    assert where["y"] + where["height"] <= 740
    page.close()


def test_the_dashboard_asks_for_one_page_and_one_stylesheet(demo: Demo, chromium: Browser) -> None:
    """And for pictures of the stream only when they come into sight."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    def shows_a_picture() -> bool:
        """A check that found the machine busy leaves none, and the next one may."""
        asked.clear()
        page.goto(_url(demo, "network"), wait_until="networkidle")
        return page.locator("img").count() > 0

    page.on("request", note)
    demo.until(shows_a_picture, "a picture beside a check")
    kinds = [request.resource_type for request in asked]
    assert (kinds.count("document"), kinds.count("stylesheet"), kinds.count("script")) == (1, 1, 1)
    for picture in page.locator("img").all():
        assert picture.get_attribute("loading") == "lazy"
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("element => element.decode().then(() => element.naturalWidth)") > 0
    page.close()


def test_a_nodes_page_shows_its_checks_and_its_feed(demo: Demo, chromium: Browser) -> None:
    """Settled with the epoch; and the node's feed is linked."""
    page = chromium.new_page()
    page.goto(_url(demo, "good node"))
    assert page.locator("table.checks .verdict.pass").count() > 0
    feed = page.locator("link[rel=alternate]").last.get_attribute("href")
    assert demo.api.get(str(feed)).headers["content-type"].startswith("application/atom+xml")
    page.close()
