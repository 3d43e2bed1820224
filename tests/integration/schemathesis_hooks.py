"""What Schemathesis is told about the api beyond its OpenAPI document."""

from typing import Any
from urllib.parse import urlsplit

import schemathesis


@schemathesis.hook
def filter_body(context: Any, value: Any) -> bool:
    """Whether nothing beyond this machine is named: the api would look it up, or call it back."""
    urls = [value.get(name) for name in ("stats_url", "webhook_url")] if _is_object(value) else []
    hosts = [urlsplit(url).netloc for url in urls if isinstance(url, str) and "://" in url]
    return all(host.startswith("127.0.0.1:") for host in hosts)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


@schemathesis.check
def valid_requests_have_the_right_form(ctx: Any, response: Any, case: Any) -> None:
    """What the document allows is never called malformed; it may only be refused for what it means.

    422 stands for both, and Schemathesis' own check looks at the status alone."""
    if response.status_code != 422 or not _is_positive(case):
        return
    body = response.json()
    if body["type"] == "/problems/address-refused" or body["detail"].startswith(
        ("ends_at: ", "name: ")
    ):
        return
    raise AssertionError(f"a request in the documented form was refused: {body['detail']}")


def _is_positive(case: Any) -> bool:
    return bool(case.meta) and case.meta.generation.mode.is_positive
