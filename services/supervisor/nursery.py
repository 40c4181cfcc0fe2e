"""The supervisor's hand on the nursery: workers are forked from a process that has everything imported, or spawned when it cannot.

nursery = Nursery(COMMAND)      # this process adopts orphans from now on, and must reap whoever comes: `tidy`
process = Process(nursery.bear(plan))
"""

import json
import logging
import os
import signal
import socket
import subprocess
import time

from services.supervisor.process import ROOT, Child, Plan, Spawned, environment, in_memory
from services.supervisor.strays import Strays, adopt_orphans

logger = logging.getLogger(__name__)

ANSWER_WITHIN = 5.0  # seconds; the first answer waits for what the nursery imports
MAX_PID = 32  # bytes of an answer


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
        """Raises OSError when it cannot be spawned."""
        self._command = (*command, "nursery")
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._strays = Strays()
        adopt_orphans()
        self._begin()  # it imports while we do other things

    @property
    def pid(self) -> int | None:
        """Of the nursery's process; None between two of them."""
        return None if self._process is None else self._process.pid

    def bear(self, plan: Plan) -> Child:
        """A child that serves `plan`. Raises OSError when none can be had in either way."""
        try:
            return self._born(plan)
        except OSError as error:
            logger.warning("The nursery gave no worker (%s): one is spawned, and takes 0.1 s longer.", error)
            self.close()
        spawned = Spawned(plan)
        self._strays.known.add(spawned.pid)
        return spawned

    def tidy(self) -> None:
        """Reap and end whoever escaped from a worker that is gone. To be called every few seconds."""
        self._strays.tidy(time.monotonic())

    def close(self) -> None:
        """End the nursery; workers live on."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _born(self, plan: Plan) -> Child:
        control = self._control or self._begin()
        reading, writing = os.pipe2(os.O_CLOEXEC)
        stdin = in_memory(plan.stdin)
        try:
            request = json.dumps(plan.descriptors).encode()
            socket.send_fds(control, [request], [stdin, writing, *plan.descriptors])
            control.settimeout(ANSWER_WITHIN)
            answer = control.recv(MAX_PID)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(stdin)
            os.close(writing)
        if not answer:
            os.close(reading)
            raise OSError("it forked none")
        self._strays.known.add(int(answer))
        return Born(int(answer), reading)

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the supervisor's own command
                self._command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,
            )
        self._strays.known.add(self._process.pid)
        self._control = ours
        return ours
