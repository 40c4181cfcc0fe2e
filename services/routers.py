"""Which table lives in which database: what the recorder writes in `messages`, all else in `default` (control)."""

from django.db import models

from services.models import MESSAGES

IN_MESSAGES = frozenset({"message", "connection", "run", "statechange", "status", "counters", "node"})


class TwoDatabases:
    """The router: what the recorder writes lives in the messages database, all else in the control database."""

    def db_for_read(self, model: type[models.Model], **hints: object) -> str | None:
        return MESSAGES if _in_messages(model._meta.app_label, model._meta.model_name) else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: object) -> bool:
        return (db == MESSAGES) == _in_messages(app_label, model_name)


def _in_messages(app_label: str, model_name: str | None) -> bool:
    return app_label == "services" and model_name in IN_MESSAGES
