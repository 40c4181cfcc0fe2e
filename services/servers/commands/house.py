"""What all sessions of a remote-command server share: its key, whom it lets in, where commands are asked for. It opens no socket."""

from collections.abc import Callable
from typing import cast

from services.servers import stream
from services.servers.commands import allowed
from services.servers.commands.admission import Admission
from services.servers.commands.desk import Desk
from services.servers.commands.keys import Judge
from services.servers.commands.options import CommandOptions
from services.servers.commands.penalties import Penalties
from services.servers.report import Briefing, Key, Told
from services.servers.reporter import Reporter
from services.servers.spec import ServerSpec
from services.servers.stream import Stream


class House(stream.Terms):
    """Its briefing comes before the first session, and again whenever it changes."""

    def __init__(
        self, spec: ServerSpec, reporter: Reporter, gone: Callable[[Stream], None], tell: Callable[[Told], None]
    ) -> None:
        super().__init__(spec, reporter, gone)
        self.options = cast(CommandOptions, spec.options)
        self.tell = tell
        self.identity = b""  # the server's own private key
        self.judge = Judge()
        self.cage = allowed.Terms()
        self.admission = Admission(Penalties())
        self.desk = Desk(self.options, reporter, spec.limits.keep_bytes, tell)
        self.offered_bytes = 0  # output that clients of the dialect `ready` have not fetched

    def brief(self, briefing: Briefing) -> None:
        """What counts from now on."""
        self.identity = briefing.identity
        self.judge = Judge(briefing.keys)
        self.cage = allowed.Terms(briefing.user, briefing.hidden)

    def find(self, public: bytes) -> Key | None:
        """The key as it is known now: it may have been revoked since its holder connected."""
        return self.judge.find(public)

    def objection(self, key: Key, source: str) -> str:
        """Why it may not come in now; empty: it may."""
        return self.judge.objection(key, source)
