"""What has come back so far, and until when it is worth waiting for more. It knows no socket.

Without frames nobody can know when an answer is whole: it counts as whole when the peer ends the stream, or when nothing has come
for about as long as its first bytes took (at least 0.2 s, at most 1 s).
"""

import time

from services.client.request import MAX_PIECES, MAX_RECEIVED, Ended, Exchange, Received, Request
from services.servers import clock

QUIET = (0.2, 1.0)  # seconds: the least and the most


class Collector:
    """Gathers the pieces of one exchange; what is over the bounds is counted and not kept."""

    def __init__(self, request: Request, expect: int | None) -> None:
        self.came = 0  # pieces
        self._bytes_came = 0
        self._rest = 0  # bytes of an unfinished message
        self._pieces = 0
        self._kept: list[Received] = []
        self._room = MAX_RECEIVED
        self._request = request
        self._expect = expect
        self._sent_at = clock.now()
        self._start = self._last = time.monotonic()
        self._end = self._start + request.timeout
        self._quiet: float | None = None

    @property
    def deadline(self) -> float:
        """When to stop waiting, on the monotonic clock (which is the loop's)."""
        if self._expect is not None or self._request.broadcast or self._quiet is None:
            return self._end
        return min(self._end, self._last + self._quiet)

    @property
    def enough(self) -> bool:
        """Whether all that was expected is here."""
        return self._expect is not None and self.came >= self._expect

    def add(self, data: bytes, peer: str) -> None:
        """One piece came back."""
        self._last = time.monotonic()
        if self._quiet is None:
            self._quiet = min(max(self._last - self._start, QUIET[0]), QUIET[1])
        self.came += 1
        self._keep(data, peer)

    def add_rest(self, data: bytes, peer: str) -> None:
        """What is left of a message that never became whole: shown, and not counted."""
        self._rest = len(data)
        if data:
            self._keep(data, peer)

    def _keep(self, data: bytes, peer: str) -> None:
        self._pieces += 1
        self._bytes_came += len(data)
        if len(self._kept) < MAX_PIECES and (self._room or not data):
            after = round((self._last - self._start) * 1000, 3)
            self._kept.append(Received(data[: self._room], clock.now(), peer, after))
            self._room -= len(self._kept[-1].data)

    def finish(self, ended: Ended, *, peer: str, local: str, sent: bytes, of: int) -> Exchange:
        """The exchange, over because of `ended`; `of` bytes were to be sent."""
        if ended == "timeout" and self.deadline < self._end:
            ended = "quiet"
        until = self._last if self._pieces else time.monotonic()
        notes = [self._on_sent(len(sent), of), self._on_received(ended, peer), self._on_rest(), self._on_kept()]
        return Exchange(
            sent=sent,
            sent_at=self._sent_at,
            peer=peer,
            local=local,
            received=self._kept,
            bytes_received=self._bytes_came,
            seconds=round(until - self._start, 6),
            ended=ended,
            note=" ".join(filter(None, notes)),
        )

    def _on_sent(self, sent: int, of: int) -> str:
        return f"Only {sent:,} of {of:,} bytes were sent." if sent < of else ""

    def _on_received(self, ended: Ended, peer: str) -> str:
        within = f"within {self._request.timeout:g} s"
        match ended, self.came > 0:
            case "timeout", False:
                return f"Nothing came back {within}."
            case "closed", False:
                return f"{peer} closed the connection without an answer."
            case (("timeout" | "closed" | "reset"), True) if self._expect is not None:
                return f"{self.came} of {self._expect} messages came back {within}."
            case "reset", True:
                return f"{peer} reset the connection after this."
            case "timeout", True if not self._request.broadcast:
                return f"More may have come: bytes still arrived when the {self._request.timeout:g} s were over."
        return ""

    def _on_rest(self) -> str:
        return f"The last {self._rest:,} bytes are no whole message." if self._rest else ""

    def _on_kept(self) -> str:
        kept = sum(len(piece.data) for piece in self._kept)
        if len(self._kept) == self._pieces and kept == self._bytes_came:
            return ""
        return f"Only the first {kept:,} of {self._bytes_came:,} bytes that came back are kept."
