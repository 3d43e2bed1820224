"""Policies of the organization that would refuse what Terraform makes, each by its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.inquiries import Wanted
from tools.preflight.project import APIS
from tools.preflight.shapes import Row, row, rows, strings, yes

CONTINENTS = frozenset(("africa", "asia", "australia", "europe", "southamerica", "us"))
"""Of Google's groups of places, those that hold exactly the regions whose names begin so."""


@dataclass(frozen=True)
class Constraint:
    """One policy, what it must allow, and what it is for."""

    needs: tuple[str, ...]
    """Values that must be allowed; none where it must only not be enforced."""
    sentence: str
    """What is to be allowed, after "have your organization's administrator"."""


def constraints(wanted: Wanted) -> dict[str, Constraint]:
    """By the policy's name."""
    machines = (f"projects/{wanted.project}/zones/{wanted.region}-b/instances/restream-ingest",)
    return {
        "run.managed.requireInvokerIam": Constraint(
            (), "let the api of this project be called without a check of its callers"
        ),
        "compute.vmExternalIpAccess": Constraint(
            machines, "let all machines of this project have public addresses"
        ),
        "gcp.resourceLocations": Constraint(
            (wanted.region,), f"let this project have resources in {wanted.region}"
        ),
        "gcp.restrictServiceUsage": Constraint(APIS, "let this project use the services it needs"),
        "gcp.restrictNonCmekServices": Constraint(
            APIS, "let this project keep data without keys of its own"
        ),
        "iam.disableServiceAccountCreation": Constraint(
            (), "let service accounts be made in this project"
        ),
        "run.allowedIngress": Constraint(
            ("all", "internal"), "let services of Cloud Run be called from anywhere and internally"
        ),
        "compute.trustedImageProjects": Constraint(
            ("projects/cos-cloud",), "let machines of this project boot Container-Optimized OS"
        ),
    }


def hindrances(name: str, constraint: Constraint, answer: object) -> Iterator[Hindrance]:
    """What an effective policy says of all that it must allow."""
    spec = row(row(answer).get("spec", {}))
    rules = rows(spec.get("rules", []))
    told = [_allows(rules, value) for value in constraint.needs or ("",)]
    if False in told:
        yield Hindrance(
            f"policy-{name}",
            Grade.REFUSED,
            f"The policy {name} refuses it: have your organization's administrator "
            f"{constraint.sentence}.",
        )
    elif None in told:
        yield Hindrance(
            "policy-unclear",
            Grade.UNTOLD,
            f"The policy {name} depends on tags or groups: have your organization's administrator "
            f"confirm that it does {constraint.sentence}.",
        )


def _allows(rules: list[Row], value: str) -> bool | None:
    """By all rules together; None where that hangs on what is not asked."""
    told = [_rule_allows(rule, value) for rule in rules]
    return False if False in told else None if None in told else True


def _rule_allows(rule: Row, value: str) -> bool | None:
    if "condition" in rule:
        return None
    if yes(rule, "denyAll"):
        return False
    if yes(rule, "enforce"):
        return False
    values = rule.get("values", {})
    denied = _is_among(strings(values, "deniedValues"), value)
    listed = strings(values, "allowedValues")
    allowed = _is_among(listed, value) if listed else True
    if denied is not False:
        return None if denied is None else False
    return allowed


def _is_among(values: list[str], value: str) -> bool | None:
    """None where a group or a subtree may hold it."""
    told = [_is_or_holds(each, value) for each in values]
    return True if True in told else None if None in told else False


def _is_or_holds(listed: str, value: str) -> bool | None:
    kind, _, rest = listed.partition(":")
    if kind not in ("in", "under"):
        return listed.removeprefix("is:") == value
    group = rest.removesuffix("-locations")
    if kind == "in" and group in CONTINENTS:
        return value.startswith(group)
    return group == value or None
