"""Every interval and bound of the supervisor, in one place, so that a test can shorten them."""

import msgspec


class Timings(msgspec.Struct, frozen=True):
    """Seconds, unless said otherwise."""

    open: float = 10.0  # to open a socket
    ready: float = 10.0  # from the spawn of a worker to its `Ready`
    silence: float = 15.0  # without a word from a worker: three heartbeats missed
    stop: float = 10.0  # from SIGTERM to SIGKILL
    barred: float = 2.5  # the same, for a server that may not run any longer
    farewell: float = 1.0  # from the end of a worker's link to the end of the worker
    answer: float = 10.0  # for a worker's answer to a Send or Close
    steady: float = 2.0  # a run that was RUNNING this long is started again at once, uncounted
    first_delay: float = 0.2  # before a restart; doubles with each run that died sooner
    longest_delay: float = 30.0
    jitter: float = 0.2  # part of the delay, up or down
    window: float = 10.0
    starts: int = 5  # automatic starts of one server in the window; the next end within it is final
    starts_in_all: int = 20  # automatic starts of all servers in the window; further ones wait
    at_once: int = 4  # workers on their way to RUNNING
    place: float = 2.0  # a worker on its way keeps others waiting this long at most
