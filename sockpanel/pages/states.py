"""How a state looks: its word, its icon and its tone. It knows no server."""

from typing import NamedTuple


class Shown(NamedTuple):
    """A state for people."""

    word: str
    icon: str
    tone: str  # good, warn, bad or idle


STATES = {
    "STOPPED": Shown("Stopped", "stop-circle", "idle"),
    "STARTING": Shown("Starting", "hourglass-split", "warn"),
    "RUNNING": Shown("Running", "play-circle-fill", "good"),
    "BACKOFF": Shown("Retrying", "arrow-repeat", "warn"),
    "STOPPING": Shown("Stopping", "hourglass-split", "warn"),
    "EXITED": Shown("Ended by itself", "dash-circle", "idle"),
    "FATAL": Shown("Failed", "x-octagon-fill", "bad"),
}

STARTABLE = ("STOPPED", "EXITED", "FATAL", "BACKOFF")
STOPPABLE = ("RUNNING", "STARTING", "BACKOFF")
