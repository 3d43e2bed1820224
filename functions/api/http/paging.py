"""Lists come in pages: each names the last id that it holds, and the next begins behind that."""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

from fastapi import Query

PAGE_MAX = 200
PageToken = Annotated[str, Query(max_length=100)]
PageSize = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Item = TypeVar("Item")


def page_of(
    items: Iterable[Item], id_of: Callable[[Item], str], after: str, size: int
) -> tuple[list[Item], str | None]:
    """(up to `size` items behind the id `after`, by id; the next page's token if there is one)."""
    rest = sorted((item for item in items if id_of(item) > after), key=id_of)
    page = rest[:size]
    return page, id_of(page[-1]) if len(rest) > size else None
