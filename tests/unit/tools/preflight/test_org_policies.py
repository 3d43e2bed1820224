"""Whether an effective policy allows what is needed, and where that cannot be known."""

from typing import Any

import pytest

from tools.preflight.hindrances import Grade
from tools.preflight.org_policies import Constraint, hindrances

REGION = Constraint(("europe-west1",), "let it be")


def _grade(*rules: dict[str, Any], constraint: Constraint = REGION) -> Grade:
    found = list(hindrances("a.policy", constraint, {"spec": {"rules": list(rules)}}))
    return found[0].grade if found else Grade.FINE


def _allowed(*values: str) -> dict[str, Any]:
    return {"values": {"allowedValues": [*values]}}


def _denied(*values: str) -> dict[str, Any]:
    return {"values": {"deniedValues": [*values]}}


@pytest.mark.parametrize(
    ("rules", "grade"),
    [
        ([], Grade.FINE),
        ([{"allowAll": True}], Grade.FINE),
        ([{"denyAll": True}], Grade.REFUSED),
        ([_allowed("europe-west1")], Grade.FINE),
        ([_allowed("is:europe-west1")], Grade.FINE),
        ([_allowed("us-east1", "in:europe-west1-locations")], Grade.FINE),
        ([_allowed("in:europe-locations")], Grade.FINE),
        ([_allowed("in:us-locations", "asia-east1")], Grade.REFUSED),
        ([_allowed("europe-west10")], Grade.REFUSED),
        ([_allowed("in:eu-locations", "us-east1")], Grade.UNTOLD),
        ([_allowed("in:eu-locations", "europe-west1")], Grade.FINE),
        ([_denied("europe-west1")], Grade.REFUSED),
        ([_denied("in:us-locations")], Grade.FINE),
        ([_denied("in:low-carbon-locations")], Grade.UNTOLD),
        ([_allowed("europe-west1"), _denied("in:europe-locations")], Grade.REFUSED),
        ([{"allowAll": True, "condition": {"expression": "x"}}], Grade.UNTOLD),
        ([{"denyAll": True}, {"allowAll": True, "condition": {"expression": "x"}}], Grade.REFUSED),
    ],
)
def test_rules_are_read_together(rules: list[dict[str, Any]], grade: Grade) -> None:
    """One that denies decides; a group or a tag that is not known leaves it open."""
    assert _grade(*rules) is grade


@pytest.mark.parametrize(
    ("rule", "grade"),
    [
        ({"enforce": False}, Grade.FINE),
        ({}, Grade.FINE),
        ({"enforce": True}, Grade.REFUSED),
    ],
)
def test_a_policy_that_is_enforced_refuses(rule: dict[str, Any], grade: Grade) -> None:
    """One that is there and not enforced does not."""
    assert _grade(rule, constraint=Constraint((), "let it be")) is grade


def test_all_values_that_are_needed_must_be_allowed() -> None:
    """One of them is not enough, and a subtree may hold the other."""
    both = Constraint(("all", "internal"), "let it be")
    assert _grade(_allowed("all"), constraint=both) is Grade.REFUSED
    assert _grade(_allowed("internal", "all"), constraint=both) is Grade.FINE
    assert _grade(_allowed("all", "under:folders/1"), constraint=both) is Grade.UNTOLD
