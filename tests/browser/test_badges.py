"""Badges in a real browser: whatever the name, its text stays inside of its box."""

import pytest
from playwright.sync_api import Browser

from api.site.badges import Badge

TEXTS = (
    "W" * 40,
    "@%mM" * 10,
    "i" * 40,
    "".join(map(chr, range(33, 127))),
    "日本語テスト한국어中文" * 3,
    "😀🎥📡🇩🇪" * 4,
    "👩‍👩‍👧‍👦 family 👨🏽‍🚀",
    "ЩЩЩ ﷽ Ǆ ﬃ",
    "हिन्दी العربية עברית",
    "e\u0301" * 20,
    "healthy · 100.0% up",
)
SLACK_PX = 0.5
_BOXES = """texts => texts.map(text => {
    const box = text.getBoundingClientRect(), svg = text.ownerSVGElement.getBoundingClientRect();
    return [box.left - svg.left, box.right - svg.left, svg.width];
})"""


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_inside_its_box(chromium: Browser, text: str) -> None:
    """As a label and as a value, each beside something short."""
    with chromium.new_page() as page:
        for badge, other in ((Badge(text, "ok"), "right"), (Badge("ok", text), "left")):
            page.set_content(badge.svg())
            boxes = page.eval_on_selector_all("svg text", _BOXES)
            (left_from, left_to, width), (right_from, right_to, _) = boxes
            assert left_from >= -SLACK_PX, (other, boxes)
            assert left_to <= right_from + SLACK_PX, (other, boxes)
            assert right_to <= width + SLACK_PX, (other, boxes)


@pytest.mark.parametrize("text", ["restream node", "healthy · 99.9% up", "Main stage"])
def test_a_usual_badge_has_no_room_to_spare(chromium: Browser, text: str) -> None:
    """Its box is not much wider than its text, and nothing is stretched."""
    with chromium.new_page() as page:
        page.set_content(Badge(text, "ok").svg())
        (left_from, left_to, _), (right_from, _, _) = page.eval_on_selector_all("svg text", _BOXES)
        assert left_to - left_from > 0.7 * (right_from - 7)
        assert "textLength" not in page.content()
