"""The node agent: writes a relay's configuration, supervises it, measures it and reports.

It imports nothing from the functions: it meets the coordinator only over HTTP, in the JSON that
docs/architecture.md fixes.
"""

__version__ = "0.1.0"
