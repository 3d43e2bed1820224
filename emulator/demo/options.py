"""What a user can choose about a demo: environment variables, parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.cheats import PROGRAMS

NODES_MAX = 50
CHEATS_MAX = 20
DEFAULT_CHEATS = "dead,loop"
ENGINES = ("restream", "rtmp_relay")
"""What an honest node's agent can relay with; the second only where it is installed."""
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


class OptionsError(Exception):
    """A variable is wrong. The message says what to write."""


@dataclass(frozen=True)
class Options:
    """The cast and the place of one demo."""

    port: int = 8080
    nodes: int = 3
    cheats: tuple[str, ...] = ("dead", "loop")
    folder: Path = BUILD / "demo"
    """Logs and node keys. One of its own per port, so that demos may run side by side."""
    engines: tuple[str, ...] = ("restream",)
    """Of the honest nodes, in turn. The ingest is always of the first: it asks who publishes."""
    controls: bool = True
    """Whether a known-good and a known-bad node check the checking."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Options":
        """PORT, NODES, CHEATS, ENGINE and DEMO_DIR; empty means default. Raises OptionsError."""
        port = _number(environ, "PORT", cls.port, 1, 65_535)
        folder = BUILD / ("demo" if port == cls.port else f"demo-{port}")
        return cls(
            port=port,
            nodes=_number(environ, "NODES", cls.nodes, 0, NODES_MAX),
            cheats=_cheats(environ.get("CHEATS", "") or DEFAULT_CHEATS),
            engines=_engines(environ.get("ENGINE", "") or ENGINES[0]),
            folder=Path(environ.get("DEMO_DIR", "") or folder).resolve(),
        )


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise OptionsError(f"{name} is {text!r}: set it to a number from {least} to {most}.")
    return int(text)


def _cheats(text: str) -> tuple[str, ...]:
    if text.strip() == "none":
        return ()
    cheats = tuple(kind.strip() for kind in text.split(","))
    for kind in cheats:
        if kind not in PROGRAMS:
            known = ", ".join(PROGRAMS)
            raise OptionsError(f"CHEATS names {kind!r}: choose from {known}, or write none.")
    if len(cheats) > CHEATS_MAX:
        raise OptionsError(f"CHEATS has {len(cheats)} entries: {CHEATS_MAX} are the most.")
    return cheats


def _engines(text: str) -> tuple[str, ...]:
    engines = tuple(name.strip() for name in text.split(","))
    if not set(engines) <= set(ENGINES):
        raise OptionsError(f"ENGINE is {text!r}: choose from {', '.join(ENGINES)}.")
    return engines[:NODES_MAX]
