"""A log that strangers cannot fill: of lines that they cause only so many are written, the others are counted.

said = Sparing(logger)
said.warning("%s (path %s)", why, path)
"""

import logging
import time
from collections.abc import Callable

LINES = 20  # written
WITHIN = 10.0  # in so many seconds; then what was left out is told


class Sparing:
    """For one sort of lines."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger, self._clock = logger, clock
        self._began = clock()
        self._written = self._left_out = 0

    def warning(self, text: str, *words: object) -> None:
        """Write it, or count it."""
        now = self._clock()
        if now - self._began >= WITHIN:
            self._began, self._written = now, 0
            if self._left_out:
                self._logger.warning("%d more of the following were not written.", self._left_out)
                self._left_out = 0
        if self._written < LINES:
            self._written += 1
            self._logger.warning(text, *words)
        else:
            self._left_out += 1
