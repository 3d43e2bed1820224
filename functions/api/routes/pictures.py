"""Small pictures beside checks, as they were taken."""

from typing import Annotated

from fastapi import FastAPI, Path
from starlette.responses import Response

from api.http.content import bytes_of
from api.http.problems import Problem, ProblemKind, problems
from api.services.services import Services

ThumbnailId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}\.[0-9]{1,12}$")]
HEADERS = {"Cache-Control": "public, max-age=604800, immutable"}


def install(app: FastAPI, services: Services) -> None:
    """`/thumbnails/{id}.jpg`."""

    @app.get(
        "/thumbnails/{thumbnail_id}.jpg",
        tags=["evidence"],
        response_class=Response,
        responses=bytes_of("image/jpeg") | problems(ProblemKind.UNKNOWN_THUMBNAIL),
    )
    async def get_a_thumbnail(thumbnail_id: ThumbnailId) -> Response:
        """What was to be seen at a check: at the ingest if it passed, at a cheat if it did not."""
        found = await services.measurements.thumbnail(thumbnail_id)
        if found is None:
            raise Problem(
                ProblemKind.UNKNOWN_THUMBNAIL, "There is no such picture; they are kept 30 days."
            )
        return Response(found.jpeg, media_type="image/jpeg", headers=HEADERS)
