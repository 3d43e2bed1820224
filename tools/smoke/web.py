"""Answers of which the status alone counts."""

import os

import httpx

ANSWER_S_MAX = 30.0
"""A cold start, and Google's own limit for most calls."""
FIRESTORE = "https://firestore.googleapis.com"
ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_FIRESTORE"
"""gcloud's own variable for another address of that API."""


class Web:
    """0 stands for no answer. Nobody is followed elsewhere, and no answer's body is read."""

    def stranger(self, url: str) -> int:
        """Of a POST without any token, as the scheduler's would be with one."""
        return self._status("POST", url, {})

    def reader(self, path: str, token: str) -> int:
        """Of a token that reads a path of Firestore's API."""
        url = f"{os.environ.get(ENDPOINT, FIRESTORE).rstrip('/')}/{path}"
        return self._status("GET", url, {"Authorization": f"Bearer {token}"})

    def _status(self, method: str, url: str, headers: dict[str, str]) -> int:
        try:
            with httpx.stream(method, url, headers=headers, timeout=ANSWER_S_MAX) as answer:
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0
