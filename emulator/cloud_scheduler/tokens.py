"""OIDC tokens like Cloud Scheduler's, signed by a key of this process; its public half as JWKS."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

LIFETIME_S = 3600


class Issuer:
    """Signs tokens. Whoever trusts `url` fetches the keys from `{url}/jwks`."""

    def __init__(self, url: str) -> None:
        self.url = url
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        numbers = key.public_key().public_numbers()
        self._n, self._e = _base64url(numbers.n), _base64url(numbers.e)
        self._id = hashlib.sha256(self._n.encode()).hexdigest()[:16]
        self._signer = crypt.RSASigner.from_string(pem, self._id)

    def token(self, identity: str, audience: str, now_s: float) -> str:
        """A token of the service account `identity` for one audience."""
        claims = {
            "iss": self.url,
            "aud": audience,
            "sub": identity,
            "azp": identity,
            "email": identity,
            "email_verified": True,
            "iat": int(now_s),
            "exp": int(now_s) + LIFETIME_S,
        }
        return bytes(jwt.encode(self._signer, claims)).decode("ascii")

    def jwks(self) -> dict[str, Any]:
        """The public key, as OIDC says it."""
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._id}
        return {"keys": [{**key, "n": self._n, "e": self._e}]}

    def configuration(self) -> dict[str, Any]:
        """What is found under `/.well-known/openid-configuration`."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
