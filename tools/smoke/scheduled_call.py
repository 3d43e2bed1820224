"""A job that Cloud Scheduler was told to call: what its function logs, and how the call ended."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tools.preflight.inquiries import NAME
from tools.preflight.shapes import NonsenseError, number, row, rows, text
from tools.smoke.gcloud import Gcloud
from tools.smoke.ground import ScheduledJob

SLACK_S = 5.0
"""By so much the api's clock, which says when it was called, may be ahead of the logs'."""
MEANINGS = {
    3: "it refuses the request, so look at the function's log",
    4: "it gave no answer in time, so look at the function's log",
    5: "its service is not there, so apply again",
    7: "Cloud Scheduler may not call it: grant restream-scheduler roles/run.invoker by an apply",
    13: "it answered an error, so look at the function's log",
    14: "it is not available, so look whether its newest revision starts",
    16: "the audience of its token is not the service, so apply again",
}
"""By gRPC's codes, which stand for the HTTP statuses of calls."""


@dataclass(frozen=True)
class ScheduledCall:
    """One, by a job's whole name, since an instant of the network's own clock."""

    gcloud: Gcloud
    job: ScheduledJob
    project: str
    where: str
    called_s: float

    def has_come_through(self) -> bool:
        """Whether the function has logged what it logs in the end."""
        since = datetime.fromtimestamp(self.called_s - SLACK_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = (
            'resource.type="cloud_run_revision" '
            f'resource.labels.service_name:"{NAME}-{self.job.function}" '
            f'jsonPayload.message="{self.job.function.event}" timestamp>="{since}"'
        )
        of, fields = f"--project={self.project}", "--format=json(timestamp)"
        found = self.gcloud.read(rows, "logging read", wanted, "--limit=1", of, fields)
        return bool(found)

    def failure(self) -> str:
        """As the scheduler knows it: sooner than any log, where nobody was reached."""
        code, attempted_s = self.gcloud.read(
            _outcome,
            f"scheduler jobs describe {self.job.id}",
            self.where,
            f"--project={self.project}",
            "--format=json(status,lastAttemptTime)",
        )
        if code <= 0 or attempted_s < self.called_s - SLACK_S:
            return ""
        meaning = MEANINGS.get(code, f"code {code}: look at the function's log")
        return f"{self.job.id} was called and failed: {meaning}."


def _outcome(answer: object) -> tuple[int, float]:
    """The code of the last call, and when it was made; -1 is one under way."""
    job = row(answer)
    status, attempted = row(job.get("status") or {}), text(job, "lastAttemptTime")
    try:
        at_s = datetime.fromisoformat(attempted).timestamp() if attempted else 0.0
    except ValueError:
        raise NonsenseError("lastAttemptTime is no instant") from None
    return int(number(status, "code")) if "code" in status else 0, at_s
