"""A panel of the first version, with people, tokens, servers and what they recorded; and what the newest version makes of it.

Each script runs in a process of its own, on the databases that its environment names.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent
TOKENS = {name: f"sp_{name}-of-the-first-version-0123456789abcdefgh" for name in ("ada", "otto", "vera")}
PASSWORD = "correct horse battery staple"

# The first migrations, and rows as the first version wrote them
MAKE = f"""
import django
django.setup()
import hashlib
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from services import databases

TOKENS, PASSWORD = {TOKENS!r}, {PASSWORD!r}
FIRST = [("services", "0001_initial"), ("accounts", "0001_initial"), ("axes", "0008_accessfailurelog")]
for alias in databases.NAMES:
    for app, name in FIRST:
        call_command("migrate", app, name, database=alias, verbosity=0)
apps = MigrationExecutor(connections["default"]).loader.project_state(FIRST[:2]).apps
def rows(app, name):
    return apps.get_model(app, name).objects.using("messages" if name in OF_MESSAGES else "default")
OF_MESSAGES = {{"Counters", "Message", "Connection", "Run", "StateChange", "Status", "Node"}}

for name, role in (("ada", "admin"), ("otto", "operator"), ("vera", "viewer")):
    boss = role == "admin"
    user = rows("accounts", "User").create(
        username=name, password=make_password(PASSWORD), role=role, is_staff=boss, is_superuser=boss)
    digest = hashlib.sha256(TOKENS[name].encode()).hexdigest()
    rows("accounts", "Token").create(user=user, name=f"of {{name}}", digest=digest)
rows("accounts", "User").filter(username="vera").update(is_active=False)

COMMON = {{"framing": {{}}, "reply": {{}}, "options": {{}}, "limits": {{"keep_bytes": 4096}}, "asked_by": "ada"}}
lab = rows("services", "Server").create(
    name="lab", kind="tcp", transport="tcp", host="127.0.0.1", port=9100, notes="the first", wanted="running", autostart=True,
    asked=7, revision=3, **COMMON | {{"reply": {{"type": "echo"}}, "framing": {{"type": "line"}}}})
rows("services", "Server").create(name="clock", kind="time", transport="udp", host="::1", port=9101, **COMMON)
rows("services", "Server").create(name="ear", kind="broadcast-receiver", transport="udp", host="0.0.0.0", port=9102, **COMMON)
rows("services", "Action").create(server=lab, verb="send", words={{"peer": None}}, data=b"hi", asked_by="otto")

rows("services", "Counters").create(
    server_id=lab.pk, last_seq=3, last_connection=1, last_run=1, connections=1, received=3, stored=3, bytes_in=300, bytes_out=7)
rows("services", "Run").create(server_id=lab.pk, number=1, pid=4, process_start=5, started_at=6)
rows("services", "Connection").create(server_id=lab.pk, number=1, run=1, peer="10.0.0.7:5000", opened_at=6, last_at=9, received=3)
for seq in (1, 2, 3):
    rows("services", "Message").create(
        server_id=lab.pk, seq=seq, at=seq, run=1, connection=1, peer="10.0.0.7:5000", direction=0, data=b"m" * 100, size=100)
rows("services", "StateChange").create(server_id=lab.pk, at=6, old="STOPPED", new="RUNNING")
rows("services", "Status").create(server_id=lab.pk, state="RUNNING", since=6, pid=4, run=1, asked=7, revision=3)
with connections["default"].cursor() as cursor:
    cursor.execute("CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text, expire_date timestamp)")
    cursor.execute("INSERT INTO django_session VALUES ('an old key', 'x', '2030-01-01 00:00:00')")
"""  # noqa: S608 - what looks like SQL is Python

UPGRADE = "import django; django.setup(); from services import databases; databases.prepare()"

# What the newest version says of all that
LOOK = f"""
import django
django.setup()
import json
import msgspec
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from services import configuration, describe, history, operations
from services.audit import entries, verifying
from services.models import Action, Server
from sockpanel.accounts.models import Session, Token, User
from sockpanel.api import schemas

settings.ALLOWED_HOSTS = ["*"]
servers = list(Server.objects.all())
for described in describe.describe(servers):
    msgspec.convert(msgspec.to_builtins(described), schemas.Server)
lab = operations.find("lab")
operations.save(lab, configuration.changed(lab, {{"notes": "the second"}}), "ada")
entry = entries.told(entries.listed(entries.Filter(verb="server.change"))[0][0])
lab = operations.find("lab")
operations.save(operations.find("clock"), configuration.changed(operations.find("clock"), {{"port": 9109}}), "ada")
client = Client()
answers = {{
    name: client.get("/api/v1/account", headers={{"authorization": f"Bearer {{token}}", "host": "127.0.0.1"}}).status_code
    for name, token in {TOKENS!r}.items()
}}
found = verifying.verify([])
counters = describe.describe([lab])[0]["counters"]
print(json.dumps({{
    "people": {{one.username: [one.role, one.is_active, one.is_staff, one.theme, one.wrong_guesses] for one in User.objects.all()}},
    "passwords": [user.username for user in User.objects.all() if user.check_password({PASSWORD!r})],
    "tokens": {{token.user.username: [token.name, token.scope, str(token.expires_at)] for token in Token.objects.all()}},
    "answers": answers,
    "sessions": Session.objects.count(),
    "tables": [name for name in connection.introspection.table_names() if name == "django_session"],
    "specs": {{one.name: configuration.spec_of(one).limits.keep_bytes for one in servers}},
    "tls": [one.tls for one in servers],
    "lab": [lab.port, lab.wanted, lab.autostart, lab.asked, lab.revision, lab.notes, lab.retention],
    "changed": [sorted(entry["new"]), entry["old"]["notes"], entry["fault"]],
    "actions": [[one.verb, bytes(one.data).decode(), one.came] for one in Action.objects.all()],
    "messages": [[one.seq, len(one.data)] for one in history.messages(lab.pk, history.Query()).messages],
    "connections": [[one["peer"], one["tls"]] for one in history.connections_of(lab.pk)],
    "counters": [counters[name] for name in ("received", "stored", "stored_bytes", "sent_stored_bytes")],
    "audit": [found.entries, found.guarded],
}}))
"""


def run(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def upgraded(environment: dict[str, str]) -> dict[str, Any]:
    """What the newest version says of a panel of the first one."""
    run(MAKE, environment)
    run(UPGRADE, environment)
    return dict(json.loads(run(LOOK, environment).splitlines()[-1]))
