"""Small pieces of HTML. Whatever comes in as text is escaped. Pure."""

from collections.abc import Mapping
from html import escape

_SHOWN_CHARS_MAX = 1000


def text(told: str) -> str:
    """Escaped, and no longer than anybody reads."""
    return escape(told[:_SHOWN_CHARS_MAX])


def quiet(told: str) -> str:
    """What is less important."""
    return f'<span class="quiet">{text(told)}</span>'


def link(name: str, url: str) -> str:
    """To another page."""
    return f'<a href="{escape(url)}">{text(name)}</a>'


def fact_list(rows: Mapping[str, str]) -> str:
    """By name; the values are HTML already."""
    pairs = (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows.items())
    return f'<dl class="facts">{"".join(pairs)}</dl>'
