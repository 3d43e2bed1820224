"""How the tools that a verb of make starts refuse odd arguments: with a line that would do."""

import argparse
import sys
from typing import NoReturn

USAGE = 64
"""The exit code of whoever was called wrongly (EX_USAGE): argparse's own 2 means something else."""


class LinedParser(argparse.ArgumentParser):
    """Standard library only, like all that preflight needs."""

    def __init__(self, *, line: str, description: str, epilog: str = "") -> None:
        super().__init__(prog=" ".join(line.split()[:2]), description=description, epilog=epilog)
        self._line = line

    def error(self, message: str) -> NoReturn:
        """Ends the program."""
        print(f"{message}. Write: {self._line}", file=sys.stderr)
        raise SystemExit(USAGE)
