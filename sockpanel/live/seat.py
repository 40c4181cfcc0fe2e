"""One WebSocket's place in the room: who sits there, what it follows, what it has been told."""

from collections import deque
from collections.abc import Iterable

from services.errors import SockpanelError
from sockpanel.live import wire
from sockpanel.live.board import Board, Onlooker
from sockpanel.live.feed import Feed
from sockpanel.live.follower import Follower
from sockpanel.live.incidents import NEWEST, Note
from sockpanel.live.outlet import Outlet
from sockpanel.live.people import Person


class Seat:
    """At one server, or at the panel (all of them) when it has no feed."""

    def __init__(self, person: Person, outlet: Outlet, feed: Feed | None = None) -> None:
        self.person = person
        self.outlet = outlet
        self.feed = feed
        self.follower = Follower(outlet.put)
        self.window = self.follower.window
        self._onlooker = Onlooker(outlet.put, self.window)
        self._welcomed = feed is not None
        self._notes: deque[Note] = deque(maxlen=NEWEST)  # wait for a place in the window; of more, the newest
        self._noted = 0  # the last one told

    def pump(self, now: float) -> bool:
        """Send what there is of messages; whether older rows have to be fetched first."""
        return self.feed is not None and self.follower.pump(self.feed.tail, now)

    def welcome(self, board: Board, now: float) -> None:
        """The first frame at the panel: which servers there are. Their states and counters follow."""
        if not self._welcomed:
            self._welcomed = True
            names = sorted(entry.name for entry in board.entries.values())
            self._onlooker.say(wire.encode({"type": "snapshot", "servers": names}), now)

    def note(self, notes: Iterable[Note], now: float) -> None:
        """Send these incidents, each once, as far as the window lets them through; the rest after an acknowledgement."""
        self._notes.extend(notes)
        while self._notes and not self.window.full:
            note = self._notes.popleft()
            if note.id > self._noted:
                self._noted = note.id
                self._onlooker.say(note.text, now)

    def tell(self, board: Board, now: float) -> None:
        """Send what has changed on the board, and incidents that wait."""
        if self._notes:
            self.note((), now)
        if self._welcomed:
            self._onlooker.tell(board, board.entries if self.feed is None else [self.feed.server], now)

    def refuse(self, error: SockpanelError, now: float) -> None:
        """Say what was wrong; nothing while the window is full."""
        if not self.window.full:
            self._onlooker.say(wire.error(error.code, error.message), now)

    def gone(self, servers: dict[int, str], now: float) -> None:
        """These servers are no longer there: id -> name, empty where nobody had been told of it."""
        self._onlooker.forget(servers)
        if self.feed and self.feed.server in servers:
            self.outlet.close(wire.UNKNOWN, wire.error("SP-2103", "The server was deleted."))
        elif self.feed is None:
            for name in filter(None, servers.values()):
                self._onlooker.say(wire.encode({"type": "removed", "server": name}), now)
