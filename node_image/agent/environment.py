"""Reads one environment variable at a time and collects a sentence for each mistake."""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from agent.stream_ids import STREAM_ID_PATTERN

_URL_CHARS_MAX = 2048
_ADDRESSES_MAX = 8
# An address may hold commas of its own: only one before another service:// stands between two.
_BETWEEN_ADDRESSES = re.compile(r"[\s,]+(?=[A-Za-z0-9]+://)")
_ADDRESS = re.compile(r"[A-Za-z0-9]{1,32}://[\x21-\x7e]{1,2000}")
# A unix socket's path may have 107 bytes; it is made in WORK_DIR.
_WORK_DIR = re.compile(r"/[A-Za-z0-9_./-]{0,79}")


class Environment:
    """The variables; an empty one counts as unset. `wrong` holds the sentences so far."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.wrong: list[str] = []

    def text(self, name: str) -> str:
        """The value without spaces around it, or nothing."""
        return self._env.get(name, "").strip()

    def one_of(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        """One of `choices`, the first unless `default` says another."""
        value = self.text(name) or default or choices[0]
        if value not in choices:
            self.wrong.append(f"{name} is {value!r}: set it to {' or '.join(choices)}.")
        return value

    def port(self, name: str, default: int) -> int:
        """A port number."""
        value = self.text(name) or str(default)
        if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
            self.wrong.append(f"{name} is {value!r}: set it to a port from 1 to 65535.")
            return default
        return int(value)

    def url(self, name: str, example: str, required: bool = False) -> str:
        """An http or https address without a trailing slash."""
        value = self.text(name)
        if not value and not required:
            return ""
        if not value:
            self.wrong.append(f"{name} is missing: set it to an address such as {example}.")
        elif not _is_http_url(value):
            self.wrong.append(f"{name} is {value!r}: set it to an address such as {example}.")
        return value.rstrip("/")

    def stream_id(self, required: bool) -> str:
        """STREAM_ID."""
        value = self.text("STREAM_ID")
        if not value and required:
            self.wrong.append(
                "STREAM_ID is missing: set it to the id of the stream to relay, or to auto."
            )
        if value and not STREAM_ID_PATTERN.fullmatch(value):
            self.wrong.append(
                f"STREAM_ID is {value[:80]!r}: a stream's id has 1 to 64 letters, digits, - or _."
            )
        return value

    def ipv4(self, name: str) -> str:
        """An IPv4 address."""
        value = self.text(name) or "0.0.0.0"  # noqa: S104 -- viewers come from outside
        try:
            return str(ipaddress.IPv4Address(value))
        except ValueError:
            self.wrong.append(f"{name} is {value!r}: set it to an IPv4 address of this machine.")
            return value

    def work_dir(self) -> Path | None:
        """WORK_DIR, if it is set."""
        value = self.text("WORK_DIR")
        if value and not _WORK_DIR.fullmatch(value):
            self.wrong.append(
                f"WORK_DIR is {value!r}: set it to an absolute path of at most 80 characters, of "
                "letters, digits and . _ - / only."
            )
        return Path(value) if value else None

    def certificates(self, name: str) -> Path | None:
        """A readable file of certificates, if it is set."""
        value = self.text(name)
        if not value:
            return None
        try:
            ssl.create_default_context(cafile=value)
        except OSError:  # ssl.SSLError is one
            self.wrong.append(
                f"{name} is {value!r}: set it to a file of certificates (PEM) that the agent may "
                "read."
            )
        return Path(value)

    def seconds(self, name: str, low: float, high: float) -> float | None:
        """A number of seconds, if it is set."""
        value = self.text(name)
        if not value:
            return None
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", value) or not low <= float(value) <= high:
            self.wrong.append(f"{name} is {value!r}: set it to seconds from {low:g} to {high:g}.")
            return None
        return float(value)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number."""
        value = self.text(name) or str(default)
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            self.wrong.append(f"{name} is {value!r}: set it to a number from {low} to {high}.")
            return default
        return int(value)

    def addresses(self, name: str) -> tuple[str, ...]:
        """Addresses like service://…, which are secrets: a sentence only counts them."""
        found = (
            tuple(_BETWEEN_ADDRESSES.split(self.text(name).strip(", "))) if self.text(name) else ()
        )
        wrong = [str(n) for n, address in enumerate(found, 1) if not _ADDRESS.fullmatch(address)]
        if wrong:
            self.wrong.append(
                f"{name}: address {', '.join(wrong)} of {len(found)} is not like service://…: see "
                "Apprise's list of services."
            )
        elif len(found) > _ADDRESSES_MAX:
            self.wrong.append(f"{name} holds {len(found)} addresses: at most {_ADDRESSES_MAX}.")
        return found

    def secret(self, name: str, required: bool) -> str:
        """A value that is never repeated in a sentence."""
        value = self.text(name)
        if not value and required:
            self.wrong.append(f"{name} is missing: set it to the key that ops issued.")
        elif not value.isascii() or any(c.isspace() or not c.isprintable() for c in value):
            # The value stays out of the sentence: it is a secret.
            self.wrong.append(f"{name} holds spaces or unprintable characters: copy it again.")
        return value


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
        host = httpx.URL(value).host  # what the client cannot read, it could never call
    except (ValueError, httpx.InvalidURL):
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(host)
        and port != 0
        and not (parts.query or parts.fragment or parts.username or parts.password)
        and len(value) <= _URL_CHARS_MAX
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )
