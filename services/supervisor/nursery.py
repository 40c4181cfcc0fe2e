"""The supervisor's hand on the nursery: workers are forked from a process that has everything imported, or spawned when it cannot.

nursery = Nursery(COMMAND)      # this process adopts orphans from now on, and must reap whoever comes: `tidy`
process = Process(nursery.bear(plan))
"""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress

from services.servers.births import MAX_ANSWER, NO_WORKER, READY
from services.supervisor.process import Child
from services.supervisor.spawned import ROOT, Plan, Spawned, environment, hear_of_ends, in_memory
from services.supervisor.strays import Strays, adopt_orphans

logger = logging.getLogger(__name__)

BEGUN_WITHIN = 1.0  # seconds; on a machine that is not busy it takes 0.15
ANSWER_WITHIN = 1.0  # seconds that the supervisor stands still for at the most


class Born:
    """A child that the nursery forked."""

    def __init__(self, pid: int, stderr: int) -> None:
        self.pid, self.stderr = pid, stderr

    def wait(self) -> int:
        os.close(self.stderr)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Nursery:
    """One nursery process, begun again when it has died."""

    def __init__(self, command: tuple[str, ...]) -> None:
        """Raises OSError when our children cannot be listed."""
        self._command = (*command, "nursery")
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_ready = False  # it has said so
        hear_of_ends()
        self._strays = Strays()
        self._can_adopt = _adopts()
        self._begin()  # it imports while we do other things

    @property
    def pid(self) -> int | None:
        """Of the nursery's process; None between two of them."""
        return None if self._process is None else self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether the next worker is forked; until then, and where no nursery can be, workers are spawned."""
        if self._control is not None and not self._is_ready:
            try:
                self._is_ready = self._control.recv(MAX_ANSWER, socket.MSG_DONTWAIT) == READY
            except OSError:
                pass  # it has said nothing yet, or has ended: `tidy` begins another
        return self._is_ready

    async def begun(self, within: float = BEGUN_WITHIN) -> None:
        """Returns when it is ready, or after `within` seconds: workers that are spawned meanwhile share no memory with the others."""
        if self._control is None or self.is_ready:
            return
        control, heard, loop = self._control, asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(control, heard.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await heard.wait()
        finally:
            loop.remove_reader(control)

    def bear(self, plan: Plan) -> Child:
        """A child that serves `plan`. Raises OSError when there is none, or nobody knows: use the descriptors for no other then."""
        child = (self._forked(plan) if self.is_ready else None) or Spawned(plan)
        self._strays.known.add(child.pid)
        return child

    def tidy(self) -> None:
        """Begin a nursery that has died again; reap and end whoever escaped from a worker. To be called every few seconds."""
        if self._process is None:
            self._begin()
        elif self._process.poll() is not None:
            logger.warning("The nursery has ended with code %s: another one begins.", self._process.returncode)
            self.close()
            self._begin()
        try:
            self._strays.tidy(time.monotonic())
        except OSError as error:
            _tell_of_strays(error)

    async def sweep(self) -> None:
        """Returns when nobody is left who escaped from a worker: within seconds, and at once when nobody did."""
        try:
            await self._strays.sweep()
        except OSError as error:
            _tell_of_strays(error)

    def close(self) -> None:
        """End the nursery; workers live on."""
        self._is_ready = False
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _forked(self, plan: Plan) -> Born | None:
        """None when the nursery has not taken the request. Raises OSError when there is no worker, or nobody knows."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            pid = self._answered() if self._asked(plan, writing) else 0
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        if pid:
            return Born(pid, reading)
        os.close(reading)
        return None

    def _asked(self, plan: Plan, stderr: int) -> bool:
        """Whether the nursery has taken the request; one that has not is replaced."""
        assert self._control is not None  # noqa: S101 - it is ready
        stdin = in_memory(plan.stdin)
        try:
            self._control.settimeout(ANSWER_WITHIN)
            descriptors = [stdin, stderr, *plan.descriptors]
            socket.send_fds(self._control, [json.dumps(plan.descriptors).encode()], descriptors)
        except OSError as error:
            logger.warning("The nursery takes no request (%s): a worker is spawned, and takes 0.1 s longer.", error)
            self.close()
            self._begin()
            return False
        finally:
            os.close(stdin)
        return True

    def _answered(self) -> int:
        """The pid of the worker. Raises OSError; the nursery is replaced then, for nobody knows what it has done."""
        assert self._control is not None  # noqa: S101 - it has been asked
        try:
            answer = self._control.recv(MAX_ANSWER)
        except OSError:
            answer = b""
        if not answer:
            self.close()
            self._begin()
            raise OSError("the nursery of workers ended, or did not answer")
        if answer == NO_WORKER:
            raise OSError("the system forks no further process")
        return int(answer)

    def _begin(self) -> None:
        """Another nursery. Where there can be none, workers are spawned."""
        if not self._can_adopt:
            return
        try:
            self._control, self._process = _nursed(self._command)
        except OSError as error:
            logger.warning(
                "No nursery can be begun (%s): workers are spawned, and take 0.1 s longer. "
                "Look at the limits of processes, memory and open files.",
                error,
            )
        else:
            self._strays.known.add(self._process.pid)


def _adopts() -> bool:
    """Whether orphans become our children: those whom a nursery forks are."""
    try:
        adopt_orphans()
    except OSError as error:
        logger.warning("The system gives us no orphans (%s): workers are spawned, and take 0.1 s longer.", error)
        return False
    return True


def _nursed(command: tuple[str, ...]) -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Our end of its socket, and the process. Raises OSError when it cannot be spawned."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with theirs:
            return ours, subprocess.Popen(  # noqa: S603 - the supervisor's own command
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,
            )
    except OSError:
        ours.close()
        raise


def _tell_of_strays(error: OSError) -> None:
    logger.warning(
        "Whoever escaped from a worker cannot be looked for now (%s): look at the limits of processes and open files.",
        error,
    )
