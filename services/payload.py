r"""What a person typed or pasted -> bytes: text with escapes, hex or base64. One way for pages, API and command line.

payload(r"OK\r\n", "text") == payload("4f 4b 0d 0a", "hex") == payload("T0sNCg==", "base64")
"""

import base64
import binascii
import re
from typing import Literal, get_args

from services.errors import TextMalformed
from services.servers import escapes

Encoding = Literal["text", "hex", "base64"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)

_BETWEEN_HEX = re.compile(r"0[xX]|[\s:,-]")
_WRONG_HEX = re.compile(r"[^0-9A-Fa-f]")


def payload(text: str, encoding: str = "text") -> bytes:
    """The bytes that `text` means. Raises TextMalformed, whose field is `data` or `encoding`."""
    if not isinstance(text, str):
        raise TextMalformed("The data is a text.", field="data")
    if not isinstance(encoding, str) or encoding not in _DECODERS:
        raise TextMalformed(f"The encoding is one of {', '.join(ENCODINGS)}.", field="encoding")
    return _DECODERS[encoding](text)


def _text(text: str) -> bytes:
    try:
        return escapes.to_bytes(text)
    except TextMalformed as error:
        raise TextMalformed(error.message, field="data") from None
    except UnicodeEncodeError:
        raise TextMalformed(
            r"The text holds half a character (a lone surrogate): write the byte as \xNN.", field="data"
        ) from None


def _hex(text: str) -> bytes:
    digits = _BETWEEN_HEX.sub("", text)
    if wrong := _WRONG_HEX.search(digits):
        raise TextMalformed(
            f"{escapes.to_text(wrong.group().encode('utf-8', 'surrogatepass'))!r} is no hex digit: "
            "hex is pairs of 0-9 and a-f, such as 48 65 6c.",
            field="data",
        )
    if len(digits) % 2:
        raise TextMalformed(f"Hex has two digits for each byte, and these are {len(digits)}: add one.", field="data")
    return bytes.fromhex(digits)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise TextMalformed(
            "This is no base64: it has letters, digits, + and /, and = at the end up to a multiple of four.",
            field="data",
        ) from None


_DECODERS = {"text": _text, "hex": _hex, "base64": _base64}
