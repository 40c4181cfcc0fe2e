"""A connection whose source may send so many messages a second: it is read no faster, and nothing is lost. It knows no listener."""

from collections.abc import Iterator

from services.servers.connection import AT_ONCE, Connection
from services.servers.redaction import UNDERSCORE
from services.servers.waiting import RATE


class PacedConnection(Connection):
    """Where no limit is set, its messages are not even counted: that is Connection."""

    _taken = 0  # messages in this turn

    def data_received(self, data: bytes) -> None:
        if UNDERSCORE in data or self._wary is not None:
            self._look_out(data)
        self._frames = self._counted(self._decoder.frames(data))
        self._turn()

    def _counted(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        for frame in frames:
            self._taken += 1
            yield frame

    def _turn(self) -> None:
        pace = self.source.pace if self.source is not None else None
        if pace is None:
            super()._turn()
            return
        if self._lost or self._ended:  # it can be read no later: its source owes for what it takes now
            self.at_once, self._taken = AT_ONCE, 0
            super()._turn()
            pace.spend(self._taken)
            return
        share = pace.share()
        if share:
            self.at_once, self._taken = min(AT_ONCE, share), 0
            super()._turn()
            pace.spend(self._taken)
        if not self._over and not pace.share():
            self.wait(RATE)
            pace.queue(self)

    def _last(self) -> None:
        if self.source is not None and self.source.pace is not None:
            self.source.pace.leave(self)
        super()._last()
