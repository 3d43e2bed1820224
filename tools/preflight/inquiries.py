"""What preflight asks, as command lines. None of them makes, changes or enables anything."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tools.preflight.permissions import NEEDED

NAME = "restream"
"""What every name in the project begins with: terraform/locals.tf."""
POST = "POST"
"""In the place of a program: gcloud has no command for it, so the API itself is asked."""
RESOURCES = "https://cloudresourcemanager.googleapis.com"
LEAST = {"small": "e2-micro", "large": "e2-small"}
"""The ingest's machine of each size, where little is expected: terraform/ingest_machines.json."""


@dataclass(frozen=True)
class Wanted:
    """What would be applied; the defaults are Terraform's."""

    project: str
    region: str
    firestore_location: str = ""
    """Empty is the region."""
    scheduler_region: str = ""
    """Likewise."""
    is_large: bool = False
    """Whether the control nodes have a machine of their own."""
    machine: str = LEAST["small"]
    has_control_nodes: bool = True
    currency: str = ""
    """Of the budget; empty if there is none, or if the account's own is taken."""

    @property
    def database_place(self) -> str:
        """Where both databases are to be."""
        return self.firestore_location or self.region

    @property
    def jobs_region(self) -> str:
        """Where Cloud Scheduler's jobs are to be."""
        return self.scheduler_region or self.region


class Inquiry(NamedTuple):
    """One command, and the API that has to be on for it to answer."""

    name: str
    argv: tuple[str, ...]
    api: str = ""

    @property
    def line(self) -> str:
        """As people would type it."""
        return " ".join(self.argv[:2] if self.argv[0] == POST else self.argv)


TOOLS = (
    Inquiry("terraform", ("terraform", "version", "-json")),
    Inquiry("gcloud", ("gcloud", "version", "--format=json")),
    Inquiry("account", ("gcloud", "auth", "list", "--filter=status:ACTIVE", "--format=json")),
    Inquiry("token", ("gcloud", "auth", "application-default", "print-access-token")),
)
POLICY = "policy "
"""What the names of these inquiries begin with."""


def of_project(wanted: Wanted) -> tuple[Inquiry, ...]:
    """Whether the project is there and paid for, and what may be done in it."""
    project = wanted.project
    url = f"{RESOURCES}/v1/projects/{project}:testIamPermissions"
    asked = json.dumps({"permissions": sorted(set().union(*NEEDED.values()))})
    return (
        _gcloud("project", f"projects describe {project}"),
        _gcloud("billing", f"billing projects describe {project}"),
        _gcloud("apis", f"services list --enabled --project={project}", "config.name"),
        Inquiry("permissions", (POST, url, asked)),
    )


def of_account(account: str) -> Inquiry:
    """The billing account's state and its currency."""
    return _gcloud("billing account", f"billing accounts describe {account}")


def of_services(wanted: Wanted, policies: Iterable[str]) -> tuple[Inquiry, ...]:
    """What each service has, where, and how much of it."""
    of, region = f"--project={wanted.project}", wanted.region
    zone, types = f"{region}-b", f"--filter=name=({wanted.machine} e2-small)"
    machines = _gcloud("machine types", f"compute machine-types list {of} --zones={zone}")
    return (
        *(_gcloud(f"{POLICY}{name}", f"org-policies describe {name} {of} --effective")
          for name in policies),
        _gcloud("run regions", f"run regions list {of}", "locationId", api="run"),
        _gcloud("scheduler regions", f"scheduler locations list {of}", "locationId",
                api="cloudscheduler"),
        _gcloud("firestore regions", f"firestore locations list {of}", "locationId",
                api="firestore"),
        _gcloud("registry regions", f"artifacts locations list {of}", "name",
                api="artifactregistry"),
        _gcloud("region", f"compute regions describe {region} {of}", "name,status,quotas",
                api="compute"),
        _gcloud("project quotas", f"compute project-info describe {of}", "quotas", api="compute"),
        machines._replace(argv=(*machines.argv[:-1], types, "--format=json(name,guestCpus)"),
                          api="compute.googleapis.com"),
        _gcloud("services", f"run services list {of} --region={region}", "metadata.name",
                api="run"),
        _gcloud("databases", f"firestore databases list {of}", "name,type,locationId",
                api="firestore"),
        _gcloud("identities", f"iam service-accounts list {of} --filter=email:{NAME}-", "email",
                api="iam"),
        _gcloud("secrets", f"secrets list {of} --filter=name:{NAME}-", "name",
                api="secretmanager"),
        _gcloud("networks", f"compute networks list {of} --filter=name={NAME}", "name",
                api="compute"),
    )  # fmt: skip


def _gcloud(name: str, command: str, fields: str = "", api: str = "") -> Inquiry:
    """`fields` keeps the answer small: what nobody reads is not sent for."""
    shown = f"--format=json({fields})" if fields else "--format=json"
    service = f"{api}.googleapis.com" if api else ""
    return Inquiry(name, ("gcloud", *command.split(), shown), service)
