"""What a server should be, as whoever reads the configuration tells the supervisor; and which addresses get in each other's way."""

import msgspec

from services.servers.report import Briefing
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial

Address = tuple[str, str | int]


class Wanted(msgspec.Struct, frozen=True):
    """One server of the wanted set."""

    id: int
    spec: ServerSpec
    running: bool
    restart: str  # never, on-failure, always
    asked: int = 0  # grows with each start, stop and restart that somebody asks for
    asked_by: str = ""
    barred: str = ""  # why it may not run, as a sentence, although somebody wants it to; `running` is false then
    revision: int = 1  # grows with each change of the configuration
    restored: bool = False  # it was wanted before the supervisor began: nobody has asked since
    briefing: Briefing | None = None  # remote-command servers: told to the worker at its start, and when it changes
    tls: TlsMaterial | None = None  # servers that speak TLS: the same
    missing: str = ""  # why it cannot be started, as a sentence; one that runs goes on with what it has


def place(spec: ServerSpec) -> Address:
    """What two servers cannot have both, roughly: the port of a transport, or the path."""
    return ("path", spec.host) if spec.is_unix else (spec.transport, spec.port)


def same_socket(one: ServerSpec, other: ServerSpec) -> bool:
    """Whether a socket opened for `one` serves `other` as well."""
    return all(getattr(one, field) == getattr(other, field) for field in ("kind", "transport", "host", "port"))


def same_service(one: ServerSpec, other: ServerSpec) -> bool:
    """Whether a worker that runs `one` need not be restarted for `other`: nothing but names differ, its own or its certificate's."""
    tls = other.tls
    if one.speaks_tls and other.speaks_tls:  # what is behind the name is told apart from the spec
        tls = msgspec.structs.replace(tls, certificate=one.tls.certificate)
    return one == msgspec.structs.replace(other, name=one.name, tls=tls)
