"""A row of values as a small SVG chart with its summary in words. Pure."""

from collections.abc import Iterator, Sequence
from html import escape

HEIGHT = 100
"""The drawing's own grid is so high, and has a column for each value: the page stretches it."""


def chart(title: str, values: Sequence[float | None], since: str, caption: str) -> str:
    """A figure. None is a stretch that nobody watched: nothing is drawn there, not even a zero."""
    top = max([1.0, *(value or 0.0 for value in values)])
    columns = len(values)
    says = escape(f"{title}: {caption}")
    drawing = (
        f'<svg class="chart" height="72" viewBox="0 0 {columns} {HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-label="{says}">'
        f'<path class="area" d="{"".join(_steps(values, top))}"/>'
        f'<line class="ground" x1="0" y1="{HEIGHT}" x2="{columns}" y2="{HEIGHT}" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    return (
        f"<figure><h3>{escape(title)}</h3>{drawing}"
        f'<div class="axis"><span>{escape(since)} ago</span><span>now</span></div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _steps(values: Sequence[float | None], top: float) -> Iterator[str]:
    """Each run of known values as one area with a flat step for each value."""
    is_open = False
    for at, value in enumerate(values):
        if value is not None:
            yield "" if is_open else f"M{at} {HEIGHT}"
            yield f"V{HEIGHT - HEIGHT * value / top:.1f}H{at + 1}"
        elif is_open:
            yield f"V{HEIGHT}Z"
        is_open = value is not None
    if is_open:
        yield f"V{HEIGHT}Z"
