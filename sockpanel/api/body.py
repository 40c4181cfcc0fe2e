"""A request's JSON body -> a mapping, and a mapping -> an answer. What the fields mean is checked where they are used."""

import re
from typing import Any, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, RawPostDataException, UnreadablePostError

from services.errors import BodyMalformed, BodyTooLong, RequestRefused

MAX_BYTES = 1024 * 1024
Shape = TypeVar("Shape", bound=msgspec.Struct)

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def words(request: HttpRequest) -> dict[str, Any]:
    """The object in the body. Raises BodyTooLong or BodyMalformed."""
    try:
        found = _decoder.decode(_bytes(request))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BodyMalformed(
            f"The body is no JSON ({error}): send an object, with Content-Type: application/json."
        ) from None
    if not isinstance(found, dict):
        raise BodyMalformed("The body is JSON, but no object: send one with the fields as the description says.")
    return found


def taken(request: HttpRequest, shape: type[Shape]) -> Shape:
    """The object in the body, of this shape. Raises RequestRefused for a field that is missing, unknown or of another sort."""
    try:
        return msgspec.convert(words(request), shape)
    except msgspec.ValidationError as error:
        named = re.search(r"`\$?\.?(\w+)`$", str(error))
        raise RequestRefused(
            f"The body is not as the description says: {error}.", field=named[1] if named else ""
        ) from None


def _bytes(request: HttpRequest) -> bytes:
    try:
        data = request.body
    except RequestDataTooBig:
        raise _too_long() from None
    except (RawPostDataException, UnreadablePostError):
        raise BodyMalformed("The body cannot be read: send JSON, with Content-Type: application/json.") from None
    if len(data) > MAX_BYTES:
        raise _too_long()
    return data


def _too_long() -> BodyTooLong:
    return BodyTooLong(f"The body is longer than {MAX_BYTES:,} bytes: send less.")


def json(value: object, status: int = 200) -> HttpResponse:
    """Bytes in `value` become base64."""
    return HttpResponse(_encoder.encode(value), status=status, content_type="application/json")


def nothing() -> HttpResponse:
    """204: it is done, and there is nothing to say, of whatever type."""
    response = HttpResponse(status=204)
    del response.headers["Content-Type"]
    return response
