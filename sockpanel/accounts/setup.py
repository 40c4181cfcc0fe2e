"""The way in before anybody has a password: a one-time link, or a first admin named by the environment.

The link's token lies in the data directory (0600), so that only who may read it there, or saw it printed, can use it. It stands in the
fragment of the link, which no browser sends and no log keeps. It dies after 30 minutes, or with its use. It knows no request.

    print(setup.link("http://127.0.0.1:8000"))      # http://127.0.0.1:8000/setup#token=...
    setup.create_admin(token, "ada", password)
"""

import json
import os
import secrets
import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connections, router, transaction

from services import audit
from services.errors import ConfigurationRefused, SettingRefused, SetupFinished, SetupTokenRefused, UserUnknown
from sockpanel.accounts.models import User

LASTS = 30 * 60  # seconds
NOT_YET = (
    "This panel has no admin yet: open the link that its start printed, or print a new one with manage.py setup_token."
)
FINISHED = (
    "This panel is set up: sign in. Whoever forgot a password gets a link from manage.py setup_token --reset USER."
)
REFUSED = "The link is wrong, was used, or is older than 30 minutes: print a new one with manage.py setup_token."


def needed() -> bool:
    """Whether nobody has an account yet."""
    return not User.objects.exists()


def link(base: str, reset: str = "") -> str:
    """A new one-time link: to create the first admin, or to give `reset` a new password. Older links die.

    Raises SetupFinished when there is an admin and nobody to reset, UserUnknown for an unknown `reset`.
    """
    if not reset and not needed():
        raise SetupFinished(FINISHED)
    if reset and not User.objects.filter(username=reset).exists():
        raise UserUnknown(f"Nobody is named {reset!r}: look at the list of users, /users/.")
    token = secrets.token_urlsafe(32)
    # The clock of the wall: processes share it
    _write({"token": token, "expires_at": time.time() + LASTS, "reset": reset})
    return f"{base}/setup#token={token}"


def resetting() -> bool:
    """Whether the link that lives is for a new password."""
    return bool(_read().get("reset"))


def create_admin(token: str, username: str, password: str) -> User:
    """The first admin. One of several at once wins, for the others it is SetupFinished.

    Raises SetupTokenRefused, and ConfigurationRefused with a sentence for each field that is wrong.
    """
    if not _is_living(token):
        raise SetupTokenRefused(REFUSED) if needed() else SetupFinished(FINISHED)
    user = _create(checked(User(username=username, role=User.Role.ADMIN), password), password)
    path().unlink(missing_ok=True)
    return user


def reset_password(token: str, password: str) -> User:
    """A new password for the person the link was made for; all their sessions end. Raises as `create_admin` does."""
    user = User.objects.filter(username=_read().get("reset", "")).first()
    if user is None or not _is_living(token):
        raise SetupTokenRefused(REFUSED)
    checked(user, password)
    if not _is_used_up():
        raise SetupTokenRefused(REFUSED)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        audit.record("user.password", user.username, what="a new one, by a link that was made on the host")
    return user


def unattended(username: str, password: str) -> User | None:
    """The first admin as SOCKPANEL_ADMIN_USERNAME and SOCKPANEL_ADMIN_PASSWORD name it; None when somebody has an account already.

    Raises SettingRefused.
    """
    if bool(username) != bool(password):
        raise SettingRefused("SOCKPANEL_ADMIN_USERNAME and SOCKPANEL_ADMIN_PASSWORD go together: set both or neither.")
    if not username or not needed():
        return None
    try:
        return _create(checked(User(username=username, role=User.Role.ADMIN), password), password)
    except ConfigurationRefused as error:
        said = [f"SOCKPANEL_ADMIN_{field.upper()} is refused: {sentence}" for field, sentence in error.problems.items()]
        raise SettingRefused(" ".join(said)) from None
    except SetupFinished:
        return None


def _create(user: User, password: str) -> User:
    """Save the first user. Raises SetupFinished when somebody else was first."""
    with transaction.atomic(using=router.db_for_write(User)):
        hold_others()
        if not needed():
            raise SetupFinished(FINISHED)
        user.set_password(password)
        user.save()
        audit.record("set-up", user.username, what="the first admin")
    return user


def checked(user: User, password: str) -> User:
    """The user, whose name and new password are fit. Raises ConfigurationRefused with a sentence for each that is not."""
    problems: dict[str, str] = {}
    try:
        user.full_clean(exclude=["password"], validate_unique=False)  # it is the first, or there already
    except ValidationError as error:
        problems["username"] = " ".join(error.messages)
    try:
        validate_password(password, user)
    except ValidationError as error:
        problems["password"] = " ".join(error.messages)
    if problems:
        raise ConfigurationRefused(" ".join(problems.values()), problems=problems)
    return user


def hold_others() -> None:
    """Have the accounts to oneself until the transaction ends.

    SQLite's transactions are IMMEDIATE: one at a time. PostgreSQL has to be asked for that.
    """
    connection = connections[router.db_for_write(User)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{User._meta.db_table}" IN SHARE ROW EXCLUSIVE MODE')


def path() -> Path:
    return Path(settings.SOCKPANEL_DATA_DIR) / "setup-token"


def _write(said: dict[str, object]) -> None:
    draft = path().with_name(f"setup-token.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(said, file)
    draft.rename(path())


def _read() -> dict[str, str]:
    """What lives of the link; empty when none does."""
    try:
        said = json.loads(path().read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return said if 0 <= said["expires_at"] - time.time() <= LASTS else {}


def _is_used_up() -> bool:
    """Whether this call has used up the link: of several at once one does."""
    used = path().with_name(f"setup-token.{secrets.token_hex(8)}")
    try:
        path().rename(used)
    except FileNotFoundError:
        return False
    used.unlink()
    return True


def _is_living(token: str) -> bool:
    known = _read().get("token", "")
    return bool(known) and secrets.compare_digest(known.encode(), token.encode("utf-8", "surrogatepass"))
