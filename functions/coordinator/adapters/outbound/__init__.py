"""HTTP to strangers: one guard that judges addresses, and two clients that stand behind it.

`PollClient` makes the sweep's many small GETs. `HttpClient` makes everything else, with httpx.
"""
