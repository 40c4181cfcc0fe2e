"""One server's living instance: its state, its socket, its worker, and the one timer that its state needs.

Every input (a wish, a word of the worker, a timer) is one plain method call that leaves it in a sound state, so that a fake clock and
a fake worker can replay any history. It knows neither processes nor event loops.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from services.errors import BindError, NotRunning, SendRefused, SockpanelError, StartFailed
from services.servers import report
from services.servers.spec import ServerSpec
from services.supervisor import reasons
from services.supervisor.backoff import Backoff
from services.supervisor.door import Door, Held
from services.supervisor.means import Hand, Means
from services.supervisor.states import Event, Machine, State
from services.supervisor.telling import Change, Telling
from services.supervisor.timers import Alarm
from services.supervisor.wanted import Wanted, place, same_service
from services.supervisor.worker import End, Launch


class Exchange(msgspec.Struct, frozen=True):
    """A change whose address can only be opened once the old one is closed: what to go back to, and who waits."""

    old: Wanted
    done: Callable[[SockpanelError | None], None]


class Keeper:
    """Keeps one server as wanted."""

    def __init__(self, wanted: Wanted, means: Means) -> None:
        self.id = wanted.id
        self.wanted = wanted
        self.current = wanted  # what runs, or ran last
        self.leaving = False  # to be forgotten once it rests
        self.worker: Hand | None = None
        self._means = means
        self._machine = Machine()
        self._door = Door(means)
        self._drops = self._door.drops  # of the worker's socket, which is not always the open one
        self._backoff = Backoff(means.timings)
        self._exchange: Exchange | None = None
        self._telling = Telling(wanted.id, means.observer)
        self._ready_at = 0.0
        self._ports: tuple[int, ...] | None = None  # that the worker knows
        self._alarm = Alarm(means.clock)  # what the state waits for at most
        self._place = Alarm(means.clock)  # how long a start keeps others waiting

    @property
    def state(self) -> State:
        return self._machine.state

    def fits(self, spec: ServerSpec) -> bool:
        """Whether our open socket is the one for `spec`."""
        return self._door.fits(spec)

    def blocks(self, spec: ServerSpec) -> bool:
        """Whether our worker, which is stopping, may still have the place that `spec` needs."""
        stopping = self.state is State.STOPPING and self.worker is not None
        return stopping and place(self.current.spec) == place(spec)

    @property
    def port(self) -> int:
        """The UDP port that is open for it, whether or not a worker lives just now; 0 for none."""
        return self._door.udp_port

    # Wishes

    def heed(self, wanted: Wanted, reason: str = "", who: str | None = None) -> None:
        """Takes notice of what is wanted now; hearing it twice changes nothing."""
        if wanted.revision < self.wanted.revision:  # read before a change that is under way here
            wanted = msgspec.structs.replace(
                wanted,
                spec=self.wanted.spec,
                revision=self.wanted.revision,
                briefing=wanted.briefing or self.wanted.briefing,
                tls=self.wanted.tls,
                missing=self.wanted.missing,
            )
        if self.wanted.barred and wanted.running:
            reason = reason or reasons.ALLOWED
        self.wanted = wanted
        self.leaving = False
        who = wanted.asked_by if who is None else who
        if wanted.running:
            self._wish_run(reason, who)
        else:
            self._wish_stop(wanted.barred or reason or reasons.ASKED_STOP, "" if wanted.barred else who)

    def leave(self, reason: str) -> None:
        """Stops it for good; `rested` tells when."""
        self.leaving = True
        self.wanted = msgspec.structs.replace(self.wanted, running=False)
        self._wish_stop(reason, "")

    def hold(self, wanted: Wanted, held: Held) -> None:
        """Goes over to a changed configuration whose socket is open already."""
        self._door.hold(held)
        self.heed(wanted, reasons.CHANGED)

    def exchange(self, wanted: Wanted, done: Callable[[SockpanelError | None], None]) -> None:
        """Goes over to a changed configuration, and back again when its socket cannot be opened."""
        self._exchange = Exchange(self.current, done)
        self.heed(wanted, reasons.CHANGED)

    def try_again(self) -> None:
        """A place may have become free."""
        self._door.try_again()

    def meet(self, ports: tuple[int, ...]) -> None:
        """These are the ports of all datagram servers here: one of them must know whom not to answer."""
        if self.worker is not None and self.port and ports != self._ports:
            self._ports = ports
            self._inform(self.worker.meet, ports, "who its neighbours are")

    def _wish_run(self, reason: str, who: str) -> None:
        asked = self.wanted.asked > self._telling.heeded
        changed = not same_service(self.current.spec, self.wanted.spec)
        why = reason or (reasons.ASKED_START if asked else reasons.CHANGED)
        match self.state:
            case State.STOPPED:
                self._start(Event.START, why, who)
            case State.EXITED if asked:
                self._start(Event.START, why, who)
            case State.FATAL | State.BACKOFF if asked or changed:
                self._start(Event.START, why, who)
            case State.STARTING if changed:
                self._restart(why, who)
            case State.RUNNING if asked or changed:
                self._restart(reason or (reasons.ASKED_RESTART if asked else reasons.CHANGED), who)
            case State.STARTING | State.RUNNING:
                self._adopt()
        self._telling.notice(self.state, self.current)

    def _wish_stop(self, reason: str, who: str) -> None:
        self._telling.heeded = max(self._telling.heeded, self.wanted.asked)
        match self.state:
            case State.STARTING | State.RUNNING:
                self._door.release()
                self._stop(reason, who)
            case State.BACKOFF:
                self._alarm.cancel()
                self._door.release()
                self._move(Event.STOP, reason, who)
                self._rest()
            case State.STOPPING:
                self._door.release()
                if self.wanted.barred:
                    self._allow_to_stop()
            case _:
                self._rest()
        self._telling.notice(self.state, self.current)

    def _adopt(self) -> None:
        if self.worker is not None and self.wanted.briefing is not None:
            self._brief(self.wanted.briefing)
        if self.worker is not None and self.wanted.tls not in (None, self.current.tls):
            self._inform(self.worker.certify, self.wanted.tls, "its renewed certificate")
        self.current = self.wanted
        self._telling.heeded = max(self._telling.heeded, self.wanted.asked)

    def _brief(self, briefing: report.Briefing) -> None:
        """What the worker must know has changed. One that does not listen any more knows too much: it is replaced."""
        if self.worker is not None and briefing != self.current.briefing:
            self._inform(self.worker.brief, briefing, "its new keys")

    def _inform(self, tell: Callable[[Any], None], news: Any, name: str) -> None:
        try:
            tell(news)
        except SendRefused as error:
            self._kill(f"The worker did not take {name} and was killed. {error.message}")

    # Starting

    def _start(self, event: Event, reason: str, who: str = "") -> None:
        self._adopt()
        if event is Event.START:
            self._backoff.reset()
        self._alarm.set(self._means.timings.stop + self._means.timings.open, self._not_opened)
        self._move(event, reason, who)
        self._door.open(self.current.spec, self._opened)

    def _opened(self, error: BindError | None) -> None:
        why = error or (StartFailed(self.wanted.missing) if self.wanted.missing else None)
        if self.state is State.STOPPING:
            self._gone()
        elif why is None:
            self._alarm.cancel()
            self._conclude(None)
            self._means.gate.enter(self.id, self._spawn)
        elif self._exchange is not None:
            self._door.release()
            self._conclude(why)
            self._adopt()
            self._door.open(self.current.spec, self._opened)
        else:
            self._refuse(why.message)

    def _not_opened(self) -> None:
        self._door.abandon()
        self._refuse(
            f"The address {self.current.spec.address} did not open in time: look at the machine, then start it."
        )

    def _spawn(self) -> None:
        self._drops = self._door.drops
        self._means.budget.started(self.id, self._means.clock.time())
        try:
            history = self._telling.history()
            self.worker = self._means.spawn(
                Launch(
                    spec=self.current.spec,
                    socket=self._door.descriptor,
                    next_connection=history.next_connection,
                    peers=history.peers,
                    kernel_drops=self._drops.told,
                    briefing=self.wanted.briefing,
                    tls=self.wanted.tls,
                )
            )
        except (OSError, ValueError, SockpanelError) as error:
            self._leave_gate()
            self._died(f"The worker could not be spawned: {error}.", is_clean=False, loop=None)
            return
        self.worker.listen(self)
        self._ports = None
        self._means.moved()
        self._telling.run_started(history.next_run, self.worker.pid, self.worker.process_start)
        self._alarm.set(self._means.timings.ready, self._kill, reasons.not_ready(self._means.timings.ready))
        self._place.set(self._means.timings.place, self._means.gate.leave, self.id)

    # What the worker tells

    def ready(self, receive_buffer: int = 0) -> None:
        if self.state is State.STARTING:
            self._leave_gate()
            self._ready_at = self._means.clock.time()
            self._alarm.set(self._means.timings.silence, self._listen)
            self._move(Event.READY, reasons.ready(receive_buffer if self.port else 0))
        elif self.state is State.RUNNING:
            self._kill("The worker said twice that it is ready and was killed.")

    def reported(self, batch: report.Batch, stored: Callable[[int], None]) -> None:
        self._drops.add(batch.counted.dropped.get("kernel", 0))
        self._telling.reported(batch, stored)

    def command_begun(self, told: report.CommandBegun, recorded: Callable[[], None]) -> None:
        self._telling.command_begun(told, recorded)

    def command_ended(self, told: report.CommandEnded) -> None:
        self._telling.command_ended(told)

    def key_used(self, told: report.KeyUsed) -> None:
        self._telling.key_used(told)

    def ended(self, end: End) -> None:
        self.worker = None
        self._alarm.cancel()
        self._leave_gate()
        self._telling.run_ended(end)
        if self.state is State.STOPPING:
            self._gone()
        elif self.state is State.STARTING and end.refused:
            self._refuse(end.refused)
        else:
            self._died(reasons.ended(end), end.is_clean, reasons.crash_loop(end, self._means.timings))
        self._means.freed()

    def _listen(self) -> None:
        assert self.worker is not None  # noqa: S101 - the timer is disarmed at its end
        quiet, silence = self.worker.quiet_for(), self._means.timings.silence
        if quiet < silence:
            self._alarm.set(silence - quiet, self._listen)
        else:
            self._kill(reasons.silent(silence))

    def _kill(self, why: str) -> None:
        if self.worker is not None:
            self.worker.kill(why)

    # Ends

    def _died(self, reason: str, is_clean: bool, loop: str | None) -> None:
        running = self.state is State.RUNNING
        if self.wanted.restart == "never" or (running and is_clean and self.wanted.restart != "always"):
            self._door.release()
            self._move(Event.ENDED, reason)
            self._rest()
            return
        now = self._means.clock.time()
        steady = running and now - self._ready_at >= self._means.timings.steady
        delay = self._backoff.delay(steady=steady, now=now)
        if delay is None:
            self._move(Event.CRASHED, reason)
            self._door.release()
            self._move(Event.GIVE_UP, loop or reason)
            self._rest()
        else:
            self._alarm.set(delay, self._retry, not steady)
            self._move(Event.CRASHED, reason, retry_in=delay)

    def _retry(self, counts: bool) -> None:
        now = self._means.clock.time()
        wait = self._means.budget.take(self.id, now) if counts else 0.0
        if wait > 0:
            self._alarm.set(wait, self._retry, counts)
            return
        if counts:
            self._backoff.started(now)
        self._start(Event.RETRY, reasons.AGAIN)

    def _refuse(self, reason: str) -> None:
        self._alarm.cancel()
        self._door.release()
        self._move(Event.REFUSED, reason)
        self._rest()

    # Stopping

    def _restart(self, reason: str, who: str) -> None:
        if not self._door.fits(self.wanted.spec):
            self._door.release()
        self._stop(reason, who)

    def _stop(self, reason: str, who: str) -> None:
        self._leave_gate()
        self._allow_to_stop()
        self._move(Event.STOP, reason, who)
        if self.worker is not None:
            self.worker.terminate()
        elif not self._door.is_opening:
            self._gone()

    def _allow_to_stop(self) -> None:
        timings = self._means.timings
        seconds = timings.barred if self.wanted.barred else timings.stop
        self._alarm.set(seconds, self._overdue, seconds)

    def _overdue(self, seconds: float) -> None:
        if self.worker is not None:
            self._kill(reasons.overdue(seconds))
        else:
            self._door.abandon()
            self._gone()

    def _gone(self) -> None:
        self._alarm.cancel()
        self._move(Event.GONE, self.wanted.barred or reasons.GONE)
        if self.wanted.running:
            self._wish_run("", self.wanted.asked_by)
        else:
            self._rest()

    def _rest(self) -> None:
        self._conclude(
            NotRunning("The server was stopped before the change was through: start it and change it again.")
        )
        self._means.rested(self.id)

    # Small matters

    def _conclude(self, error: SockpanelError | None) -> None:
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            if error is not None:
                self.wanted = self._gone_back_to(exchange.old)
            exchange.done(error)

    def _gone_back_to(self, old: Wanted) -> Wanted:
        """What is wanted now, with all that belongs to the configuration of before: its certificate, too."""
        return msgspec.structs.replace(
            self.wanted, spec=old.spec, revision=old.revision, restart=old.restart, tls=old.tls, missing=old.missing
        )

    def _leave_gate(self) -> None:
        self._place.cancel()
        self._means.gate.leave(self.id)

    def _move(self, event: Event, reason: str, who: str = "", retry_in: float | None = None) -> None:
        old, new = self.state, self._machine.move(event)
        pid = None if self.worker is None else self.worker.pid
        if new is not State.STARTING:
            self._means.budget.give_back(self.id)
        self._telling.moved(Change(old, new, reason, who, pid, self._door.address, retry_in), self.current)
        self._means.moved()
