"""Asking: each command with a time and a size that it may take, some side by side."""

import asyncio
import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from http.client import HTTPResponse

from tools.preflight.inquiries import POST, RESOURCES, Inquiry

ANSWER_S_MAX = 60.0
"""For one answer. gcloud alone takes seconds to start, and tries a bad connection again."""
ANSWER_BYTES_MAX = 4 * 2**20
"""Of one answer. The longest, all enabled APIs, has some kilobytes."""
AT_ONCE = 4
"""Each gcloud is a Python of 100 MB, and a project allows some calls a second."""
ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER"
"""gcloud's own variable for another address of that API; what is posted follows it."""
QUIET = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    # A prompt that nobody sees answers itself: an API or a component would be switched on.
    "CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API": "false",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    "CHECKPOINT_DISABLE": "1",  # Terraform would ask for its newest version
}


class Fault(Enum):
    """Why there is no answer at all."""

    MISSING = auto()
    SLOW = auto()
    LARGE = auto()


@dataclass(frozen=True)
class Heard:
    """What came back."""

    status: int = 0
    text: str = field(default="", repr=False)  # one of them is a token
    error: str = ""
    fault: Fault | None = None


Ask = Callable[[Sequence[Inquiry], str], Mapping[str, Heard]]
"""Several inquiries at once, with the token for those that are posted."""


@dataclass(frozen=True)
class Limits:
    """What one answer may take."""

    seconds_max: float = ANSWER_S_MAX
    bytes_max: int = ANSWER_BYTES_MAX


def asking(
    env: Mapping[str, str], told: Callable[[Inquiry], None], limits: Limits = Limits()
) -> Ask:
    """Asks for real; `told` hears of each answer."""

    async def one(inquiry: Inquiry, token: str, turns: asyncio.Semaphore) -> Heard:
        async with turns:
            if inquiry.argv[0] == POST:
                url = inquiry.argv[1].replace(RESOURCES, env.get(ENDPOINT, RESOURCES).rstrip("/"))
                heard = await asyncio.to_thread(_posted, url, inquiry.argv[2], token, limits)
            else:
                heard = await _run(inquiry.argv, dict(env) | QUIET, limits)
        told(inquiry)
        return heard

    async def several(inquiries: Sequence[Inquiry], token: str) -> dict[str, Heard]:
        turns = asyncio.Semaphore(AT_ONCE)
        try:
            # Whoever interrupts it is answered once all that it started has ended.
            async with asyncio.TaskGroup() as group:
                asked = {
                    each.name: group.create_task(one(each, token, turns)) for each in inquiries
                }
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {name: task.result() for name, task in asked.items()}

    return lambda inquiries, token: asyncio.run(several(inquiries, token))


async def _run(argv: Sequence[str], env: Mapping[str, str], limits: Limits) -> Heard:
    """A program, ended with all that it started, however it ends."""
    try:
        transport, outputs = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Outputs(limits.bytes_max),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            env=env,
            start_new_session=True,
        )
    except OSError:
        return Heard(fault=Fault.MISSING)
    try:
        async with asyncio.timeout(limits.seconds_max):
            is_whole = await outputs.is_whole
    except TimeoutError:
        return Heard(fault=Fault.SLOW)
    finally:
        # macOS says that a group of the dead alone is not ours.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        for output in (1, 2):  # what left the group may hold them for ever
            if pipe := transport.get_pipe_transport(output):
                pipe.close()
        await outputs.gone
        transport.close()
    if not is_whole:
        return Heard(fault=Fault.LARGE)
    return Heard(transport.get_returncode() or 0, outputs.text(1), outputs.text(2))


class _Outputs(asyncio.SubprocessProtocol):
    """Both outputs of a program, read as they come: one that is not read would hold it up."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._read = {1: bytearray(), 2: bytearray()}
        loop = asyncio.get_running_loop()
        self.is_whole: asyncio.Future[bool] = loop.create_future()
        """When it has ended, or is too large."""
        self.gone: asyncio.Future[None] = loop.create_future()
        """When it has ended, and nothing of it can be read any more."""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Some bytes of an output."""
        if self.is_whole.done():
            return
        self._read[fd] += data
        if len(self._read[fd]) > self._bytes_max:
            self.is_whole.set_result(False)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, and so have both outputs."""
        if not self.gone.done():
            self.gone.set_result(None)
        if not self.is_whole.done():
            self.is_whole.set_result(True)

    def text(self, output: int) -> str:
        """All of one."""
        return self._read[output].decode(errors="replace")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to nobody but the API."""

    def redirect_request(self, *_: object) -> None:
        return None


def _posted(url: str, body: str, token: str, limits: Limits) -> Heard:
    """Like a program: what the API answers, or why it does not."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310 - https, or the operator's own
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=limits.seconds_max) as answer:
            return _whole(answer, limits)
    except urllib.error.HTTPError as error:
        return Heard(1, "", _message(error.read(2**16)) or f"HTTP {error.code}")
    except TimeoutError:
        return Heard(fault=Fault.SLOW)
    except OSError as error:
        slow = isinstance(getattr(error, "reason", None), TimeoutError)
        return Heard(fault=Fault.SLOW) if slow else Heard(1, "", str(error))


def _whole(answer: HTTPResponse, limits: Limits) -> Heard:
    """The timeout of a socket is for one read of it: many small ones have a deadline together."""
    end_s, read = time.monotonic() + limits.seconds_max, bytearray()
    while part := answer.read1(2**16):
        read += part
        if len(read) > limits.bytes_max:
            return Heard(fault=Fault.LARGE)
        if time.monotonic() > end_s:
            return Heard(fault=Fault.SLOW)
    return Heard(0, read.decode(errors="replace"))


def _message(body: bytes) -> str:
    """Google's own words in a refusal, in the form that gcloud prints them in."""
    try:
        error = json.loads(body)["error"]
        return f"{error['status']}: {error['message']}"
    except (ValueError, TypeError, KeyError):
        return ""
