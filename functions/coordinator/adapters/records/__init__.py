"""Documents read and written as the rules' own types, on any store: identity and measurement.

Money is in another database and another module: `adapters.ledger`.
"""

from coordinator.adapters.records.call_back_turns import CallBackTurnRecords
from coordinator.adapters.records.checks import CheckRecords
from coordinator.adapters.records.identities import IdentityRecords
from coordinator.adapters.records.projections import ProjectionRecords
from coordinator.adapters.records.sweeps import SweepRecords


class Measurements(
    IdentityRecords, SweepRecords, CheckRecords, ProjectionRecords, CallBackTurnRecords
):
    """Identity and measurement: the `(default)` database."""
