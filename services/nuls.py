"""What no text of a database holds: a NUL. PostgreSQL answers a question about one with an error, SQLite with nothing.

Names come from addresses and queries, where anybody may write %00. So comparisons of text know it here, once for all of them: no row
holds such a text, on either database. The app of the services loads this; it knows no model.
"""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import CharField, TextField, lookups

COMPARED: tuple[type[Any], ...] = (
    lookups.Exact,
    lookups.IExact,
    lookups.Contains,
    lookups.IContains,
    lookups.StartsWith,
    lookups.IStartsWith,
    lookups.EndsWith,
    lookups.IEndsWith,
)


class Without:
    """A comparison with one text."""

    rhs: Any

    def as_sql(self, *args: Any, **words: Any) -> Any:
        if _has_one(self.rhs):
            raise EmptyResultSet
        return super().as_sql(*args, **words)  # type: ignore[misc]  # of the lookup that it is mixed into


class In(lookups.In):
    """A comparison with several."""

    def as_sql(self, *args: Any, **words: Any) -> Any:
        if self.rhs_is_direct_value():
            self.rhs = [text for text in self.rhs if not _has_one(text)]
        return super().as_sql(*args, **words)


def _has_one(text: object) -> bool:
    return isinstance(text, str) and "\0" in text


for compared in (*(type(kind.__name__, (Without, kind), {}) for kind in COMPARED), In):
    for field in (CharField, TextField):
        field.register_lookup(compared)
