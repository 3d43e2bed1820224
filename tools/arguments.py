"""How the tools that a verb of make starts refuse odd arguments: with a line that would do."""

import argparse
import re
import sys
from collections.abc import Callable
from typing import NoReturn

USAGE = 64
"""The exit code of whoever was called wrongly (EX_USAGE): argparse's own 2 means something else."""
INTERRUPTED = 130
"""As shells tell it."""
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""Terraform's rule. It also keeps options of gcloud out of its command line."""
PLACE = re.compile(r"[a-z]+(-[a-z]+\d+)?|[a-z]+\d")
"""A region, or a place of several like eur3."""


def like(pattern: re.Pattern[str], may_be_empty: bool = False) -> Callable[[str], str]:
    """An argument's type: a text that has this form."""

    def parsed(value: str) -> str:
        if pattern.fullmatch(value) or (may_be_empty and not value):
            return value
        raise argparse.ArgumentTypeError(f"{value!r} does not look like one")

    return parsed


class LinedParser(argparse.ArgumentParser):
    """Standard library only, like all that preflight needs."""

    def __init__(self, *, line: str, description: str, epilog: str = "") -> None:
        super().__init__(prog=" ".join(line.split()[:2]), description=description, epilog=epilog)
        self._line = line

    def error(self, message: str) -> NoReturn:
        """Ends the program."""
        print(f"{message}. Write: {self._line}", file=sys.stderr)
        raise SystemExit(USAGE)
