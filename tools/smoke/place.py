"""Where a network stands, by the address of its api."""

import re

from tools.preflight.inquiries import NAME
from tools.preflight.shapes import row, said
from tools.smoke.gcloud import Gcloud

API = re.compile(
    rf"https://{NAME}-api-(?P<number>\d{{6,19}})\.(?P<region>[a-z]+-[a-z]+\d+)\.run\.app"
)
"""As Terraform tells it (terraform/locals.tf): the project's number, and the region."""


def cloud_of(api: str, project: str, region: str, gcloud: Gcloud) -> tuple[str, str] | None:
    """The project's id and the region; None for a network that stands elsewhere.

    What is named goes before what the address says. Raises NotToldError."""
    found = API.fullmatch(api)
    region = region or (found["region"] if found else "")
    if project and region:
        return project, region
    if not (found and region):
        return None
    number = found["number"]
    return gcloud.read(_id, f"projects describe {number}", "--format=json(projectId)"), region


def _id(answer: object) -> str:
    return said(row(answer), "projectId")
