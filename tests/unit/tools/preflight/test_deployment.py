"""What preflight knows of terraform/ is what stands there."""

import json
import re
from functools import cache

import pytest

from tests.project import ROOT
from tools.preflight.inquiries import LEAST, NAME, Wanted
from tools.preflight.leftovers import DATABASES
from tools.preflight.org_policies import CONTINENTS
from tools.preflight.permissions import NEEDED
from tools.preflight.project import APIS, BEFORE_TERRAFORM, TERRAFORM
from tools.preflight.regions import CONTROL, DISK_GB

FOLDER = ROOT / "terraform"


@cache
def _file(name: str) -> str:
    return (FOLDER / name).read_text()


def _quoted(text: str) -> list[str]:
    return re.findall(r'"([^"]+)"', text)


def test_every_type_that_terraform_makes_has_its_permissions() -> None:
    """And none stands there that it does not make."""
    made = {
        kind
        for path in FOLDER.glob("*.tf")
        for kind in re.findall(r'^resource "(\w+)"', path.read_text(), re.MULTILINE)
        if kind.partition("_")[0] in ("google", "terraform")
    }
    assert NEEDED.keys() == made
    assert all(NEEDED[kind] for kind in made - {"google_billing_budget"})


def test_the_apis_are_those_that_terraform_enables() -> None:
    """And those that it asks through."""
    text = _file("apis.tf")
    (first,) = re.findall(r"first_apis = toset\((.+)\)", text)
    (all_others,) = re.findall(r'"apis" \{\n  for_each = toset\(\[(.+?)\]\)', text, re.DOTALL)
    assert tuple(_quoted(first)) == BEFORE_TERRAFORM
    assert tuple(_quoted(all_others)) == APIS


def test_names_that_may_be_taken_are_those_that_terraform_gives() -> None:
    """Databases, and what all names begin with."""
    assert f'name = "{NAME}"' in _file("locals.tf")
    assert json.loads(_file("queries.json")).keys() == {*DATABASES}
    assert re.search(
        r'"google_compute_network" "\w+" \{\n  name +=\ local\.name\n', _file("network.tf")
    )


def test_machines_are_those_that_terraform_makes() -> None:
    """Their types, disks, firewalls and addresses."""
    assert f'control = {{ type = "{CONTROL}",' in _file("machines.tf")
    assert f"disk_size_gb = {DISK_GB}\n" in _file("machines.tf")
    assert 'zone               = "${var.region}-b"' in _file("machines.tf")
    assert len(re.findall('resource "google_compute_firewall"', _file("network.tf"))) == 3
    assert len(re.findall('resource "google_compute_address"', _file("network.tf"))) == 1
    sizes = json.loads(_file("ingest_machines.json"))
    assert {size: table[0]["type"] for size, table in sizes.items()} == LEAST
    assert LEAST["small"] == Wanted.machine


def test_the_version_is_the_one_that_terraform_asks_for() -> None:
    """Of itself."""
    assert f'required_version = ">= {".".join(map(str, TERRAFORM))}"' in _file("versions.tf")


@pytest.mark.parametrize("continent", sorted(CONTINENTS))
def test_a_continent_begins_the_names_of_regions(continent: str) -> None:
    """Of some at least; a wrong name would refuse nobody."""
    assert re.search(rf'"{continent}-[a-z]+\d+"', _file("locals.tf"))
