"""What the databases want of one node: servers that should run, actions that wait, books to go on with. Read by the runtime.

It starts nothing; `read` is one look, in one thread.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

import msgspec
from django.db import Error
from django.db.models import F

from services import configuration, jobs
from services.books import MAX_PEERS, Book
from services.errors import CertificateUnknown, CertificateUnusable, ConfigurationRefused, KeyRefused
from services.models import Action, Connection, Counters, Run, Server, StateChange, Status
from services.remote import switch
from services.remote.briefing import Briefer
from services.retention import Cap
from services.servers.report import Briefing
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.supervisor.events import Moved
from services.supervisor.states import State
from services.supervisor.wanted import Wanted
from services.tls import uses
from services.tls.materials import Materials

UNREADABLE = (Error,)
DATAGRAMS = ("udp", "unix-dgram")
MAX_ACTIONS = 1000  # taken at one look
LEFT_ACTIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
ENDED_WITHOUT_A_WORD = "the supervisor ended without a word"


@dataclass(frozen=True)
class Refused:
    """A server whose row makes no sense to this version."""

    server: int
    asked: int
    revision: int
    reason: str

    def moved(self, at: int) -> Moved:
        return Moved(
            server=self.server,
            old=State.STOPPED,
            new=State.FATAL,
            reason=self.reason,
            who="",
            at=at,
            pid=None,
            address="",
            run=0,
            asked=self.asked,
            revision=self.revision,
            retry_at=None,
        )


@dataclass
class Wish:
    """One look."""

    wanted: list[Wanted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    left: set[int] = field(default_factory=set)  # known servers that another node has now: it keeps their books
    actions: list[Action] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)  # of servers that were not known before
    peers: dict[int, OrderedDict[str, int]] = field(default_factory=dict)
    caps: dict[int, Cap] = field(default_factory=dict)
    datagrams: set[int] = field(default_factory=set)


def read(node: str, only: str | None, known: set[int]) -> Wish:
    """What is wanted of `node`; with `only`, of that one server. `known`: servers whose books are out already."""
    wish = Wish()
    # Read first: what is recorded of a server that was made meanwhile must not look left over
    recorded = _recorded(known)
    everywhere = set(Server.objects.values_list("pk", flat=True))
    servers = list(Server.objects.filter(node=node, **({"name": only} if only else {})))
    ended = _ended_by_themselves()
    remote, materials = _Remote(servers), _materials(servers)
    for server in servers:
        _want(server, wish, ended, remote, materials)
        wish.caps[server.pk] = Cap(**server.retention)
        if server.transport in DATAGRAMS:
            wish.datagrams.add(server.pk)
    fresh = [server.pk for server in servers if server.pk not in known]
    _books(fresh, wish)
    wish.gone = [server for server in recorded if server not in everywhere] if only is None else []
    wish.left = known.intersection(everywhere).difference(server.pk for server in servers)
    waiting = Action.objects.filter(done_at=None, server__in=[server.pk for server in servers])
    wish.actions = list(waiting.select_related("server").order_by("pk")[:MAX_ACTIONS])
    return wish


class _Remote:
    """What the remote-command servers among them must know, and why some or all of them may not run."""

    def __init__(self, servers: list[Server]) -> None:
        self.briefings: dict[int, Briefing] = {}
        self.barred: dict[int, str] = {}
        commanding = [one for one in servers if one.kind == "command" and one.wanted == Server.Wanted.RUNNING]
        if commanding:
            self._read(commanding)

    def _read(self, servers: list[Server]) -> None:
        why, briefer = switch.objection(), None
        try:
            briefer = None if why else Briefer()
        except KeyRefused as error:
            why = error.message
        for server in servers:
            if briefer is None:
                self.barred[server.pk] = why
            else:
                self._brief(briefer, server)

    def _brief(self, briefer: Briefer, server: Server) -> None:
        try:
            self.briefings[server.pk] = briefer.of(server)
        except KeyRefused as error:
            self.barred[server.pk] = error.message


def barred(wanted: list[Wanted], why: str) -> list[Wanted]:
    """The same servers, but none that runs commands."""
    return [
        msgspec.structs.replace(one, running=False, barred=why) if one.spec.kind == "command" and one.running else one
        for one in wanted
    ]


def _ended_by_themselves() -> dict[int, int]:
    """Servers whose worker was done -> the `asked` it was started for: only a new start brings them back."""
    return dict(Status.objects.filter(state="EXITED").values_list("pk", "asked"))


def _want(server: Server, wish: Wish, ended: dict[int, int], remote: _Remote, materials: Materials) -> None:
    try:
        spec = configuration.spec_of(server)
    except ConfigurationRefused as error:
        reason = f"Its configuration makes no sense to this version: {error.message} Edit the server."
        wish.refused.append(Refused(server.pk, server.asked, server.revision, reason))
        return
    barred = remote.barred.get(server.pk, "")
    material, missing = _material(server, spec, materials)
    wanted = server.wanted == Server.Wanted.RUNNING and ended.get(server.pk, -1) < server.asked
    wish.wanted.append(
        Wanted(
            id=server.pk,
            spec=spec,
            running=wanted and not barred,
            barred=barred if wanted else "",
            briefing=remote.briefings.get(server.pk),
            tls=material,
            missing=missing,
            restart=server.restart,
            asked=server.asked,
            asked_by=server.asked_by,
            revision=server.revision,
        )
    )


def _materials(servers: list[Server]) -> Materials:
    """All that they need to speak TLS, by one question however many they are."""
    named = (uses.named(one.tls) for one in servers if one.wanted == Server.Wanted.RUNNING and _speaks_tls(one))
    return Materials(set().union(*named))


def _speaks_tls(server: Server) -> bool:
    return isinstance(server.tls, dict) and server.tls.get("mode") == "on"


def _material(server: Server, spec: ServerSpec, materials: Materials) -> tuple[TlsMaterial | None, str]:
    """What a server that should run needs to speak TLS, or why it cannot be had."""
    if not spec.speaks_tls or server.wanted != Server.Wanted.RUNNING:
        return None, ""
    try:
        return materials.of(spec), ""
    except (CertificateUnknown, CertificateUnusable) as error:
        return None, error.message


def _books(servers: list[int], wish: Wish) -> None:
    rows = Counters.objects.in_bulk(servers)
    for server in servers:
        wish.books.append(Book.read(rows[server]) if server in rows else Book(server))
        wish.peers[server] = _peers(server) if server in wish.datagrams else OrderedDict()


def _peers(server: int) -> OrderedDict[str, int]:
    newest = Connection.objects.filter(server_id=server).order_by("-number").values_list("peer", "number")[:MAX_PEERS]
    return OrderedDict(reversed(list(newest)))


def _recorded(known: set[int]) -> set[int]:
    """Servers with rows in the messages database, or of which this supervisor knows."""
    return known | set(Counters.objects.values_list("pk", flat=True)) | set(Status.objects.values_list("pk", flat=True))


def former_runs(node: str) -> list[tuple[int, int]]:
    """(pid, process start) of workers that no supervisor has seen end."""
    here = list(Server.objects.filter(node=node).values_list("pk", flat=True))
    gone = set(Run.objects.filter(ended_at=None).values_list("server_id", flat=True)) - set(
        Server.objects.values_list("pk", flat=True)
    )
    rows = Run.objects.filter(ended_at=None, server_id__in=[*here, *gone])
    return list(rows.values_list("pid", "process_start"))


def asks(node: str) -> dict[int, int]:
    """What has been asked so far of each server: whatever is more was asked since."""
    return dict(Server.objects.filter(node=node).values_list("pk", "asked"))


def restored(wanted: list[Wanted], former: dict[int, int]) -> list[Wanted]:
    """The same servers, marked where nobody has asked anything since `former`."""
    return [msgspec.structs.replace(one, restored=one.asked <= former.get(one.id, -1)) for one in wanted]


def settle_former(node: str, at: int) -> None:
    """Write down that whatever a dead supervisor left running has ended. Called before the recorder starts."""
    for server in Server.objects.filter(node=node).values_list("pk", flat=True):
        if Run.objects.filter(server_id=server, ended_at=None).update(ended_at=at):
            seq = Counters.objects.filter(pk=server).values_list("last_seq", flat=True).first() or 0
            jobs.close_open(server, at, seq, ENDED_WITHOUT_A_WORD)
            jobs.end_executions(server, at, ENDED_WITHOUT_A_WORD)
            Counters.objects.filter(pk=server).update(open_connections=0)
        for status in Status.objects.filter(pk=server, state__in=LEFT_ACTIVE):
            StateChange.objects.create(
                server_id=server, at=at, old=status.state, new="STOPPED", reason=ENDED_WITHOUT_A_WORD
            )
            Status.objects.filter(pk=server).update(
                state="STOPPED", reason=ENDED_WITHOUT_A_WORD, since=at, pid=None, retry_at=None
            )


def autostart(node: str) -> list[int]:
    """What starts with Sockpanel is wanted from now on, asked for anew; the servers that this is true of."""
    servers = list(Server.objects.filter(node=node, autostart=True).values_list("pk", flat=True))
    Server.objects.filter(pk__in=servers).update(wanted=Server.Wanted.RUNNING, asked=F("asked") + 1)
    return servers
