"""What a check costs, in one place: how long it holds a place, and how much of a processor. Pure.

The figures are measured (docs/benchmarks.md, Checks) and decide how many checks are made at once. A
very long check holds its place for two minutes and is little work in each of them. So places are
given by work, and not by number.
"""

from dataclasses import dataclass

from coordinator.checking.lengths import SPAN_S, SPANS, VERY_LONG_S

CHECK_CPU_S = 0.006
"""To connect, to be judged and to be recorded."""
SECOND_READER_CPU_S = 0.014
"""Of the second reader, spread over all checks: it reads a drawn share of them."""
SECOND_CPU_S = 0.0015
"""To read a second of a stream: some seventy messages, whatever their size."""
COUNTED_CPU_S = 0.0007
"""To read one that is only counted: between the spans of a very long check."""
MBIT_CPU_S = 0.0003
"""To read a megabit of it."""
OVERHEAD_S = 1.0
"""What a connection takes besides its capture."""

WORK_SHARE_MAX = 0.7
"""Of the processors, for captures: beyond it packets are read late, and honest nodes lag."""
PROCESSORS_MAX = 1.6
"""One loop reads everything, and the second reader runs beside it: an instance can use no more
processors than these. A larger network has several (`coordinator.checking.partitions`)."""
MEASURED_SHARE_MAX = 0.9
"""Of the processors, as measured: whatever the figures say, a busy machine takes no more checks."""
EXTRA_SHARE_MAX = 0.5
"""Of all that, for newcomers and retests: a flood of keys must not keep anybody from being
checked."""
AT_ONCE_PER_PROCESSOR_MAX = 256
"""Each capture holds up to two megabytes; a processor comes with a GiB (terraform/functions.tf)."""


@dataclass(frozen=True, slots=True)
class CheckCost:
    """Of one check that passes."""

    wall_s: float
    """How long it holds its place."""
    cpu_s: float

    @property
    def work_micros(self) -> int:
        """Millionths of a processor that it keeps busy meanwhile, on average."""
        return round(self.cpu_s * 1e6 / self.wall_s)


def cost_of(capture_s: float, bits_per_s: float) -> CheckCost:
    """The cost of a capture of a stream, so long."""
    hashed_s = SPANS * SPAN_S if capture_s >= VERY_LONG_S else capture_s
    read_cpu_s = hashed_s * SECOND_CPU_S + (capture_s - hashed_s) * COUNTED_CPU_S
    read_cpu_s += capture_s * bits_per_s / 1e6 * MBIT_CPU_S
    return CheckCost(capture_s + OVERHEAD_S, CHECK_CPU_S + SECOND_READER_CPU_S + read_cpu_s)
