"""One connection of the dialect `ready`: a command, its output when the client fetches it, the next command. It knows no listener."""

import asyncio

from services.errors import SockpanelError
from services.servers.commands import allowed, ready
from services.servers.commands.house import House
from services.servers.commands.job import Job, Order
from services.servers.commands.ready import Foreign, Unfit
from services.servers.commands.running import STDOUT, Ended
from services.servers.redaction import UNDERSCORE
from services.servers.stream import Stream

FETCH_WITHIN = 60.0  # seconds to say `Start`
MOST_OFFERED = 32 * 1024 * 1024  # bytes of output of one server that wait to be fetched


class ReadySession(Stream):
    """One command at a time."""

    _terms: House

    def __init__(self, house: House, number: int, peer: str) -> None:
        super().__init__(house, number, peer)
        self._came = b""
        self._job: Job | None = None
        self._output = bytearray()
        self._is_offered = False
        self._alarm: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if UNDERSCORE in data or self._wary is not None:
            self._look_out(data)
        self._came += data
        if self._job is None:
            self._next()
        elif len(self._came) > ready.MOST:
            self._refuse("it sent too much while its command ran")

    def eof_received(self) -> bool:
        self._ended = True
        return False

    def close(self, why: str) -> None:
        super().close(why)
        self._leave(why)

    def _last(self) -> None:
        self._leave("its connection ended")

    # What the client says

    def _next(self) -> None:
        """One read is one word of the dialect: it has no frames."""
        data, self._came = self._came, b""
        try:
            if self._is_offered:
                self._fetched(data)
            else:
                self._ask(ready.words(data))
        except Foreign as foreign:
            self._refuse(foreign.why)
        except Unfit:
            self._answer(ready.ERROR)

    def _fetched(self, data: bytes) -> None:
        if ready.line(data) != ready.START:
            raise Foreign("it did not say `Start`")
        output = bytes(self._output)
        self._forget()
        self._answer(output)

    def _ask(self, argv: tuple[str, ...]) -> None:
        house = self._terms
        order = Order(
            connection=self.number,
            source=self.peer,
            command="ready",
            argv=argv,
            plan=lambda: allowed.program(house.options, argv, house.cage),
        )
        self._job = house.desk.take(order, self)

    def _refuse(self, why: str) -> None:
        self._terms.reporter.dropped("malformed", connection=self.number)
        self._answer(ready.ERROR)
        self.close(why)

    # What becomes of the command

    def began(self, job: Job) -> None:
        pass  # the dialect has no word for it

    def wrote(self, job: Job, stream: int, data: bytes) -> None:
        if stream != STDOUT:
            return
        self._output += data
        self._terms.offered_bytes += len(data)
        if self._terms.offered_bytes > MOST_OFFERED:
            job.cancel("too much output waits to be fetched")

    def ended(self, job: Job, ended: Ended) -> None:
        """What did not end by itself has no whole output, and so none."""
        self._job = None
        if self._output and not ended.why:
            self._is_offered = True
            self._alarm = self._terms.loop.call_later(FETCH_WITHIN, self.close, "it did not fetch its output")
            self._answer(ready.offer(len(self._output)))
        else:
            self._forget()
            self._answer(ready.ERROR)
        if self._came:
            self._next()

    def failed(self, job: Job, error: SockpanelError) -> None:
        self._job = None
        self._answer(ready.ERROR)
        if self._came:
            self._next()

    def _answer(self, data: bytes) -> None:
        if self._made and not self._over and not self._lost:
            self._transport.write(data)

    def _forget(self) -> None:
        self._terms.offered_bytes -= len(self._output)
        self._output.clear()
        self._is_offered = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _leave(self, why: str) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.abandon(why)
        self._came = b""
        self._forget()
