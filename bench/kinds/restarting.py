"""A program that is killed and started anew, now and then.

As a machine does that runs out of memory, or an operator who updates a node:
`python -m bench.kinds.restarting ARGV…`.
"""

import subprocess
import sys
import time

EVERY_S = 400.0
"""Longer than a very long check and its retest together: who is killed more often than that cuts
every viewer, and fails rightly."""
DOWN_S = 1.0
"""What a container takes to be started again, about."""


def main(argv: list[str]) -> None:
    """Until it is killed itself; its supervisor ends what it started."""
    while True:
        program = subprocess.Popen(argv)
        time.sleep(EVERY_S)
        program.kill()
        program.wait()
        time.sleep(DOWN_S)


if __name__ == "__main__":
    main(sys.argv[1:])
