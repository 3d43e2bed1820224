"""Atom feeds (RFC 4287): entries into a document that depends on nothing else, so ETags hold."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from api.wire.common import timestamp

MEDIA_TYPE = "application/atom+xml"
NAMESPACE = "http://www.w3.org/2005/Atom"
AUTHOR = "Restreaming as support"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class AtomEntry:
    """Something that happened; `key` names it for ever within the feed's site."""

    key: str
    at_s: float
    title: str
    says: str
    path: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed of a site. `since_s` stands for its last change while it has no entries."""

    title: str
    path: str
    about_path: str
    """The page that it belongs to."""
    entries: tuple[AtomEntry, ...]
    since_s: float = 0.0


def feed_xml(feed: Feed, base_url: str) -> bytes:
    """The document, newest entry first. Ids follow from the site's address and the keys."""
    ordered = sorted(feed.entries, key=lambda entry: (-entry.at_s, entry.key))
    root = ET.Element("feed", xmlns=NAMESPACE)
    _add(root, "id", _id(base_url, feed.path))
    _add(root, "title", feed.title)
    _add(root, "updated", _instant(ordered[0].at_s if ordered else feed.since_s))
    _add(ET.SubElement(root, "author"), "name", AUTHOR)
    ET.SubElement(root, "link", rel="self", type=MEDIA_TYPE, href=base_url + feed.path)
    ET.SubElement(root, "link", rel="alternate", type="text/html", href=base_url + feed.about_path)
    for entry in ordered:
        node = ET.SubElement(root, "entry")
        _add(node, "id", _id(base_url, entry.key))
        _add(node, "title", entry.title)
        _add(node, "updated", _instant(entry.at_s))
        ET.SubElement(node, "link", rel="alternate", type="text/html", href=base_url + entry.path)
        _add(node, "summary", entry.says)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def newest(entries: Iterable[AtomEntry], limit: int) -> tuple[AtomEntry, ...]:
    """The newest ones, each key once: the first given stands for it."""
    found: dict[str, AtomEntry] = {}
    for entry in entries:
        found.setdefault(entry.key, entry)
    ordered = sorted(found.values(), key=lambda entry: (-entry.at_s, entry.key))
    return tuple(ordered[:limit])


def _id(base_url: str, name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{base_url}#{name}')}"


def _instant(at_s: float) -> str:
    return timestamp(int(at_s))


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)
