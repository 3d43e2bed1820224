"""How a page of rows names where the next one begins: `498734.2.n4w7d2…`, or `2.n4w7d2…` within it.

The epoch, one of the statement's documents, and the node whose row came last.
"""

from coordinator.adapters.records.statement_pages import RowPlace

OF_A_ROW = r"^([0-9]{1,4}\.[A-Za-z0-9_-]{0,64})?$"
OF_A_STATEMENT = r"^([0-9]{1,10}(\.[0-9]{1,4}\.[A-Za-z0-9_-]{0,64})?)?$"


def row_token(place: RowPlace) -> str:
    """Of a place in a known statement."""
    return f"{place.part}.{place.node_id}"


def statement_token(place: RowPlace) -> str:
    """The epoch alone where a statement begins."""
    begins = place == RowPlace(place.epoch)
    return str(place.epoch) if begins else f"{place.epoch}.{row_token(place)}"


def place_in(epoch: int, token: str) -> RowPlace:
    """What `row_token` wrote; the first row where there is none."""
    part, _, node_id = token.partition(".")
    return RowPlace(epoch, int(part or 0), node_id)


def place_of(token: str) -> RowPlace:
    """What `statement_token` wrote; the first of all where there is none."""
    epoch, _, rest = token.partition(".")
    return place_in(int(epoch or 0), rest)
