"""Answers that are no JSON, as the OpenAPI document tells of them."""

from api.http.problems import Responses


def text_of(media_type: str, example: str) -> Responses:
    """A text, with an example of it."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}, "example": example}}}}


def bytes_of(media_type: str) -> Responses:
    """A file."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"content": {media_type: {"schema": schema}}}}
