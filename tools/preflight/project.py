"""The machine, who is signed in, the project, who pays, and which APIs are on."""

import re
from collections.abc import Iterator

from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.inquiries import Wanted
from tools.preflight.shapes import row, rows, said, text, yes

TERRAFORM = (1, 11)
"""terraform/versions.tf asks for it."""
BEFORE_TERRAFORM = ("cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com")
"""Terraform asks through these two, so it cannot enable them."""
APIS = (
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
)
"""What terraform/apis.tf enables; a test holds both together."""


def of_terraform(answer: object) -> Iterator[Hindrance]:
    """Its version."""
    version = said(row(answer), "terraform_version")
    found = re.match(r"(\d+)\.(\d+)\.", version)
    if not found or (int(found[1]), int(found[2])) < TERRAFORM:
        yield Hindrance(
            "terraform-old",
            Grade.REFUSED,
            f"Terraform {version} is too old: install 1.11 or later.",
        )


def of_gcloud(answer: object) -> Iterator[Hindrance]:
    """That it is gcloud; any version that has these commands will do."""
    said(row(answer), "Google Cloud SDK")
    yield from ()


def of_account(answer: object) -> Iterator[Hindrance]:
    """Whose answers gcloud's are."""
    if not any(text(each, "account") for each in rows(answer)):
        yield Hindrance(
            "gcloud-signed-out", Grade.REFUSED, "gcloud is not signed in: `gcloud auth login`."
        )


def of_project(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """That it is alive, and that it is named by its id."""
    named, state = said(row(answer), "projectId"), said(row(answer), "lifecycleState")
    if named != wanted.project:
        yield Hindrance(
            "project-by-number",
            Grade.REFUSED,
            f"{wanted.project} is not the project's id: write {named}.",
        )
    if state != "ACTIVE":
        yield Hindrance(
            "project-deleted",
            Grade.REFUSED,
            f"{wanted.project} is being deleted ({state}): take another project, or "
            f"`gcloud projects undelete {wanted.project}`.",
        )


def unreachable(wanted: Wanted) -> Hindrance:
    """Google does not say whether a project is not there or not to be seen."""
    return Hindrance(
        "project-unreachable",
        Grade.REFUSED,
        f"There is no project {wanted.project} that your account may see: correct PROJECT, or have "
        "its owner give you the role Owner.",
    )


def billing_account(answer: object) -> str:
    """The account's id; empty where nobody pays."""
    billing = row(answer)
    name = text(billing, "billingAccountName").removeprefix("billingAccounts/")
    return name if yes(billing, "billingEnabled") else ""


def of_billing(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """Whether somebody pays for the project."""
    if not billing_account(answer):
        yield Hindrance(
            "billing-off",
            Grade.REFUSED,
            f"Nobody pays for {wanted.project}: `gcloud billing projects link {wanted.project} "
            "--billing-account=ACCOUNT`, with one of `gcloud billing accounts list`.",
        )


def of_billing_account(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """That it is open, and that the budget counts in its currency."""
    account = row(answer)
    currency = text(account, "currencyCode")
    if not yes(account, "open"):
        yield Hindrance(
            "billing-closed",
            Grade.REFUSED,
            f"The billing account {text(account, 'displayName')} is closed: open it again in the "
            "console, or link another one.",
        )
    if wanted.currency and currency and wanted.currency != currency:
        yield Hindrance(
            "budget-currency",
            Grade.REFUSED,
            f"The billing account counts in {currency}, the budget in {wanted.currency}: set "
            f'`currency = "{currency}"` in it.',
        )


def enabled_apis(answer: object) -> frozenset[str]:
    """By their whole names."""
    names = (text(each, "config", "name") or text(each, "name") for each in rows(answer))
    return frozenset(name.rpartition("/")[2] for name in names)


def of_apis(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """What must be on before Terraform, and what preflight cannot ask before it is."""
    on = enabled_apis(answer)
    for code, grade, names, why in (
        ("first-apis-off", Grade.REFUSED, BEFORE_TERRAFORM, "Terraform cannot ask without them"),
        ("apis-off", Grade.UNTOLD, APIS, "what needs them was not asked"),
    ):
        if off := [name for name in names if name not in on]:
            line = f"gcloud services enable {' '.join(off)} --project={wanted.project}"
            yield Hindrance(code, grade, f"APIs are off, and {why}: `{line}`.")


def of_services(answer: object) -> Iterator[Hindrance]:
    """Whatever runs there is in nobody's way."""
    is_deployed(answer)
    yield from ()


def is_deployed(services: object) -> bool:
    """Whether a network runs here: then what is taken is taken by itself."""
    names = (said(each, "metadata", "name") for each in rows(services))
    return "restream-api" in names
