"""Files leave piece by piece, as fast as they are taken. Django would read a whole one into memory for each of its readers.

Who leaves while a file is being opened must not leave it open: the thread that opens it knows nothing of that, and Django, which
closes what it sends, forgets an answer that nobody waits for.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class Handler(ASGIHandler):
    """Django as an ASGI application."""

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        try:
            response = await super().run_get_response(request)
        except asyncio.CancelledError:
            _left(request)
            raise
        if isinstance(response, FileResponse) and not response.is_async:
            response.streaming_content = _pieces(cast(Iterator[bytes], response.streaming_content))
        return response


class Files(WhiteNoiseMiddleware):
    """WhiteNoise, whose answers are closed where whoever asked has left."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = WhiteNoiseMiddleware.serve(static_file, request)
        request.file_answer = response  # type: ignore[attr-defined]
        if hasattr(request, "is_left"):  # set before the answer is looked for: one of both threads closes it
            response.close()
        return response


def _left(request: HttpRequest) -> None:
    request.is_left = True  # type: ignore[attr-defined]
    if answer := getattr(request, "file_answer", None):
        answer.close()


async def _pieces(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    def read() -> bytes:
        return next(content, b"")

    while piece := await sync_to_async(read)():
        yield piece
