"""OIDC tokens like Cloud Scheduler's, signed by a key of this process; its public half as JWKS."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFETIME_S = 3600


class Issuer:
    """Signs tokens. Whoever trusts `url` fetches the keys from `{url}/jwks`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self._n, self._e = _number(numbers.n), _number(numbers.e)
        self._id = hashlib.sha256(self._n.encode()).hexdigest()[:16]

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
        head = {"alg": "RS256", "typ": "JWT", "kid": self._id}
        signed = f"{_json(head)}.{_json(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"

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


def _json(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value).encode())


def _number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
