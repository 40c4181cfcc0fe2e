"""What a worker has to tell, gathered into Batches, and how much of it may be under way.

It knows neither sockets nor the link: it is given a function that sends bytes. Servers append rows to `messages` (the one thing that
happens for each message) and call `noted` once for each read; everything else is counted from the rows when a batch leaves.

    reporter.messages.append((at, 7, "127.0.0.1:5000", IN, b"abc", 3, ""))
    reporter.noted(3)
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from services.servers import clock, report
from services.servers.incidents import Incidents
from services.servers.leaks import Leaks
from services.servers.losses import Losses
from services.servers.redaction import Secret
from services.servers.report import Batch, Closed, Counted, MessageRow, Opened, TlsFacts, Touched
from services.servers.totals import Sums, Totals

BATCH_MESSAGES = 5_000
BATCH_BYTES = 1024 * 1024
ONE_READ = 256 * 1024  # uvloop's longest, by which a batch may pass its size
BATCH_WITHIN = 0.003  # seconds from the first event of a batch to its departure; a timer is up to 1 ms late
WINDOW = 16 * 1024 * 1024  # bytes told and not yet stored
RIPE_AFTER = 0.05  # seconds: a timer may be a little early
TOUCH_EVERY = 1.0  # seconds between two reports of what the same connection did

Callback = Callable[[], None]


class Reporter:
    """Makes the batches of one run."""

    def __init__(self, send: Callable[[bytes], None], loop: asyncio.AbstractEventLoop, window: int = WINDOW) -> None:
        self.messages: list[MessageRow] = []
        self.open_connections = 0
        self.is_held = False  # nothing more may be taken in until `released` is called
        self.held: Callback = _nothing
        self.released: Callback = _nothing
        self._send = send
        self._loop = loop
        self._window = window
        self._number = 1  # of the batch that is being gathered
        self._bytes = 0  # kept in it
        self._opened: list[Opened] = []
        self._closed: list[Closed] = []
        self._touched: list[Touched] = []
        self._losses = Losses()
        self._incidents = Incidents()
        self._leaks = Leaks()
        self._leaves: asyncio.TimerHandle | None = None
        self._touches: asyncio.TimerHandle | None = None
        self._ripens: asyncio.TimerHandle | None = None
        self._totals = Totals()
        self._unstored: deque[tuple[int, int]] = deque()  # number and bytes of each batch under way
        self._unstored_bytes = 0
        self._after: deque[tuple[int, Callback]] = deque()  # what waits for a batch to be stored
        self._moved = asyncio.Event()

    # What servers tell

    def noted(self, kept: int) -> None:
        """Rows with `kept` bytes, or something else, were added to the batch."""
        self._bytes += kept
        if self._bytes >= BATCH_BYTES or len(self.messages) >= BATCH_MESSAGES:
            self.flush()
        elif self._leaves is None:
            self._leaves = self._loop.call_later(BATCH_WITHIN, self._due)

    def opened(self, number: int, peer: str, tls: TlsFacts | None = None) -> None:
        """A connection, or the first datagram of a peer."""
        self.open_connections += 1
        self._opened.append(Opened(number, peer, clock.now(), tls))
        self.noted(0)

    def closed(self, number: int, why: str) -> None:
        """It ended."""
        self.open_connections -= 1
        self._closed.append(Closed(number, clock.now(), why))
        self.noted(0)

    def dropped(self, reason: str, messages: int = 1, size: int = 0, connection: int | None = None) -> None:
        """Incoming messages that are in no batch; `size` bytes of them came, over `connection` where that is known."""
        if connection is not None:
            self._totals.add(connection, clock.now(), messages, size)
        self._losses.dropped.add(reason, messages, size)
        self.noted(0)

    def sent_dropped(self, reason: str, messages: int = 1, size: int = 0) -> None:
        """Outgoing messages that are in no batch; `size` bytes of them."""
        self._losses.sent_dropped.add(reason, messages, size)
        self.noted(0)

    def refused(self, rule: str, source: str, what: str) -> None:
        """A connection that was not let in: counted, and an incident."""
        self._losses.refused[rule] = self._losses.refused.get(rule, 0) + 1
        self.incident(rule, source, what)

    def incident(self, rule: str, source: str, what: str, count: int = 1) -> None:
        """Something was refused or slowed down: told at once, and in bundles when it goes on."""
        self._incidents.note(rule, source, what, count, self._loop.time())
        self._await_ripeness()
        if self._incidents:
            self.noted(0)

    def exposed(self, secrets: Iterable[Secret], connection: int, peer: str, *, is_output: bool = False) -> None:
        """Keys or tokens of the panel came in, or a command of the peer's wrote them: each is told of once."""
        if self._leaks.note(secrets, connection, peer, is_output=is_output):
            self.noted(0)

    def after_commit(self, callback: Callback) -> None:
        """Call `callback` once everything in the batch so far is stored."""
        self._after.append((self._number, callback))

    def flush(self, everything: bool = False) -> None:
        """Send what has been gathered, if anything; everything: what each connection did, too, whenever that was told last."""
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        batch = self._gathered(everything)
        if batch is None:
            return
        frame = report.encode(batch)
        self._begin()
        self._unstored.append((batch.number, len(frame)))
        self._unstored_bytes += len(frame)
        self._send(frame)
        if self._unstored_bytes + BATCH_BYTES + ONE_READ > self._window and not self.is_held:
            self.is_held = True
            self.held()

    # What the link tells

    def stored(self, number: int) -> None:
        """Every batch up to `number` is committed."""
        while self._unstored and self._unstored[0][0] <= number:
            self._unstored_bytes -= self._unstored.popleft()[1]
        while self._after and self._after[0][0] <= number:
            self._after.popleft()[1]()
        if self.is_held and self._unstored_bytes <= self._window // 2:
            self.is_held = False
            self.flush()
            self.released()
        self._moved.set()

    async def settled(self) -> None:
        """Send everything and wait until it is stored."""
        self._incidents.ripen_all()
        self.flush(everything=True)
        while self._unstored:
            self._moved.clear()
            await self._moved.wait()
            self.flush(everything=True)

    def _due(self) -> None:
        self._leaves = None
        if not self.is_held:  # else what is not a message gathers until there is room for it
            self.flush()

    def _touch(self) -> None:
        self._touches = None
        self._touched += self._totals.take_all()
        self._due()

    def _await_ripeness(self) -> None:
        if self._ripens is None and (at := self._incidents.next_at) is not None:
            self._ripens = self._loop.call_at(at + RIPE_AFTER, self._ripen)

    def _ripen(self) -> None:
        self._ripens = None
        self._incidents.ripen(self._loop.time())
        self._await_ripeness()
        self._due()

    def _gathered(self, everything: bool) -> Batch | None:
        """The batch so far; None when nothing happened."""
        sums = self._totals.count(self.messages)
        self._touched += filter(None, [self._totals.take(closed.number) for closed in self._closed])
        if everything:
            self._touched += self._totals.take_all()
        if self._totals and self._touches is None:
            self._touches = self._loop.call_later(TOUCH_EVERY, self._touch)
        happened = self.messages or self._opened or self._closed or self._touched or self._losses or self._incidents
        if not happened and not self._leaks:
            return None
        return Batch(
            number=self._number,
            messages=self.messages,
            opened=self._opened,
            closed=self._closed,
            touched=self._touched,
            counted=_counted(sums, self._losses),
            open_connections=self.open_connections,
            incidents=self._incidents.take(),
            exposed=self._leaks.take(),
        )

    def _begin(self) -> None:
        """The next batch."""
        self._number += 1
        self._bytes = 0
        self.messages.clear()  # the same list: whoever writes to it holds its `append`
        self._opened, self._closed, self._touched = [], [], []
        self._losses = Losses()


def _counted(sums: Sums, losses: Losses) -> Counted:
    dropped, sent_dropped = losses.dropped, losses.sent_dropped
    return Counted(
        received=sums.received + sum(dropped.messages.values()),
        bytes_in=sums.bytes_in + sum(dropped.bytes.values()),
        dropped=dropped.messages,
        sent=sums.sent + sum(sent_dropped.messages.values()),
        bytes_out=sums.bytes_out + sum(sent_dropped.bytes.values()),
        sent_dropped=sent_dropped.messages,
        dropped_bytes=dropped.bytes,
        sent_dropped_bytes=sent_dropped.bytes,
        refused=losses.refused,
    )


def _nothing() -> None:
    pass
