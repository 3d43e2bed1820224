"""The cloud: what is there is asked of Google by gcloud, and nothing is taken from Terraform."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

from tools.preflight.inquiries import NAME
from tools.preflight.shapes import Row, row, rows, said, text
from tools.smoke.gcloud import Gcloud
from tools.smoke.ground import Call, CalledFunction, CloudMachine, Database, ScheduledJob
from tools.smoke.results import NotToldError, WrongError
from tools.smoke.scheduled_call import ScheduledCall
from tools.smoke.web import Web


@dataclass(frozen=True)
class CloudService:
    """One of Cloud Run's."""

    name: str
    url: str
    identity: str
    env: Mapping[str, str]

    @property
    def function(self) -> str:
        """The part of the network that it is: all parts of the prober are one."""
        return self.name.removeprefix(f"{NAME}-").rstrip("-0123456789")


class Cloud:
    """A project in a region, asked by whoever is signed in."""

    def __init__(
        self,
        gcloud: Gcloud,
        project: str,
        region: str,
        clock: Callable[[], float],
        web: Web,
    ) -> None:
        """`clock`: Google's own, as its logs are dated."""
        self._gcloud, self._clock, self._web = gcloud, clock, web
        self._of, self._project, self._region = f"--project={project}", project, region

    def jobs(self) -> Sequence[ScheduledJob]:
        """As the api has been told them."""
        names = self._service("api").env.get("SCHEDULER_JOBS", "")
        found = [_job(name) for name in filter(None, names.split(","))]
        lacking = set(CalledFunction) - {job.function for job in found}
        if lacking:
            raise WrongError(
                "jobs-missing",
                f"{NAME}-api knows no job of {', '.join(sorted(lacking))}: apply again.",
            )
        order = list(CalledFunction)
        return sorted(found, key=lambda job: (order.index(job.function), job.name))

    def call(self, job: ScheduledJob) -> Call:
        """`gcloud scheduler jobs run`, which calls paused jobs too."""
        called_s, where = self._clock(), f"--location={job.name.split('/')[3]}"
        heard = self._gcloud.heard(f"scheduler jobs run {job.id}", where, self._of)
        if heard.status:
            says = heard.error.strip().splitlines()[-1:] or ["it said nothing"]
            raise WrongError("job-not-called", f"{job.id} could not be called: {says[0]}")
        return ScheduledCall(self._gcloud, job, self._project, where, called_s)

    def doors(self) -> Mapping[str, int]:
        """Of all but the api."""
        for function in CalledFunction:
            self._service(function)
        closed = [each for each in self._services if each.function in set(CalledFunction)]
        return {each.name: self._web.stranger(each.url) for each in closed}

    def databases(self) -> Sequence[Database]:
        """By a token that Google lends: the prober must not reach the tokens."""
        env = self._service("api").env
        measurements = env.get("MEASUREMENT_DATABASE", "(default)")
        money = env.get("MONEY_DATABASE", "money")
        token = self._prober_token()

        def asked(name: str, collection: str) -> Database:
            of = f"projects/{self._project}/databases/{name}/documents/{collection}"
            return Database(
                name, name == measurements, self._web.reader(f"v1/{of}?pageSize=1", token)
            )

        return [asked(measurements, "streams"), asked(money, "accounts")]

    def machines(self) -> Sequence[CloudMachine]:
        """Of every group that is ours, whatever it holds."""
        groups = self._gcloud.read(
            _groups,
            "compute instance-groups managed list",
            self._of,
            f"--filter=name~^{NAME}-",
            "--format=json(name,zone)",
        )
        if not groups:
            raise WrongError(
                "no-machines", f"{self._project} has no machines of {NAME}: apply again."
            )
        return [machine for name, zone in groups for machine in self._machines_of(name, zone)]

    def relaying(self, stream_id: str) -> AbstractContextManager[None]:
        """The known-good control node takes whatever stream lacks nodes."""
        return nullcontext()

    def _machines_of(self, group: str, zone: str) -> list[CloudMachine]:
        found = self._gcloud.read(
            _machines,
            f"compute instance-groups managed list-instances {group}",
            f"--zone={zone}",
            self._of,
            "--format=json(instance,instanceStatus,instanceHealth)",
        )
        return found or [CloudMachine(group, "missing", "")]

    def _prober_token(self) -> str:
        identity = self._service("prober").identity
        as_prober = f"--impersonate-service-account={identity}"
        try:
            return self._gcloud.text("auth print-access-token", as_prober).strip()
        except NotToldError as error:
            if error.code != "may-not-ask":
                raise
            grant = f"gcloud iam service-accounts add-iam-policy-binding {identity} {self._of}"
            raise NotToldError(
                "no-impersonation",
                f"You may not act as the prober: `{grant} --member=user:YOU "
                "--role=roles/iam.serviceAccountTokenCreator`, wait a minute, and run it again.",
            ) from error

    @cached_property
    def _services(self) -> list[CloudService]:
        return self._gcloud.read(
            _services,
            "run services list",
            self._of,
            f"--region={self._region}",
            "--format=json(metadata.name,status.url,spec.template.spec)",
        )

    def _service(self, function: str) -> CloudService:
        found = [each for each in self._services if each.name == f"{NAME}-{function}"]
        if not found:
            raise WrongError(
                "service-missing",
                f"{self._project} has no {NAME}-{function} in {self._region}: apply again, or "
                "name its PROJECT and REGION.",
            )
        return found[0]


def _job(name: str) -> ScheduledJob:
    function = name.rpartition("/")[2].removeprefix(f"{NAME}-").partition("-")[0]
    try:
        return ScheduledJob(name, CalledFunction(function))
    except ValueError:
        says = f"{NAME}-api knows a job that nothing here is called by: {name}. Report it."
        raise NotToldError("nonsense", says) from None


def _services(answer: object) -> list[CloudService]:
    return [_service(each) for each in rows(answer)]


def _service(of: Row) -> CloudService:
    spec = row(row(row(of.get("spec")).get("template")).get("spec"))
    container = next(iter(rows(spec.get("containers"))), {})
    return CloudService(
        said(of, "metadata", "name"),
        text(of, "status", "url"),
        text(spec, "serviceAccountName"),
        {said(each, "name"): text(each, "value") for each in rows(container.get("env", []))},
    )


def _groups(answer: object) -> list[tuple[str, str]]:
    return [(said(each, "name"), said(each, "zone").rpartition("/")[2]) for each in rows(answer)]


def _machines(answer: object) -> list[CloudMachine]:
    return [
        CloudMachine(
            said(each, "instance").rpartition("/")[2],
            said(each, "instanceStatus"),
            ",".join(text(check, "detailedHealthState") or "UNKNOWN" for check in _checks(each)),
        )
        for each in rows(answer)
    ]


def _checks(of: Row) -> list[Row]:
    return rows(of.get("instanceHealth") or [])
