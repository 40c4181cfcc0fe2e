"""Where commands are asked for, whatever the dialect: each is judged, written down for good, run, and told of to the end.

It knows no connection and no protocol.

    job = desk.take(order, customer)  # customer.failed, or customer.began, wrote ..., ended
    job.cancel("it was cancelled")
"""

import asyncio
from collections.abc import Callable

from services.errors import CommandNotRecorded, CommandsBusy, SockpanelError
from services.servers import clock, networks
from services.servers.commands import keys
from services.servers.commands.allowed import Plan
from services.servers.commands.job import Customer, Job, Order, Terms
from services.servers.commands.options import CommandOptions
from services.servers.commands.running import Ended
from services.servers.redaction import Scanner, Secret, clean_text, search, told_of
from services.servers.report import IN, OUT, CommandBegun, CommandEnded, Told
from services.servers.reporter import Reporter

RECORD_WITHIN = 5.0  # seconds to write a command down
PENDING = 64  # commands whose record is waited for; beyond, customers must wait before they ask for more
UNANSWERED = 128  # commands for which the store never answered; beyond, none is told of: the supervisor has a bound too


class Desk:
    """All commands of one server."""

    def __init__(self, options: CommandOptions, reporter: Reporter, keep: int, tell: Callable[[Told], None]) -> None:
        self.room: Callable[[], None] = lambda: None  # called when it is full no more
        self._options = options
        self._reporter = reporter
        self._tell = tell
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._terms = Terms(self._loop, keep, self._closed)
        self._asks = 0
        self._open: dict[int, Job] = {}  # accepted and not over
        self._pending: dict[int, tuple[Job, Plan | None, asyncio.TimerHandle]] = {}  # their records are waited for
        self._unanswered: set[int] = set()  # the same, and those whose records were not waited for any longer
        self._moved = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether nobody may ask for more until `room` is called."""
        return len(self._pending) >= PENDING

    def take(self, order: Order, customer: Customer) -> Job:
        """A command is asked for. The customer hears what becomes of it, never before this returns."""
        self._asks += 1
        job = Job(self._terms, self._asks, order, customer)
        if len(self._unanswered) >= UNANSWERED:  # the store is away: there is nobody to tell of it
            job.is_over = True
            self._loop.call_soon(customer.failed, job, _not_recorded())
            return job
        line = order.line.encode("utf-8", "replace")
        cleaned, secrets = search(line)
        self._note(job, IN, cleaned, len(line))
        self._expose(job, secrets)
        self._tell(_begun(job))
        plan, problem = self._judged(order)
        self._unanswered.add(job.ask)
        alarm = self._loop.call_later(RECORD_WITHIN, self._not_recorded_in_time, job.ask)
        self._pending[job.ask] = (job, plan, alarm)
        if problem is None:
            self._open[job.ask] = job
        else:
            self._loop.call_soon(job.fail, problem)
        return job

    def recorded(self, ask: int) -> None:
        """A command is written down: it may run."""
        self._unanswered.discard(ask)
        if ask in self._pending:
            job, plan = self._answered(ask)
            if plan is not None:
                job.run(plan)

    async def end_all(self, why: str) -> None:
        """End every command, and wait until they have ended."""
        for job in list(self._open.values()):
            job.cancel(why)
            job.resume()
        while self._open:
            self._moved.clear()
            await self._moved.wait()

    def _judged(self, order: Order) -> tuple[Plan | None, SockpanelError | None]:
        try:
            plan = order.plan()
            self._refuse_too_many(order)
        except SockpanelError as error:
            return None, error
        return plan, None

    def _refuse_too_many(self, order: Order) -> None:
        """Raises CommandsBusy."""
        holder = order.public, order.who  # the panel's one key serves many people
        of_key = sum((job.order.public, job.order.who) == holder for job in self._open.values())
        if order.public and of_key >= self._options.at_once_per_key:
            raise CommandsBusy(f"{of_key} commands of this key run already, as many as may: wait until one ends.")
        if len(self._open) >= self._options.at_once:
            raise CommandsBusy(
                f"{len(self._open)} commands run on this server already, as many as may: wait until one ends."
            )

    def _answered(self, ask: int) -> tuple[Job, Plan | None]:
        was_full = self.is_full
        job, plan, alarm = self._pending.pop(ask)
        alarm.cancel()
        if was_full:
            self._loop.call_soon(self.room)
        return job, plan

    def _not_recorded_in_time(self, ask: int) -> None:
        job, _ = self._answered(ask)
        job.fail(_not_recorded())

    def _closed(self, job: Job, ended: Ended, output: bytes) -> None:
        """A job is over: tell of it and record what it wrote."""
        self._open.pop(job.ask, None)
        size = ended.stdout_bytes + ended.stderr_bytes
        size_noted = size or len(output)
        scanner = Scanner()
        output = scanner.feed(output)
        self._expose(job, scanner.found, is_output=True)
        if output:
            self._note(job, OUT, output, size_noted)
        self._tell(
            CommandEnded(
                ask=job.ask,
                at=clock.now(),
                code=ended.code,
                signal=ended.signal,
                seconds=ended.seconds,
                why=clean_text(ended.why),
                stdout_bytes=ended.stdout_bytes,
                stderr_bytes=ended.stderr_bytes,
                truncated=ended.truncated,
                output=output if size else b"",
            )
        )
        self._moved.set()

    def _expose(self, job: Job, secrets: list[Secret], *, is_output: bool = False) -> None:
        """The command line brought them, or the command wrote them: whoever reads what is recorded could have had them."""
        if secrets:
            order, host = job.order, str(keys.address_of(job.order.source) or "")
            self._reporter.exposed(secrets, order.connection, order.source, is_output=is_output)
            self._reporter.incident("secret", networks.source(host), told_of(host or order.source, is_output=is_output))

    def _note(self, job: Job, direction: int, data: bytes, size: int) -> None:
        number, peer, part = job.order.connection, job.order.source, data[: self._keep]
        self._reporter.messages.append((clock.now(), number, peer, direction, part, size, ""))
        self._reporter.noted(len(part))


def _begun(job: Job) -> CommandBegun:
    order = job.order
    return CommandBegun(
        ask=job.ask,
        connection=order.connection,
        at=clock.now(),
        key=order.key,
        public=order.public,
        who=order.who,
        source=order.source,
        command=clean_text(order.command),
        # No text column of PostgreSQL takes NUL; none is run
        argv=tuple(clean_text(word.replace("\0", "\\0")) for word in order.argv),
    )


def _not_recorded() -> CommandNotRecorded:
    return CommandNotRecorded(
        f"The command could not be written down within {RECORD_WITHIN:g} s and was not run: try again when the store works."
    )
