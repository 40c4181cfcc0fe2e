"""Why a server moved, in sentences for people: the fact first, then what the worker last said."""

from services.servers.sockets import RECEIVE_BUFFER
from services.supervisor.process import signal_name
from services.supervisor.timings import Timings
from services.supervisor.worker import End

_LAST_LINES = 20
_LAST_CHARS = 2000

ASKED_START = "Asked to start."
ASKED_STOP = "Asked to stop."
ASKED_RESTART = "Asked to restart."
CHANGED = "The configuration changed."
ALLOWED = "It may run again."
REMOVED = "The server was removed."
RESTORED = "It should run, and the supervisor began."
LEAVING = "The supervisor ends."
AGAIN = "Started again."
READY = "It serves."
GONE = "It has stopped."


def ready(receive_buffer: int) -> str:
    """That it serves, and what the kernel holds for a datagram socket; as it counts, its bookkeeping among it."""
    if not receive_buffer:
        return READY
    less = ": net.core.rmem_max allows no more" if receive_buffer < 2 * RECEIVE_BUFFER else ""
    return f"{READY} Its receive buffer has {receive_buffer:,} bytes{less}."


def ended(end: End) -> str:
    """How the worker ended, and its last line."""
    return _with_words(_how(end), end.stderr, lines=1)


def crash_loop(end: End, timings: Timings) -> str:
    """The last end of many, with what the worker said before it."""
    times = f"It ended again after {timings.starts} automatic starts within {timings.window:g} s and was given up."
    advice = "Look at its last words, mend the cause, then start it."
    return _with_words(f"{times} {_how(end)} {advice}", end.stderr, lines=_LAST_LINES)


def not_ready(seconds: float) -> str:
    return f"The worker was not ready within {seconds:g} s and was killed."


def silent(seconds: float) -> str:
    return f"The worker said nothing for {seconds:g} s and was killed."


def overdue(seconds: float) -> str:
    return f"The worker did not stop within {seconds:g} s and was killed."


def _how(end: End) -> str:
    if end.refused:
        return end.refused
    if end.why:
        return end.why
    if end.exit.signal is not None:
        return f"The worker was ended by {signal_name(end.exit.signal)}."
    return f"The worker ended with exit code {end.exit.code}."


def _with_words(sentence: str, stderr: str, lines: int) -> str:
    words = "\n".join(stderr.splitlines()[-lines:])[-_LAST_CHARS:]
    return f"{sentence} Last words: {words}" if words else sentence
