"""The shapes of what the API gives of people and their tokens, for its description. No logic."""

from typing import Annotated

import msgspec
from msgspec import Meta

from sockpanel.api.schemas import Role, Time


class User(msgspec.Struct):
    """Somebody with an account."""

    username: str
    role: Role
    active: Annotated[bool, Meta(description="false: let in no more")]
    seen_at: Time | None
    joined_at: Time
    sessions: Annotated[int, Meta(description="signed-in browsers")]
    tokens: int


class Users(msgspec.Struct):
    """Everybody, by name."""

    users: list[User]


class Ended(msgspec.Struct):
    """How many sessions were ended."""

    ended: int


class Invitation(msgspec.Struct):
    """A one-time link that can still be used."""

    number: int
    name: Annotated[str, Meta(description="for whom, for people to read")]
    role: Role
    made_by: str
    made_at: Time
    expires_at: Time


class Invitations(msgspec.Struct):
    """Those that can still be used, the newest first."""

    invitations: list[Invitation]


class MadeInvitation(Invitation):
    """A new one."""

    link: Annotated[str, Meta(description="told in this answer and nowhere else")]


class Account(msgspec.Struct):
    """Who is asking."""

    username: str
    role: Annotated[Role, Meta(description="for a token its scope, where that is lower")]
    theme: Annotated[str, Meta(description="empty: as the system")]
    language: Annotated[str, Meta(description="empty: the panel's")]


class OwnToken(msgspec.Struct):
    """A token for a script."""

    number: int
    name: str
    scope: Role
    created_at: Time
    used_at: Time | None
    expires_at: Annotated[Time | None, Meta(description="null: never")]
    expired: bool


class OwnTokens(msgspec.Struct):
    """All of one's own, the newest first."""

    tokens: list[OwnToken]


class MadeToken(OwnToken):
    """A new one."""

    token: Annotated[str, Meta(description="told in this answer and nowhere else")]
