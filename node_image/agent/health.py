"""`python -m agent.health`: the image's health check. Asks the agent beside it, exits 0 or 1.

It runs twice a minute for as long as the node lives, so it imports little: 40 ms of CPU.
"""

import http.client
import json
import os
import sys

ASK_S_MAX = 4.0


def main() -> int:
    """Print the agent's own sentence; 0 if it is well."""
    bound = os.environ.get("BIND_ADDRESS", "").strip()
    host = bound if bound not in ("", "0.0.0.0") else "127.0.0.1"  # noqa: S104 -- compared, not bound
    port = int(os.environ.get("STATS_PORT", "").strip() or 8080)
    agent = http.client.HTTPConnection(host, port, timeout=ASK_S_MAX)
    try:
        agent.request("GET", "/healthz")
        answer = agent.getresponse()
        body = json.loads(answer.read(65_536))
        print(body["reason"])
        return 0 if answer.status == 200 else 1
    except (OSError, http.client.HTTPException, ValueError, KeyError) as e:
        print(f"The agent does not answer on {host}:{port}: {str(e) or type(e).__name__}")
        return 1
    finally:
        agent.close()


if __name__ == "__main__":
    sys.exit(main())
