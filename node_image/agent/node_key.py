"""The node's key: its whole identity, one file that is made once and never replaced.

It signs what the node says and is told to nobody. Whoever holds it is the node: there is no
registration, and a lost key is a lost identity.
So a file that is there but cannot be used is an error for a human, never a reason to make another.
"""

import base64
import binascii
import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_FILE = "node.key"
MARK_KEY_FILE = "marks.key"
"""An ingest's, with which it signs its streams; its relay reads it."""
KEY_BYTES = 32
KEY_CHARS = 43
_KIND = "ed25519:"
"""Before the node's own. Without it is what earlier agents sent to the coordinator as it is: who
was told a key is no longer kept from signing with it."""


class KeyFileError(Exception):
    """The key file can't be made or read. The message says what to do."""


def secret_of(key: str) -> Ed25519PrivateKey:
    """The key that signs, out of its text. Raises ValueError if it is none."""
    if not is_key(key):
        raise ValueError(f"a key is {KEY_CHARS} characters of URL-safe base64")
    return Ed25519PrivateKey.from_private_bytes(_raw(key))


def public_key_of(secret: Ed25519PrivateKey) -> bytes:
    """What anybody may know of a key, and verifies with."""
    return secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def node_id_of(key: str) -> str:
    """The public id that belongs to a key: `n` and 19 characters of its public key's hash."""
    digest = hashlib.sha256(public_key_of(secret_of(key))).digest()
    return "n" + base64.b32encode(digest).decode("ascii").lower()[:19]


def encode_key(raw: bytes) -> str:
    """32 bytes as 43 characters of URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def is_key(text: str) -> bool:
    """True for exactly what `encode_key` can have written."""
    try:
        raw = _raw(text)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == KEY_BYTES and encode_key(raw) == text


def load_or_create_key(
    data_dir: Path, token: Callable[[int], bytes] = secrets.token_bytes, name: str = KEY_FILE
) -> tuple[str, list[str]]:
    """The key in `data_dir` and warnings to log; makes the key on the first start.

    Raises KeyFileError with a sentence for the operator.
    """
    path = data_dir / name
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path, _kind_in(path) + encode_key(token(KEY_BYTES)))
        return _load(path)
    except OSError as e:
        fix = "give the agent a folder it may write to in DATA_DIR (in Docker, a volume at /data)"
        if e.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            fix = "make room on this disk, and start the agent again"
        raise KeyFileError(f"The key {path} cannot be used ({e.strerror}): {fix}.") from e


def _load(path: Path) -> tuple[str, list[str]]:
    warnings = []
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise KeyFileError(f"{path} is not a file: remove it, and start the agent again.")
    if mode & 0o077:
        now = "it is 0600 now"
        try:
            path.chmod(0o600)
        except OSError as e:  # a read-only mount, or a file of another user: an orchestrator's way
            now = f"that cannot be changed here ({e.strerror})"
        warnings.append(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):04o}); {now}. If "
            f"somebody may have copied it, delete it to {_anew(path)}."
        )
    with path.open("rb") as file:
        text = file.read(KEY_CHARS + 100).decode("ascii", errors="replace").strip()
    kind = _kind_in(path)
    if kind and is_key(text):
        raise KeyFileError(
            f"{path} is of an earlier agent, which sent it to the coordinator: a key that signs is "
            f"told to nobody. Delete it to {_anew(path)}."
        )
    key = text.removeprefix(kind)
    if not is_key(key):
        raise KeyFileError(
            f"{path} is damaged (not {KEY_CHARS} characters of URL-safe base64): restore it from "
            f"a copy, or delete it to {_anew(path)}."
        )
    return key, warnings


def _kind_in(path: Path) -> str:
    return "" if path.name == MARK_KEY_FILE else _KIND


def _raw(text: str) -> bytes:
    return base64.b64decode(text + "=", altchars=b"-_", validate=True)


def _anew(path: Path) -> str:
    if path.name == MARK_KEY_FILE:
        return "sign with a new one; nodes learn it when somebody publishes"
    return "start as a new node; what was earned stays with the old one"


def _create(path: Path, key: str) -> None:
    """Write the whole key and make it durable before it gets its name, so no half key exists."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()  # left by an agent of the same process id that died right here
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike rename, a link never replaces a key that came first
    except FileExistsError:
        return
    except OSError:
        # Some volumes know no hard links; there is nothing to replace, so renaming will do.
        if not path.exists():
            draft.rename(path)
