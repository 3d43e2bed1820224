"""What the documents say is what the code does."""

import json
import re
from pathlib import Path

import pytest

from agent import settings as agent_settings
from api.wire.nodes import HeartbeatIn, HeartbeatOut
from api.wire.streams import StreamOut
from coordinator.adapters.settings import (
    ApiSettings,
    CollectorSettings,
    PayoutSettings,
    ProberSettings,
)
from tests.unit.functions.conftest import settings

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
README = (ROOT / "README.md").read_text()


def _table_of(heading: str) -> set[str]:
    """The variables in the table below a heading."""
    section = ARCHITECTURE.split(f"## {heading}")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def test_every_setting_of_the_functions_is_documented_and_exists() -> None:
    """No variable is missing from the table, none stands there for nothing."""
    known = {
        name.upper()
        for model in (ApiSettings, CollectorSettings, ProberSettings, PayoutSettings)
        for name in model.model_fields
    }
    assert _table_of("Settings of the functions") == known


def test_every_setting_of_the_node_image_is_documented() -> None:
    """As its own help prints them."""
    documented = _table_of("Settings of the node image")
    source = Path(agent_settings.__file__).read_text()
    assert documented
    assert {name for name in documented if name not in source} == set()


def test_every_collection_is_in_the_table_and_exists() -> None:
    """As the deployment knows them: by database, `money:` for those of the other one."""
    databases = json.loads((ROOT / "terraform" / "queries.json").read_text())
    known = {
        (database, name)
        for database, part in databases.items()
        for name in (*part["queried"], *part["expiring"], *part["others"])
    }
    (table,) = re.findall(r"^\| collection \|.*?(?=^$)", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    told = {
        ("money" if cell.startswith("money:") else "(default)", name)
        for cell in re.findall(r"^\| ([^|]*`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`([a-z_]+)`", cell)
    }
    assert told == known


def test_every_route_is_in_the_api_page() -> None:
    """The page is rendered from the application itself; the app offers what docs promise."""
    from api.wiring import build_on  # noqa: PLC0415 - only this test needs the application
    from tests.doubles.memory import MemoryStore  # noqa: PLC0415 - likewise

    app = build_on(MemoryStore(), MemoryStore(), settings(), lambda: 0.0)
    paths = app.openapi()["paths"].keys()
    named = set(re.findall(r"`(?:GET|POST) (?:\{COORDINATOR_URL\})?(/[a-z][^` ]*)`", ARCHITECTURE))
    assert named
    assert {path for path in named if path not in paths} == set()


def test_examples_of_the_wire_contract_are_what_the_models_say() -> None:
    """Each holds every field of its model, and is accepted by it."""
    section = ARCHITECTURE.split("## Wire contract")[1].split("\n## ")[0]
    stream, beat, answer = map(json.loads, re.findall(r"```json\n(.*?)```", section, re.DOTALL)[:3])
    StreamOut.model_validate(stream)
    HeartbeatIn.model_validate(beat)
    HeartbeatOut.model_validate(answer)
    assert stream.keys() == StreamOut.model_fields.keys()
    assert answer.keys() == HeartbeatOut.model_fields.keys()


def test_every_make_verb_of_the_readme_exists() -> None:
    """And the readme stays short."""
    verbs = set(re.findall(r"`?make ([a-z-]+)`?", README))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "demo-once"} <= verbs <= targets | {"alone"}
    assert len(README.splitlines()) <= 150


PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(ROOT / part / "README.md" for part in ("emulator", "terraform")),
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Files and headings within the repository."""
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{target}: {slugs}"
