"""A warning that comes again and again is said at most once in so many seconds, with how often it came.

complaints = Complaints(logger)
complaints.warn("Channel %s is full: read it faster.", channel)
"""

import logging
import time
from collections.abc import Callable

EVERY = 10.0  # seconds


class Complaints:
    """One kind of trouble, told seldom."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._silent_until = 0.0
        self._held = 0

    def warn(self, message: str, *words: object) -> None:
        """Log it now, or count it towards the next line. `message` is a %-format, for which `words` are."""
        self._held += 1
        now = self._clock()
        if now < self._silent_until:
            return
        held, self._held = self._held, 0
        self._silent_until = now + EVERY
        self._logger.warning("%s (%d since the last such line)", message % words, held)
