"""Images as the cloud gets them: built from Terraform's archive, by the command that Cloud Build is
told. Nothing of the repository is there beside the archive."""

import contextlib
import os
import re
import secrets
import subprocess
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.image.containers import runner
from tests.image.tools import call
from tests.ports import free_port
from tests.terraform.plans import ROOT, applied, data, planned

FUNCTIONS = ("api", "collector", "payout", "prober")
BUILD_SECONDS_MAX = 900.0
SECONDS_MAX = 60.0
CONNECT_TRIES = 8  # 0, 0.5, 1, 2 … s apart


def tag_of(part: str) -> str:
    """What an image is called here."""
    return f"localhost/restream-{part}:test"


@cache
def builds() -> dict[str, dict[str, Any]]:
    """What Cloud Build was told by an apply, by the image's part."""
    texts = re.findall(r"^steps:\n.+?^options:\n.+?$", applied().builds, re.MULTILINE | re.DOTALL)
    told = [yaml.safe_load(text) for text in texts]
    return {one["steps"][0]["args"][1]: one for one in told}


def lay_out(folder: Path) -> None:
    """The archive's files, as Cloud Build finds them."""
    (archive,) = data(planned(), "archive_file")
    for one in archive.values["source"]:
        (folder / one["filename"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / one["filename"]).write_text(one["content"] or "")


def build(part: str, folder: Path) -> str:
    """An image, by its build's own step but for the tag; `scheduler` is only for compose."""
    if part == "scheduler":
        words = ["bash", str(ROOT / "build-image.sh"), part, tag_of(part)]
    else:
        (step,) = builds()[part]["steps"]
        (image,) = builds()[part]["images"]
        words = [step["entrypoint"], *step["args"]]
        words[words.index(image)] = tag_of(part)
    call(words, cwd=folder, seconds=BUILD_SECONDS_MAX)
    return tag_of(part)


@contextlib.asynccontextmanager
async def served(image: str, env: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A function's container with these variables and the rights that compose.yaml gives it, on a
    port of its own."""
    port, name = free_port(), f"restream-test-{secrets.token_hex(4)}"
    own = {**env, "HOST": "127.0.0.1", "PORT": str(port)}
    rights = ("--network=host", "--read-only", "--tmpfs=/tmp:size=64m", "--cap-drop=ALL")
    words = [*runner(), "run", "--rm", "--name", name, *rights, *(f"--env={key}" for key in own)]
    process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
        [*words, image],
        env=dict(os.environ) | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        transport = httpx.AsyncHTTPTransport(retries=CONNECT_TRIES)
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(
            base_url=url, transport=transport, timeout=SECONDS_MAX
        ) as client:
            yield client
    except httpx.ConnectError as error:
        process.kill()
        raise AssertionError(f"{image} does not start:\n{process.communicate()[0]}") from error
    finally:
        call([*runner(), "rm", "--force", name])
        process.communicate(timeout=SECONDS_MAX)
