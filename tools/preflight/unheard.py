"""What it means that a command has failed: by its error's words, since gcloud has no codes."""

import re
from collections.abc import Sequence

from tools.preflight.commands import ANSWER_BYTES_MAX, ANSWER_S_MAX, Fault, Heard
from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.inquiries import Inquiry

ERROR_CHARS_MAX = 200
"""Of what a program says about itself: the rest is a trace, or a page of advice."""
INSTALL = {
    "gcloud": "https://cloud.google.com/sdk/docs/install",
    "terraform": "https://developer.hashicorp.com/terraform/install",
}
_SIGNED_OUT = re.compile(
    r"reauthenticat|refreshing your (current )?auth|invalid_grant|UNAUTHENTICATED"
    r"|credentials were not found|active account selected",
    re.IGNORECASE,
)
_OFF = re.compile(r"SERVICE_DISABLED|has not been used in project|API \[\S+\] not enabled")
_API = re.compile(r"\b([a-z]+\.googleapis\.com)\b")
_FORBIDDEN = re.compile(r"PERMISSION_DENIED|does not have permission|[Pp]ermission denied|\b403\b")


def hindrance(inquiry: Inquiry, heard: Heard) -> Hindrance:
    """Of a command that gave no answer."""
    program = inquiry.argv[0]
    if heard.fault is Fault.MISSING:
        sentence = f"{program} is not on PATH: install it from {INSTALL.get(program, 'its site')}."
        return Hindrance(f"{program}-missing", Grade.REFUSED, sentence)
    if heard.fault is Fault.SLOW:
        sentence = (
            f"`{inquiry.line}` gave no answer within {ANSWER_S_MAX:.0f} s: look at the connection, "
            "then run it again."
        )
        return Hindrance("no-answer", Grade.UNTOLD, sentence)
    if heard.fault is Fault.LARGE:
        sentence = (
            f"`{inquiry.line}` answered more than {ANSWER_BYTES_MAX >> 20} MiB: run it, and look "
            "what it prints before its answer."
        )
        return Hindrance("too-large", Grade.UNTOLD, sentence)
    return _by_words(inquiry, heard.error)


def _by_words(inquiry: Inquiry, error: str) -> Hindrance:
    if _SIGNED_OUT.search(error):
        is_terraforms = inquiry.name in ("token", "permissions")
        login = "gcloud auth application-default login" if is_terraforms else "gcloud auth login"
        whose = "Terraform" if is_terraforms else "gcloud"
        sentence = f"{whose} is not signed in: `{login}`."
        return Hindrance(f"{whose.lower()}-signed-out", Grade.REFUSED, sentence)
    if _OFF.search(error):
        api = _API.search(error)
        name = api[1] if api else inquiry.api or "API"
        sentence = f"`{inquiry.line}` needs an API that is off: `gcloud services enable {name}`."
        return Hindrance("api-off", Grade.UNTOLD, sentence)
    if _FORBIDDEN.search(error):
        sentence = f"Your account may not ask `{inquiry.line}`: have an owner give it Viewer."
        return Hindrance("may-not-ask", Grade.UNTOLD, sentence)
    sentence = f"`{inquiry.line}` failed, so run it and see why: {_first_line(error)}"
    return Hindrance("failed", Grade.UNTOLD, sentence)


def nonsense(inquiries: Sequence[Inquiry], what: str) -> Hindrance:
    """Of an answer, among several, that has another shape than its command promises."""
    lines = " or ".join(f"`{each.line}`" for each in inquiries)
    sentence = f"{lines} answered what is not understood here ({what}): report it."
    return Hindrance("nonsense", Grade.UNTOLD, sentence)


def _first_line(error: str) -> str:
    """Without what could steer a terminal."""
    (line, *_) = [*(each.strip() for each in error.splitlines() if each.strip()), "it said nothing"]
    return "".join(c for c in line if c.isprintable())[:ERROR_CHARS_MAX]
