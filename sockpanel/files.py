"""Files leave piece by piece, as fast as they are taken. Django would read a whole one into memory for each of its readers."""

from collections.abc import AsyncIterator, Iterator
from typing import cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase


class Handler(ASGIHandler):
    """Django as an ASGI application."""

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = await super().run_get_response(request)
        if isinstance(response, FileResponse) and not response.is_async:
            response.streaming_content = _pieces(cast(Iterator[bytes], response.streaming_content))
        return response


async def _pieces(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    def read() -> bytes:
        return next(content, b"")

    while piece := await sync_to_async(read)():
        yield piece
