"""What a server refused or slowed down, told at once and then in bundles. It knows no link and no loop: the caller brings the time.

incidents = Incidents()
incidents.note("source", "10.1.2.3", "refused 10.1.2.3: 5 connections per source", 1, now=0.0)
incidents.take()      # [Incident(at, "source", "10.1.2.3", "refused ...", 1)]
"""

from services.servers import clock
from services.servers.report import Incident

TELL_EVERY = 10.0  # seconds between two incidents of the same rule and source
MOST = 200  # rules and sources told apart; whatever else happens meanwhile is one of the rule "other"
OTHER = ("other", "")


class _Gathered:
    """What one source did against one rule since it was last told."""

    __slots__ = ("at", "count", "told_at", "what")

    def __init__(self, told_at: float) -> None:
        self.told_at = told_at
        self.at, self.count, self.what = 0, 0, ""


class Incidents:
    """Bounded in number and in rate."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Gathered] = {}
        self._due: list[Incident] = []

    def note(self, rule: str, source: str, what: str, count: int, now: float) -> None:
        """Something happened `count` times; `now` is monotonic."""
        key = rule, source
        gathered = self._known.get(key)
        if gathered is None and len(self._known) >= MOST:
            key, what = OTHER, "more sources at once were refused or slowed down"
            gathered = self._known.get(key)
        if gathered is None:
            self._known[key] = _Gathered(now)
            self._due.append(Incident(clock.now(), *key, what, count))
            return
        gathered.at, gathered.what = clock.now(), what
        gathered.count += count

    @property
    def next_at(self) -> float | None:
        """When `ripen` has something to do, by the monotonic clock; None when never."""
        return min((one.told_at + TELL_EVERY for one in self._known.values()), default=None)

    def ripen(self, now: float) -> None:
        """Whatever was gathered for long enough is due; whoever was quiet is forgotten."""
        for key, gathered in list(self._known.items()):
            if now - gathered.told_at < TELL_EVERY:
                continue
            if gathered.count:
                self._due.append(Incident(gathered.at, *key, gathered.what, gathered.count))
                self._known[key] = _Gathered(now)
            else:
                del self._known[key]

    def ripen_all(self) -> None:
        """Everything that was gathered is due: the end."""
        for key, gathered in self._known.items():
            if gathered.count:
                self._due.append(Incident(gathered.at, *key, gathered.what, gathered.count))
        self._known.clear()

    def take(self) -> list[Incident]:
        """What is due."""
        due, self._due = self._due, []
        return due

    def __bool__(self) -> bool:
        return bool(self._due)
