"""Tokens as integer micro-tokens: reading, printing and sharing them out, without a float.

1 token = 1,000,000 micros. Amounts stay below 2^63 so that any store holds them exactly.
"""

import re
from collections.abc import Sequence

MICROS_PER_TOKEN = 1_000_000
AMOUNT_MICROS_MAX = 10**12 * MICROS_PER_TOKEN
"""A trillion tokens: above any sane amount and below 2^63 micros."""

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,6}))?", re.ASCII)


def parse_tokens(amount: str) -> int:
    """Micros of a decimal string such as `"1.25"`; ValueError says what an amount looks like."""
    match = _DECIMAL.fullmatch(amount)
    if not match:
        raise ValueError(
            "write an amount as a decimal string of tokens with at most six decimals, like 12.5"
        )
    whole, fraction = match.group(1), match.group(2) or ""
    micros = int(whole) * MICROS_PER_TOKEN + int(fraction.ljust(6, "0"))
    if micros > AMOUNT_MICROS_MAX:
        raise ValueError("an amount is at most a trillion tokens")
    return micros


def format_tokens(micros: int) -> str:
    """The shortest decimal string that `parse_tokens` reads back: 1_250_000 -> `"1.25"`."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS_PER_TOKEN)
    decimals = f"{fraction:06d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def earned_micros(rate_micros_per_hour: int, minutes: int, minute_seconds: int) -> int:
    """Pay for `minutes` sweep intervals of `minute_seconds`; a fraction of a micro is not paid."""
    return rate_micros_per_hour * minutes * minute_seconds // 3600


def share_out(total: int, weights: Sequence[int], ties: Sequence[int] | None = None) -> list[int]:
    """Splits `total` in proportion to `weights`, to the last unit (largest remainder).

    Each share is the exact one rounded down or up; the units left over go to the largest
    remainders, equal ones in the order of `ties` (lowest first; without them by place). Whoever
    calls this again and again passes other ties each time, so that no place is favoured.
    Shares never exceed their weight when `total <= sum(weights)`. All zero weights share
    nothing."""
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("neither total nor weights may be negative")
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    left = total - sum(shares)
    order = ties or [0] * len(weights)
    for place in sorted(range(len(weights)), key=lambda i: (-remainders[i], order[i], i))[:left]:
        shares[place] += 1
    return shares
