"""The shapes of the audit, for the API's description. No logic."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sockpanel.api.schemas import Time

Fields = Annotated[dict[str, Any] | None, Meta(description="field -> value; null where the deed has none")]


class UsedToken(msgspec.Struct):
    """A token that something was done with; it may be gone."""

    id: Annotated[int, Meta(ge=1, description="as in the list of its person's tokens")]
    name: str


class Entry(msgspec.Struct):
    """Something that somebody did, or was refused."""

    id: Annotated[int, Meta(ge=0, description="1, 2, 3 ... without holes; 0: somebody took its number")]
    at: Time
    who: Annotated[str, Meta(description="empty: nobody in particular, or nobody who is known")]
    verb: Annotated[str, Meta(description="such as server.start, server.change, send, refused")]
    way: Annotated[
        Literal["page", "api", "socket", "command line", "admin", "supervisor", ""], Meta(description="how it came")
    ]
    source: Annotated[str, Meta(description="the address that it came from")]
    token: Annotated[UsedToken | None, Meta(description="which it was done with; null: in person, or by the machine")]
    server: Annotated[str, Meta(description="its name at that time")]
    what: str
    code: Annotated[str, Meta(description="of the error, where it was refused or failed")]
    old: Fields
    new: Fields
    configuration: Annotated[dict[str, Any] | None, Meta(description="all of the server's, where it can be restored")]
    data: Annotated[bytes, Meta(description="the first 4 KiB of what was sent, without secrets")]
    size: Annotated[int, Meta(description="of all that was sent, in bytes")]
    sha256: Annotated[str, Meta(description="of all that was sent")]
    hash: Annotated[str, Meta(description="of this entry and, with that, of all before it")]
    fault: Annotated[str, Meta(description="empty, or why this entry is not what was written: somebody edited it")]


class Head(msgspec.Struct):
    """The newest entry of all."""

    number: int
    hash: str


class Entries(msgspec.Struct):
    """A page of the audit, in the direction of reading."""

    entries: list[Entry]
    first: int | None
    last: int | None
    more: bool
    head: Head
