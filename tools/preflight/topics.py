"""What preflight tells about, in the order in which people would mend it, and who judges it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from tools.preflight import leftovers, org_policies, permissions, project, regions, unheard
from tools.preflight.commands import Ask, Heard
from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.inquiries import (
    POLICY,
    TOOLS,
    Inquiry,
    Wanted,
    of_account,
    of_project,
    of_services,
)
from tools.preflight.shapes import NonsenseError

Judged = Callable[..., Iterable[Hindrance]]
Answers = dict[str, object]


@dataclass(frozen=True)
class Topic:
    """One matter, and what stands in the way there: nothing is fine."""

    name: str
    hindrances: tuple[Hindrance, ...]


class _Telling:
    """Keeps what was asked and answered, and judges topic by topic."""

    def __init__(self, ask: Ask, wanted: Wanted) -> None:
        self._ask, self._wanted = ask, wanted
        self._inquiries: dict[str, Inquiry] = {}
        self._heard: dict[str, Heard] = {}
        self._token, self._failed = "", set[str]()
        self.answers: Answers = {}
        self.told: list[Topic] = []

    def ask(self, inquiries: Iterable[Inquiry]) -> None:
        """Several at once; a token is kept apart from what is judged."""
        asked = {each.name: each for each in inquiries}
        self._inquiries |= asked
        heard = dict(self._ask(tuple(asked.values()), self._token))
        if "token" in heard:
            self._token = heard["token"].text.strip()
        self._heard |= heard

    def judge(self, topic: str, names: Iterable[str], judged: Judged) -> bool:
        """Whether nothing at all is in the way. What was not asked, or is told, is passed over."""
        names = tuple(names)
        if not self._heard.keys() - self._failed >= {*names}:
            return False
        found = [each for name in names for each in self._parsed(name)]
        if not found:
            found = list(self._by(judged, names))
        self.told.append(Topic(topic, tuple(found)))
        return not found

    def is_understood(self, name: str) -> bool:
        """Whether there is an answer, of the shape that its judge expects."""
        return name in self.answers and name not in self._failed

    def _parsed(self, name: str) -> Iterator[Hindrance]:
        for hindrance in self._misheard(name):
            self._failed.add(name)
            yield hindrance

    def _misheard(self, name: str) -> Iterator[Hindrance]:
        inquiry, heard = self._inquiries[name], self._heard[name]
        if heard.fault or heard.status:
            yield unheard.hindrance(inquiry, heard)
        elif name == "token":
            if not self._token:
                yield unheard.nonsense([inquiry], "no token")
        else:
            try:
                self.answers[name] = json.loads(heard.text)
            except (ValueError, RecursionError):
                yield unheard.nonsense([inquiry], "no JSON")

    def _by(self, judged: Judged, names: tuple[str, ...]) -> Iterator[Hindrance]:
        try:
            yield from judged(*(self.answers[name] for name in names if name != "token"))
        except NonsenseError as error:
            self._failed |= {*names}
            yield unheard.nonsense([self._inquiries[name] for name in names], str(error))


def told(ask: Ask, wanted: Wanted) -> list[Topic]:
    """Everything that can be told; what stands on what failed is not asked."""
    telling = _Telling(ask, wanted)
    telling.ask(TOOLS)
    telling.judge("terraform", ["terraform"], project.of_terraform)
    is_there = telling.judge("gcloud", ["gcloud"], project.of_gcloud)
    is_in = is_there and telling.judge("account", ["account"], project.of_account)
    has_token = is_there and telling.judge("terraform's sign-in", ["token"], lambda: ())
    if is_in:
        _of_project(telling, wanted, has_token)
    return telling.told


def _of_project(telling: _Telling, wanted: Wanted, has_token: bool) -> None:
    asked = of_project(wanted)
    telling.ask(each for each in asked if has_token or each.name != "permissions")
    is_seen = telling.judge("project", ["project"], partial(project.of_project, wanted=wanted))
    if not is_seen:
        telling.told[-1] = _unseen(telling.told[-1], wanted)
        return
    if telling.judge("billing", ["billing"], partial(project.of_billing, wanted=wanted)):
        telling.ask([of_account(project.billing_account(telling.answers["billing"]))])
        judged = partial(project.of_billing_account, wanted=wanted)
        telling.judge("billing account", ["billing account"], judged)
    judged = partial(permissions.hindrances, project=wanted.project)
    telling.judge("permissions", ["permissions"], judged)
    telling.judge("apis", ["apis"], partial(project.of_apis, wanted=wanted))
    if telling.is_understood("apis"):
        _of_services(telling, wanted, project.enabled_apis(telling.answers["apis"]))


def _unseen(of_project: Topic, wanted: Wanted) -> Topic:
    """Google does not tell a project that is not there from one that may not be seen."""
    codes = {each.code for each in of_project.hindrances}
    return (
        Topic("project", (project.unreachable(wanted),)) if "may-not-ask" in codes else of_project
    )


def _of_services(telling: _Telling, wanted: Wanted, enabled: frozenset[str]) -> None:
    policies = org_policies.constraints(wanted)
    asked = of_services(wanted, policies)
    telling.ask(each for each in asked if not each.api or each.api in enabled)
    for name, constraint in policies.items():
        judged = partial(org_policies.hindrances, name, constraint)
        telling.judge(f"{POLICY}{name}", [f"{POLICY}{name}"], judged)
    for name in regions.SERVICES:
        telling.judge(name, [name], partial(_of_service, name, wanted))
    telling.judge("region", ["region"], partial(regions.of_region, wanted=wanted))
    telling.judge("machine types", ["machine types"], partial(regions.of_machines, wanted=wanted))
    is_told = telling.judge("services", ["services"], project.of_services)
    if not (
        is_told and project.is_deployed(telling.answers["services"])
    ):  # what runs has taken its names and its quotas itself
        _of_room(telling, wanted)


def _of_service(name: str, wanted: Wanted, answer: object) -> Iterable[Hindrance]:
    return regions.of_service(name, answer, wanted)


def _of_room(telling: _Telling, wanted: Wanted) -> None:
    counted = ["region", "project quotas", "machine types"]
    telling.judge("quotas", counted, partial(regions.of_quotas, wanted=wanted))
    telling.judge("databases", ["databases"], partial(leftovers.of_databases, wanted=wanted))
    named = ["identities", "secrets", "networks"]
    telling.judge("names", named, partial(leftovers.of_names, wanted=wanted))


def status(topics: Iterable[Topic], is_gate: bool) -> int:
    """1 where an apply would fail, 2 where that cannot be told; a gate lets the latter pass."""
    grades = {each.grade for topic in topics for each in topic.hindrances}
    if is_gate:
        return 1 if Grade.REFUSED in grades else 0
    return 1 if grades & {Grade.REFUSED, Grade.TO_DO} else 2 if Grade.UNTOLD in grades else 0


def document(topics: Iterable[Topic]) -> dict[str, list[Mapping[str, str]]]:
    """As build/preflight.json has it."""
    fine = Hindrance("", Grade.FINE, "")
    return {
        "rows": [
            {"name": topic.name, "value": each.grade, "code": each.code, "sentence": each.sentence}
            for topic in topics
            for each in topic.hindrances or (fine,)
        ]
    }
