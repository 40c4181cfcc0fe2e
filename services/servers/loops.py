"""Two servers that answer each other, recognised by what they say and how fast. It knows no socket, and is brought a clock.

Our own last answer comes back, again and again. Other circles (of servers with fixed answers, say) are seen by their speed alone,
and only with peers that look like servers.

    conversation.answered(b"abc")
    conversation.is_loop(b"abc", time.monotonic)     # True after SUSPECT times within a second
"""

from collections.abc import Callable

SUSPECT, WITHIN = 20, 1.0  # so often, in so many seconds
BUSY_CLIENT = 10_000  # the same for a client of this machine or network: one that asks an echo server the same thing looks like a loop
STORM = 1000  # answers within as many seconds, for a peer that looks like a server
MUTE, LONGEST_MUTE = 60.0, 600.0  # seconds without answers: twice as long each time, up to so many
_SHORT = 1024  # bytes: of longer answers only their hash is kept


class Conversation:
    """With one peer."""

    __slots__ = ("_answers", "_answers_since", "_echoes", "_muted_until", "_said", "_since", "_suspect", "muted_for")

    def __init__(self, suspect: int = SUSPECT) -> None:
        self._suspect = suspect
        self.muted_for = 0.0  # seconds, the last time it was
        self._muted_until = 0.0
        self._said: bytes | int | None = None
        self._echoes = 0
        self._since = 0.0
        self._answers = 0
        self._answers_since = 0.0

    def is_loop(self, question: bytes, clock: Callable[[], float]) -> bool:
        """Whether `question` must stay unanswered, as it looks like a loop, or has lately."""
        if self._muted_until:
            if clock() < self._muted_until:
                return True
            self._unmute(clock())
        if (question if len(question) <= _SHORT else hash(question)) != self._said:
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

    def _unmute(self, now: float) -> None:
        if now - self._muted_until > LONGEST_MUTE:  # it was good for long: the next time is the first again
            self.muted_for = 0.0
        self._muted_until = 0.0
