"""The seats of one hub, what they follow, and one round of work for them. It has no task: the hub says when a round begins."""

import time
from collections.abc import Iterable

from services.errors import NotAllowed, SockpanelError
from services.history import Query
from sockpanel.live import people, wire
from sockpanel.live.feed import Feed
from sockpanel.live.outlet import Outlet
from sockpanel.live.people import Person
from sockpanel.live.reader import Reader
from sockpanel.live.seat import Seat
from sockpanel.live.standings import Standings

LOOK_EVERY = 2.0  # seconds; a lost hint costs at most this
FETCHES = 4  # reads of older rows in one round
CHECK_EVERY = (
    2.0  # seconds between two looks at who may still be there; whoever may not is out within 5, busy as we may be
)


class Room:
    """Everything that the WebSockets of one event loop share. Its coroutines raise django.db.Error or TimeoutError."""

    def __init__(self) -> None:
        self.seats: set[Seat] = set()
        self.reader = Reader()
        self._feeds: dict[int, Feed] = {}
        self._standings = Standings()
        self._hungry: dict[Seat, None] = {}  # wait for older rows; who has waited longest comes first
        self._look_at = self._check_at = 0.0

    async def sit(self, person: Person, outlet: Outlet, server: int | None = None) -> Seat:
        """A place at one server, or at all."""
        seat = Seat(person, outlet, None if server is None else await self._feed(server))
        self.seats.add(seat)
        if seat.feed:
            seat.feed.seats += 1
        self._standings.hint(server, at_once=True)
        return seat

    async def _feed(self, server: int) -> Feed:
        if server not in self._feeds:
            begun = await self.reader.run(Feed.begin, server)
            return self._feeds.setdefault(server, begun)
        return self._feeds[server]

    def leave(self, seat: Seat) -> None:
        """The socket is gone; what nobody follows any longer is forgotten."""
        self.seats.discard(seat)
        self._hungry.pop(seat, None)
        if seat.feed:
            seat.feed.seats -= 1
            if not seat.feed.seats:
                self._feeds.pop(seat.feed.server, None)
        if not self._panel:
            self._standings.keep(self._feeds)

    @property
    def _panel(self) -> bool:
        return any(seat.feed is None for seat in self.seats)

    async def follow(self, seat: Seat, after: int | None, query: Query, incident: int | None = None) -> None:
        """Send this socket the messages after `after` (None: new ones) that fit, and the incidents after `incident`."""
        if not seat.feed:
            return
        if await self.reader.run(people.hidden, {(seat.person.role, seat.feed.server)}):
            raise NotAllowed(
                "What this server runs, and what comes of it, is for operators: ask an admin for the role."
            )
        missed = [] if after is None else await self.reader.run(seat.feed.events_since, after)
        if incident is not None:
            seat.note(await self.reader.run(seat.feed.notes_since, incident), time.monotonic())
        seat.follower.follow(after, query, seat.feed.tail.last)
        seat.follower.happened(missed)
        seat.feed.dirty = True
        self._pump(seat)

    def acknowledged(self, seat: Seat, seq: int) -> None:
        """The client has shown everything up to `seq`."""
        seat.window.acknowledged(seq)
        self._pump(seat)
        seat.tell(self._standings.board, time.monotonic())

    def hint(self, server: int | None) -> None:
        """Look again at this server; None: at all."""
        self._standings.hint(server)
        for feed in self._feeds.values():
            feed.dirty |= server is None or server == feed.server

    def say_all(self, error: SockpanelError) -> None:
        """Tell everybody, as far as the windows let it through."""
        now = time.monotonic()
        for seat in self.seats:
            seat.refuse(error, now)

    def close_all(self, code: int) -> None:
        for seat in self.seats:
            seat.outlet.close(code)

    @property
    def is_hungry(self) -> bool:
        """Whether somebody waits for older rows."""
        return bool(self._hungry)

    @property
    def due(self) -> float:
        """When the next round has something to do, on the monotonic clock."""
        looks = [feed.due for feed in self._feeds.values() if feed.dirty]
        return 0.0 if self._hungry else min(self._look_at, self._check_at, self._standings.due, *looks)

    async def round(self, now: float) -> None:
        """New rows, older rows, states and counters, and who may stay."""
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            self.hint(None)
            self._close_stalled(now)
        for feed in [feed for feed in self._feeds.values() if feed.dirty and now >= feed.due]:
            await self._look(feed, now)
        await self._feed_the_hungry()
        await self._look_at_standings(now)
        if now >= self._check_at:
            self._check_at = now + CHECK_EVERY
            await self._check(seat.person for seat in self.seats)

    async def _look(self, feed: Feed, now: float) -> None:
        feed.dirty, feed.looked_at = False, now
        try:
            look = await self.reader.run(feed.look)
        except BaseException:
            feed.dirty = True
            raise
        feed.take(look)
        for seat in self.seats:
            if seat.feed is feed:
                seat.follower.happened(look.events, look.events_skipped)
                seat.note(look.notes, now)
                self._pump(seat)

    def _pump(self, seat: Seat) -> None:
        if seat in self.seats and seat.pump(time.monotonic()):
            self._hungry[seat] = None

    async def _feed_the_hungry(self) -> None:
        """Older rows, a frame's worth for each; after FETCHES reads the next round goes on, so that new rows come in between."""
        reads = 0
        for seat in list(self._hungry):
            reads += await self._fetch(seat)
            if reads >= FETCHES:
                return
        if not self._hungry:
            for feed in self._feeds.values():
                feed.forget_chunks()

    async def _fetch(self, seat: Seat) -> int:
        """How many reads it took."""
        self._hungry.pop(seat, None)
        if not seat.feed or seat.window.full:
            return 0
        feed, cursor, reads = seat.feed, seat.follower.cursor, 0
        if (chunk := feed.known(cursor)) is None:
            chunk = await self.reader.run(feed.fetch, cursor)
            feed.keep(chunk)
            reads = 1
        seat.follower.fetched(cursor, chunk.rows, chunk.last, time.monotonic())
        self._pump(seat)
        return reads

    async def _look_at_standings(self, now: float) -> None:
        gone = await self._standings.round(self.reader, set(self._feeds), self._panel, now)
        for seat in self.seats:
            if gone:
                seat.gone(gone, now)
            if self._standings.whole:
                seat.welcome(self._standings.board, now)
            seat.tell(self._standings.board, now)

    def _close_stalled(self, now: float) -> None:
        for seat in self.seats:
            if seat.window.stalled(now):
                seat.outlet.close(wire.NO_PROGRESS)

    async def _check(self, present: Iterable[Person]) -> None:
        codes = await self.reader.run(people.to_close, set(present))
        followed = {
            (seat.person.role, seat.feed.server) for seat in self.seats if seat.feed and seat.follower.following
        }
        hidden = await self.reader.run(people.hidden, followed)
        for seat in self.seats:
            if seat.person in codes:
                seat.outlet.close(codes[seat.person])
            elif seat.feed and seat.follower.following and (seat.person.role, seat.feed.server) in hidden:
                seat.outlet.close(wire.NOT_ALLOWED)
