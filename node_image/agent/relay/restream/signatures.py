"""Ed25519, which the standard library lacks: signs an ingest's marks, and verifies them."""

import base64
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rtmp.marks import Sign, Verify


@dataclass(frozen=True, slots=True)
class MarkKey:
    """An ingest's, as the agent has made it."""

    public: bytes
    sign: Sign

    @classmethod
    def read(cls, path: Path) -> "MarkKey":
        """The agent has seen to it that the file is whole."""
        secret = Ed25519PrivateKey.from_private_bytes(raw_key(path.read_text("ascii").strip()))
        return cls(secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), secret.sign)

    @property
    def text(self) -> str:
        """The public key as it is told."""
        return base64.urlsafe_b64encode(self.public).decode("ascii").rstrip("=")


def raw_key(text: str) -> bytes:
    """32 bytes out of 43 characters. Raises ValueError."""
    return base64.b64decode(text + "=", altchars=b"-_", validate=True)


def verifier(public_key: bytes) -> Verify:
    """Whether a signature is by this key. Raises ValueError if it is none."""
    key = Ed25519PublicKey.from_public_bytes(public_key)

    def verify(signature: bytes, said: bytes) -> bool:
        try:
            key.verify(signature, said)
        except InvalidSignature:
            return False
        return True

    return verify
