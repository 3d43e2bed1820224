"""Every failure that preflight knows, each by the answer that shows it; docs/ops.md lists them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from tests.project import ROOT
from tests.recorded_cloud import RECORDED, WANTED, Change, stand_in
from tools.preflight.commands import Fault, Heard
from tools.preflight.hindrances import Grade
from tools.preflight.topics import status, told

OPS = (ROOT / "docs" / "ops.md").read_text()


class Case(NamedTuple):
    """What was answered instead, what else was wanted, and words that must be told."""

    answered: Mapping[str, Change]
    says: str
    wanted: Mapping[str, Any] = {}
    grade: Grade = Grade.REFUSED


def _failed(error: str) -> Heard:
    return Heard(1, "", error)


def _with(**fields: object) -> Callable[[Any], object]:
    return lambda recorded: recorded | fields


def _policy(**rule: object) -> Change:
    return {"name": "projects/471100000001/policies/x", "spec": {"rules": [rule]}}


def _used(metric: str, usage: float) -> Callable[[Any], object]:
    def changed(recorded: Any) -> object:
        quotas = [
            each | {"usage": usage if each["metric"] == metric else each["usage"]}
            for each in recorded["quotas"]
        ]
        return recorded | {"quotas": quotas}

    return changed


def _database(name: str, mode: str = "FIRESTORE_NATIVE", place: str = "europe-west1") -> Change:
    whole = f"projects/my-network-4711/databases/{name}"
    return [{"name": whole, "type": mode, "locationId": place}]


POLICY, COMPUTE = "gcloud org-policies describe", "gcloud compute"
SIGNED_OUT = (  # recorded
    "ERROR: (gcloud.auth.application-default.print-access-token) Your default credentials were "
    "not found. To set up Application Default Credentials, see https://cloud.google.com/docs"
)
OFF = (
    "ERROR: (gcloud.billing.projects.describe) PERMISSION_DENIED: Cloud Billing API has not been "
    "used in project 4711 before or it is disabled. Enable it by visiting https://console."
    "developers.google.com/apis/api/cloudbilling.googleapis.com/overview then retry."
)
UNSEEN = (
    "ERROR: (gcloud.projects.describe) [ops@example.org] does not have permission to access "
    "projects instance [my-network-4711] (or it may not exist): The caller does not have permission"
)
DENIED = "ERROR: (gcloud.secrets.list) PERMISSION_DENIED: Permission denied on resource"

CASES: dict[str, Case] = {
    "terraform-missing": Case(
        {"terraform version": Heard(fault=Fault.MISSING)}, "terraform is not on PATH: install it"
    ),
    "terraform-old": Case(
        {"terraform version": _with(terraform_version="1.9.8")}, "Terraform 1.9.8 is too old"
    ),
    "gcloud-missing": Case(
        {"gcloud version": Heard(fault=Fault.MISSING)}, "https://cloud.google.com/sdk/docs/install"
    ),
    "gcloud-signed-out": Case({"gcloud auth list": []}, "`gcloud auth login`"),
    "terraform-signed-out": Case(
        {"gcloud auth application-default": _failed(SIGNED_OUT)},
        "`gcloud auth application-default login`",
    ),
    "project-unreachable": Case(
        {"gcloud projects describe": _failed(UNSEEN)}, "There is no project my-network-4711"
    ),
    "project-by-number": Case(
        {"gcloud projects describe": _with(projectId="radio-4711")}, "write radio-4711"
    ),
    "project-deleted": Case(
        {"gcloud projects describe": _with(lifecycleState="DELETE_REQUESTED")},
        "`gcloud projects undelete my-network-4711`",
    ),
    "billing-off": Case(
        {"gcloud billing projects": _with(billingEnabled=False)},
        "`gcloud billing projects link my-network-4711 --billing-account=ACCOUNT`",
    ),
    "billing-closed": Case({"gcloud billing accounts": _with(open=False)}, "Our radio is closed"),
    "budget-currency": Case({}, 'set `currency = "EUR"`', {"currency": "USD"}),
    "permission-missing": Case(
        {"POST": {"permissions": ["run.services.create"]}},
        "lacks artifactregistry.dockerimages.list, artifactregistry.repositories.create, ",
    ),
    "first-apis-off": Case(
        {
            "gcloud services": lambda all_of_them: [
                each
                for each in all_of_them
                if each["config"]["name"].split(".")[0] != "serviceusage"
            ]
        },
        "`gcloud services enable serviceusage.googleapis.com --project=my-network-4711`",
    ),
    "apis-off": Case(
        {
            "gcloud services": lambda all_of_them: [
                each for each in all_of_them if each["config"]["name"].split(".")[0] != "compute"
            ]
        },
        "`gcloud services enable compute.googleapis.com --project=my-network-4711`",
        grade=Grade.UNTOLD,
    ),
    "policy-run.managed.requireInvokerIam": Case(
        {f"{POLICY} run.managed": _policy(enforce=True)},
        "run.managed.requireInvokerIam refuses it: have your organization's administrator let the "
        "api of this project be called without",
    ),
    "policy-compute.vmExternalIpAccess": Case(
        {f"{POLICY} compute.vm": _policy(denyAll=True)}, "have public addresses"
    ),
    "policy-gcp.resourceLocations": Case(
        {f"{POLICY} gcp.resource": _policy(values={"allowedValues": ["in:us-locations"]})},
        "let this project have resources in europe-west1",
    ),
    "policy-gcp.restrictServiceUsage": Case(
        {
            f"{POLICY} gcp.restrictService": _policy(
                values={"deniedValues": ["cloudscheduler.googleapis.com"]}
            )
        },
        "use the services it needs",
    ),
    "policy-gcp.restrictNonCmekServices": Case(
        {
            f"{POLICY} gcp.restrictNon": _policy(
                values={"deniedValues": ["is:storage.googleapis.com"]}
            )
        },
        "without keys of its own",
    ),
    "policy-iam.disableServiceAccountCreation": Case(
        {f"{POLICY} iam.disable": _policy(enforce=True)}, "let service accounts be made"
    ),
    "policy-run.allowedIngress": Case(
        {f"{POLICY} run.allowed": _policy(values={"allowedValues": ["is:internal"]})},
        "be called from anywhere",
    ),
    "policy-compute.trustedImageProjects": Case(
        {f"{POLICY} compute.trusted": _policy(values={"allowedValues": ["projects/ours"]})},
        "boot Container-Optimized OS",
    ),
    "policy-unclear": Case(
        {f"{POLICY} gcp.resource": _policy(values={"allowedValues": ["in:eu-locations"]})},
        "gcp.resourceLocations depends on tags or groups",
        grade=Grade.UNTOLD,
    ),
    "no-cloud-run": Case(
        {"gcloud run regions": [{"locationId": "us-east1"}]}, "Cloud Run is not in europe-west1"
    ),
    "no-cloud-scheduler": Case(
        {"gcloud scheduler": []},
        "Cloud Scheduler is not in us-west8: choose another scheduler_region",
        {"scheduler_region": "us-west8"},
    ),
    "no-firestore": Case(
        {"gcloud firestore locations": []},
        "Firestore is not in nam5: choose another firestore_location",
        {"firestore_location": "nam5"},
    ),
    "no-artifact-registry": Case({"gcloud artifacts": []}, "Artifact Registry is not in"),
    "region-closed": Case(
        {f"{COMPUTE} regions": _with(status="DOWN")}, "europe-west1 takes no machines now"
    ),
    "no-machine-type": Case(
        {f"{COMPUTE} machine-types": [{"name": "e2-small", "guestCpus": 2}]},
        "europe-west1-b has no machine e2-standard-2: choose another ingest_machine",
    ),
    "quota-cpus": Case(
        {f"{COMPUTE} regions": _used("CPUS", 21.0)},
        "CPUS in europe-west1 has 3 free, and 4 are needed",
    ),
    "quota-cpus-all-regions": Case(
        {f"{COMPUTE} project-info": _used("CPUS_ALL_REGIONS", 12.0)},
        "CPUS_ALL_REGIONS in all regions has 0 free, and 4 are needed",
    ),
    "quota-in-use-addresses": Case(
        {f"{COMPUTE} regions": _used("IN_USE_ADDRESSES", 3.0)}, "1 free, and 2 are needed"
    ),
    "quota-static-addresses": Case(
        {f"{COMPUTE} regions": _used("STATIC_ADDRESSES", 4.0)}, "0 free, and 1 are needed"
    ),
    "quota-instances": Case(
        {f"{COMPUTE} regions": _used("INSTANCES", 23.0)}, "1 free, and 2 are needed"
    ),
    "quota-ssd-total-gb": Case(
        {f"{COMPUTE} regions": _used("SSD_TOTAL_GB", 231.0)}, "19 free, and 20 are needed"
    ),
    "quota-networks": Case(
        {f"{COMPUTE} project-info": _used("NETWORKS", 5.0)}, "NETWORKS in all regions has 0 free"
    ),
    "quota-firewalls": Case(
        {f"{COMPUTE} project-info": _used("FIREWALLS", 98.0)}, "2 free, and 3 are needed"
    ),
    "database-mode": Case(
        {"gcloud firestore databases": _database("(default)", mode="DATASTORE_MODE")},
        "The database (default) is of DATASTORE_MODE",
    ),
    "database-place": Case(
        {"gcloud firestore databases": _database("money", place="eur3")},
        'set `firestore_location = "eur3"`',
    ),
    "database-left": Case(
        {"gcloud firestore databases": _database("(default)")},
        "`terraform import 'google_firestore_database.databases[\"(default)\"]' "
        "'projects/my-network-4711/databases/(default)'`",
        grade=Grade.TO_DO,
    ),
    "accounts-left": Case(
        {
            "gcloud iam service-accounts": [
                {"email": "restream-api@my-network-4711.iam.gserviceaccount.com"}
            ]
        },
        "The service accounts restream-api of my-network-4711 exist",
        grade=Grade.TO_DO,
    ),
    "secrets-left": Case(
        {"gcloud secrets": [{"name": "projects/471100000001/secrets/restream-lottery-key"}]},
        "The secrets restream-lottery-key",
        grade=Grade.TO_DO,
    ),
    "network-left": Case(
        {f"{COMPUTE} networks": [{"name": "restream"}]}, "The network restream", grade=Grade.TO_DO
    ),
    "api-off": Case(
        {"gcloud billing projects": _failed(OFF)},
        "`gcloud services enable cloudbilling.googleapis.com`",
        grade=Grade.UNTOLD,
    ),
    "may-not-ask": Case(
        {"gcloud secrets": _failed(DENIED)}, "have an owner give it Viewer", grade=Grade.UNTOLD
    ),
    "no-answer": Case(
        {"gcloud secrets": Heard(fault=Fault.SLOW)},
        "`gcloud secrets list --project=my-network-4711 --filter=name:restream- "
        "--format=json(name)` gave no answer within 60 s",
        grade=Grade.UNTOLD,
    ),
    "too-large": Case(
        {"gcloud secrets": Heard(fault=Fault.LARGE)}, "more than 4 MiB", grade=Grade.UNTOLD
    ),
    "failed": Case(
        {"gcloud secrets": _failed(f"\n Traceback\x1b[2J{'…' * 500}\n more")},
        f"see why: Traceback[2J{'…' * 187}",
        grade=Grade.UNTOLD,
    ),
    "nonsense": Case({"gcloud secrets": "Hello."}, "(no JSON): report it", grade=Grade.UNTOLD),
}
"""By the code. Each is the only thing that is in the way."""


@pytest.mark.parametrize("code", CASES)
def test_a_failure_is_told_with_what_to_do(code: str) -> None:
    """It alone, in one sentence, and the status says whether an apply would fail."""
    case = CASES[code]
    telling = told(stand_in(case.answered), replace(WANTED, **case.wanted))
    (found,) = [each for each in telling if each.hindrances]
    (hindrance,) = found.hindrances
    assert (hindrance.code, hindrance.grade) == (code, case.grade)
    assert case.says in hindrance.sentence
    assert hindrance.sentence.endswith(".") or code == "failed"
    assert len(hindrance.sentence) < 500
    assert status(telling, False) == (2 if case.grade is Grade.UNTOLD else 1)
    assert status(telling, True) == (1 if case.grade is Grade.REFUSED else 0)


FINE: dict[str, dict[str, Change]] = {
    "exactly enough processors": {f"{COMPUTE} regions": _used("CPUS", 20.0)},
    "a quota that is not told": {f"{COMPUTE} project-info": {"quotas": []}},
    "somebody else's database": {"gcloud firestore databases": _database("archive", place="eur3")},
    "another network": {f"{COMPUTE} networks": [{"name": "restreaming"}]},
    "an account without a currency": {"gcloud billing accounts": _with(currencyCode=None)},
    "the newest Terraform": {"terraform version": _with(terraform_version="2.0.0-beta1")},
    "APIs by their whole names": {
        "gcloud services": lambda all_of_them: [
            {"name": f"projects/471100000001/services/{each['config']['name']}"}
            for each in all_of_them
        ]
    },
}


@pytest.mark.parametrize("what", FINE)
def test_what_is_in_nobody_s_way_is_not_told(what: str) -> None:
    """Whatever the currency of the budget."""
    telling = told(stand_in(FINE[what]), replace(WANTED, currency="EUR"))
    assert [each for each in telling if each.hindrances] == []


def test_an_empty_project_that_is_well_has_nothing_in_its_way() -> None:
    """All that was recorded is asked for, once each."""
    asked: list[str] = []
    telling = told(stand_in({}, asked), WANTED)
    assert [each for each in telling if each.hindrances] == []
    assert sorted(asked) == sorted(RECORDED)
    assert status(telling, False) == status(telling, True) == 0


def test_the_table_of_the_documents_is_all_that_can_be_told() -> None:
    """Each code has its row there, and its case here."""
    section = OPS.split("\n### What preflight tells\n")[1].split("\n##")[0]
    rows = set(re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE))
    assert rows == CASES.keys()
    assert len(rows) >= 20


def test_no_code_is_without_a_case() -> None:
    """Those that stand in the source as they are told."""
    source = "".join(
        path.read_text() for path in sorted((ROOT / "tools" / "preflight").glob("*.py"))
    )
    written = set(
        re.findall(
            r'(?:Hindrance\(|for code.*in \(|^ +\()\s*"([a-z]+(?:-[a-z]+)+)"', source, re.MULTILINE
        )
    )
    assert len(written) > 20
    assert written <= CASES.keys()
