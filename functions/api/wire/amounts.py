"""Amounts of tokens as they are accepted, and the schema that says so exactly."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from coordinator.money import parse_tokens


def whole_number(value: object) -> object:
    """2.0 is an integer in JSON; any other float stays one, and is refused as a wrong type."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _whole_tokens(amount: object) -> object:
    """A JSON integer is as exact as a string; a fraction is not."""
    amount = whole_number(amount)
    return str(amount) if isinstance(amount, int) and not isinstance(amount, bool) else amount


def _positive(amount: str) -> str:
    if parse_tokens(amount) == 0:
        raise ValueError("the amount must be more than zero")
    return amount


_BELOW_ONE = "|".join(f"0{{{n}}}[1-9][0-9]{{0,{5 - n}}}" for n in range(6))
_FROM_ONE = r"[1-9][0-9]{0,11}(\.[0-9]{1,6})?|1000000000000(\.0{1,6})?"
_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": rf"^({_FROM_ONE}|0\.({_BELOW_ONE}))$"},
        {"type": "integer", "minimum": 1, "maximum": 10**12},
    ],
    "description": "Tokens: more than zero, at most a trillion, with at most six decimals.",
    "examples": ["1000", "12.5"],
}
WHOLE = BeforeValidator(whole_number)
"""Behind a strict int's own rules."""
PositiveAmount = Annotated[
    str,
    BeforeValidator(_whole_tokens),
    AfterValidator(_positive),
    Field(strict=True, max_length=24),
    WithJsonSchema(_SCHEMA, mode="validation"),
]
