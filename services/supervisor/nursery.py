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

ANSWER_WITHIN = 1.0  # seconds that the supervisor stands still for at the most, but at the first answer:
FIRST_WITHIN = 5.0  # it waits for what the nursery imports
MAX_PID = 32  # bytes of an answer
NO_WORKER = b"0"


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
        self._has_answered = False
        self._strays = Strays()
        adopt_orphans()
        self._begin()  # it imports while we do other things

    @property
    def pid(self) -> int | None:
        """Of the nursery's process; None between two of them."""
        return None if self._process is None else self._process.pid

    def bear(self, plan: Plan) -> Child:
        """A child that serves `plan`. Raises OSError when there is none, or nobody knows: use the descriptors for no other then."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            asked = self._asked(plan, writing)
            child = Born(self._answered(), reading) if asked else Spawned(plan)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        if not asked:
            os.close(reading)
        self._strays.known.add(child.pid)
        return child

    def tidy(self) -> None:
        """Begin a nursery that has died again; reap and end whoever escaped from a worker. To be called every few seconds."""
        if self._process is not None and self._process.poll() is not None:
            logger.warning("The nursery has ended with code %s: another one begins.", self._process.returncode)
            self.close()
            self._begin()
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

    def _asked(self, plan: Plan, stderr: int) -> bool:
        """Whether the nursery has taken the request; one that has not is replaced."""
        stdin = in_memory(plan.stdin)
        try:
            control = self._control or self._begin()
            control.settimeout(ANSWER_WITHIN if self._has_answered else FIRST_WITHIN)
            socket.send_fds(control, [json.dumps(plan.descriptors).encode()], [stdin, stderr, *plan.descriptors])
        except OSError as error:
            logger.warning("The nursery takes no request (%s): a worker is spawned, and takes 0.1 s longer.", error)
            self.close()
            return False
        finally:
            os.close(stdin)
        return True

    def _answered(self) -> int:
        """The pid of the worker. Raises OSError; the nursery is ended then, for nobody knows what it has done."""
        assert self._control is not None  # noqa: S101 - it has been asked
        try:
            answer = self._control.recv(MAX_PID)
        except OSError:
            answer = b""
        if not answer:
            self.close()
            raise OSError("the nursery of workers ended, or did not answer")
        if answer == NO_WORKER:
            raise OSError("the system forks no further process")
        self._has_answered = True
        return int(answer)

    def _begin(self) -> socket.socket:
        self._has_answered = False
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
