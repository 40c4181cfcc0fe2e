"""The tie between a parent process and its children: when the parent is gone, be it by SIGKILL, they end.

A pipe that nobody writes to: only the parent holds the end for writing, so that children read its end of file when it is gone.

    lifeline = Lifeline()                                       # the parent
    subprocess.Popen(..., env=os.environ | lifeline.environment, pass_fds=[lifeline.descriptor])
    lifeline.follow()                                           # a child, first of all
"""

import os
import signal
import threading

VARIABLE = "SOCKPANEL_LIFELINE"
FAREWELL = 20.0  # seconds from SIGTERM to a hard end


class Lifeline:
    """The parent's end; it lasts as long as this object or its process."""

    def __init__(self) -> None:
        self.descriptor, self._held = os.pipe()

    @property
    def environment(self) -> dict[str, str]:
        """What a child's environment has besides."""
        return {VARIABLE: str(self.descriptor)}

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self._held)


def follow() -> None:
    """In a child: end by SIGTERM once the parent is gone. Does nothing in a process that nobody holds a line to."""
    descriptor = os.environ.pop(VARIABLE, "")
    if descriptor.isdecimal():
        threading.Thread(target=_wait, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _wait(descriptor: int) -> None:
    try:
        os.set_inheritable(descriptor, False)
        os.read(descriptor, 1)
    except OSError:
        return  # no such descriptor: the variable came from elsewhere
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(FAREWELL)
    os._exit(os.EX_TEMPFAIL)
