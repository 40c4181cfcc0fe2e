"""The shapes of what the API gives of remote commands and their keys, for its description. No logic."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sockpanel.api.schemas import Time


class Command(msgspec.Struct):
    """A remote command that this panel was asked to run."""

    id: int
    user: str
    server: str
    host: str
    port: int
    key: str
    argv: list[str]
    shell: bool
    line: str
    state: Literal["waiting", "running", "done", "failed"]
    asked_at: Time
    started_at: Time | None
    ended_at: Time | None
    exit_code: int | None
    signal: int | None
    seconds: float | None
    why: Annotated[str, Meta(description="why it did not end by itself")]
    code: Annotated[str, Meta(description="SP-1234, when it failed to run")]
    error: str
    stdout_bytes: int
    stderr_bytes: int
    truncated: Annotated[bool, Meta(description="the server sent less than the command wrote")]
    kept_bytes: int


class Ran(Command):
    """One with as much of its output as is kept."""

    stdout: str
    stderr: str
    encoding: Literal["text", "base64"]


class Commands(msgspec.Struct):
    """A page of commands, newest first."""

    commands: list[Command]
    first: int | None
    last: int | None
    more: bool


class Execution(msgspec.Struct):
    """One command that a remote-command server ran, or refused."""

    id: int
    run: int
    connection: int
    key: str
    public: str
    who: str
    source: str
    is_new_source: Annotated[bool, Meta(description="the key was never used from this address before")]
    command: str
    argv: list[str]
    argv_sha256: str
    at: Time
    ended_at: Time | None
    exit_code: int | None
    signal: int | None
    seconds: float | None
    why: str
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    output: Annotated[str, Meta(description="base64: the first bytes of both streams")]


class Executions(msgspec.Struct):
    """A page of executions, newest first."""

    executions: list[Execution]
    first: int | None
    last: int | None
    more: bool


class Key(msgspec.Struct):
    """A key that remote-command servers let in."""

    name: str
    public: str
    fingerprint: str
    owner: str
    servers: list[str]
    commands: list[str] | None
    shell: bool
    sources: list[str]
    expires_at: Time | None
    created_at: Time
    revoked_at: Time | None
    used_at: Time | None
    created_by: str
    revoked_by: str
    used_from: str
    warnings: Annotated[list[str], Meta(description="servers and commands that it names and nobody has")]


class MadeKey(Key):
    """A new one, with its private half where the panel made it."""

    private: str | None


class Keys(msgspec.Struct):
    """Every key."""

    panel: Annotated[str, Meta(description="the panel's own public key, in hex")]
    keys: list[Key]


class ServerKey(msgspec.Struct):
    """By which clients know a remote-command server."""

    public: str
