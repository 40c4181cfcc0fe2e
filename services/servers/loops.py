"""Two servers that answer each other, recognised by what they say and how fast. It knows no socket, and is brought a clock.

Our own last answer comes back, again and again. Other circles (of servers with fixed answers, say) are seen by their speed alone,
and only with peers that look like servers. Whatever else goes round is seen by its rhythm, which takes longer.

    conversation.answered(b"abc")
    conversation.is_loop(b"abc", time.monotonic)     # True after SUSPECT times within a second
"""

from collections.abc import Callable

from services.servers.rhythm import Rhythm

SUSPECT, WITHIN = 20, 1.0  # so often, in so many seconds
BUSY_CLIENT = 10_000  # the same for a client of this machine or network: one that asks an echo server the same thing looks like a loop
STORM = 1000  # answers within as many seconds, for a peer that looks like a server
MUTE, LONGEST_MUTE = 60.0, 600.0  # seconds without answers: twice as long each time, up to so many
PAUSE = 1.0  # seconds without answers for a rhythm: whoever asks on in the second half of them is no circle
_SHORT = 1024  # bytes: of longer answers only their hash is kept


class Conversation:
    """With one peer."""

    __slots__ = (
        "_answers",
        "_answers_since",
        "_asks_on",
        "_echoes",
        "_muted_until",
        "_rhythm",
        "_said",
        "_since",
        "_suspect",
        "_was_circle",
        "muted_for",
    )

    def __init__(self, suspect: int = SUSPECT) -> None:
        self._suspect = suspect
        self.muted_for = 0.0  # seconds, the last time it was
        self._muted_until = 0.0
        self._said: bytes | int | None = None
        self._echoes = 0
        self._since = 0.0
        self._answers = 0
        self._answers_since = 0.0
        self._rhythm = Rhythm()
        self._asks_on = False  # although it has not been answered for a while
        self._was_circle = False  # silence ended it, the last time

    def is_loop(self, question: bytes, clock: Callable[[], float]) -> bool:
        """Whether `question` must stay unanswered, as it looks like a loop, or has lately."""
        if self._muted_until and self._is_muted(clock()):
            return True
        key = question if len(question) <= _SHORT else hash(question)
        if self._rhythm.beats(key, clock):
            self._pause(clock())
            return True
        if key != self._said:
            return False
        now = clock()
        if now - self._since > WITHIN:
            self._since, self._echoes = now, 0
        self._echoes += 1
        if self._echoes < self._suspect:
            return False
        self._mute(now)
        return True

    def is_storm(self, clock: Callable[[], float]) -> bool:
        """To be asked before each answer to a peer that looks like a server: whether this is one too many."""
        if self._answers == 0:
            self._answers_since = clock()
        self._answers += 1
        if self._answers <= STORM:
            return False
        self._answers = 0
        now = clock()
        if now - self._answers_since > WITHIN:
            return False
        self._mute(now)
        return True

    def answered(self, answer: bytes) -> None:
        """`answer` was sent."""
        self._said = answer if len(answer) <= _SHORT else hash(answer)

    def _mute(self, now: float) -> None:
        self.muted_for = min(LONGEST_MUTE, max(MUTE, 2 * self.muted_for))
        self._muted_until = now + self.muted_for
        self._echoes = 0
        self._asks_on = False

    def _pause(self, now: float) -> None:
        """A client may have such a rhythm, too, unless it fell silent the last time that it was not answered."""
        if self._was_circle:
            self._mute(now)
        else:
            self.muted_for = PAUSE
            self._muted_until = now + PAUSE
            self._asks_on = False

    def _is_muted(self, now: float) -> bool:
        if now < self._muted_until:
            self._asks_on = self._asks_on or now > self._muted_until - self.muted_for / 2
            return True
        self._was_circle = not self._asks_on
        if now - self._muted_until > LONGEST_MUTE:  # it was good for long: the next time is the first again
            self.muted_for = 0.0
            self._was_circle = False
        self._rhythm.forget(was_circle=not self._asks_on)
        self._muted_until = 0.0
        return False
