"""Which table lives in which database: what the recorder writes in `messages`, all else in `default` (control).

With DATABASE_URL alone both aliases lead to one PostgreSQL database: it has one list of applied migrations, so each is applied whole.
"""

from django.db import connections, models

from services.models import MESSAGES

IN_MESSAGES = frozenset(
    {"message", "connection", "run", "execution", "statechange", "incident", "status", "counters", "node"}
)


class TwoDatabases:
    """The router: what the recorder writes lives in the messages database, all else in the control database."""

    def db_for_read(self, model: type[models.Model], **hints: object) -> str | None:
        return MESSAGES if _in_messages(model._meta.app_label, model._meta.model_name) else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: object) -> bool:
        return _one_database() or (db == MESSAGES) == _in_messages(app_label, model_name)


def _in_messages(app_label: str, model_name: str | None) -> bool:
    return app_label == "services" and model_name in IN_MESSAGES


def _one_database() -> bool:
    control, messages = connections["default"].settings_dict, connections[MESSAGES].settings_dict
    return all(control[key] == messages[key] for key in ("ENGINE", "HOST", "PORT", "NAME"))
