"""HTTP to strangers: one guard that judges addresses, and two clients that stand behind it.

`PollClient` makes the many small GETs of sweeps and call-backs. `HttpClient` makes everything else,
with httpx.
"""
