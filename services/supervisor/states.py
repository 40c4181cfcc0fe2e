"""The states of a server, in the field's words, and the one table of allowed moves between them.

It knows no process, no clock and no socket.

    machine = Machine()
    machine.move(Event.START)  # State.STARTING
"""

from enum import Enum, StrEnum

from services.errors import MoveRefused


class State(StrEnum):
    """Where a server stands."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"


class Event(Enum):
    """What makes a server move."""

    START = "start"  # somebody wants it to run
    READY = "ready"  # its worker said that it serves
    CRASHED = "crashed"  # its worker ended and will be started again
    ENDED = "ended"  # its worker ended, and that was that
    REFUSED = "refused"  # it cannot be started at all: no address, a bad spec
    RETRY = "retry"  # the delay is over
    GIVE_UP = "give up"  # too many automatic starts
    STOP = "stop"  # somebody wants it to stop
    GONE = "gone"  # its worker has ended, as asked


MOVES: dict[State, dict[Event, State]] = {
    State.STOPPED: {Event.START: State.STARTING},
    State.STARTING: {
        Event.READY: State.RUNNING,
        Event.CRASHED: State.BACKOFF,
        Event.ENDED: State.EXITED,
        Event.REFUSED: State.FATAL,
        Event.STOP: State.STOPPING,
    },
    State.RUNNING: {
        Event.CRASHED: State.BACKOFF,
        Event.ENDED: State.EXITED,
        Event.STOP: State.STOPPING,
    },
    State.BACKOFF: {
        Event.RETRY: State.STARTING,
        Event.START: State.STARTING,
        Event.GIVE_UP: State.FATAL,
        Event.STOP: State.STOPPED,
    },
    State.STOPPING: {Event.GONE: State.STOPPED},
    State.EXITED: {Event.START: State.STARTING},
    State.FATAL: {Event.START: State.STARTING},
}

ACTIVE = frozenset({State.STARTING, State.RUNNING, State.BACKOFF})  # it serves, or will by itself
AT_REST = frozenset({State.STOPPED, State.EXITED, State.FATAL})  # nothing runs, and nothing will by itself


class Machine:
    """Where one server stands; `move` is the only way on."""

    def __init__(self) -> None:
        self.state = State.STOPPED

    def move(self, event: Event) -> State:
        """The new state. Raises MoveRefused, and stays, when the table has no such move."""
        new = MOVES[self.state].get(event)
        if new is None:
            raise MoveRefused(f'A server that is {self.state} does not know "{event.value}": look at its state first.')
        self.state = new
        return new
