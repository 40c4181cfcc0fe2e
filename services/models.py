"""What is kept: servers and what is asked of them (control database); messages and what happened (messages database).

Only the supervisor's recorder writes to the messages database. Times there are whole microseconds since 1970 (UTC): they sort, they
cost nothing to store, and clocks of every database keep them exactly.
"""

import msgspec
from django.db import models

from services.servers.spec import TRANSPORTS, Tls

MESSAGES = "messages"  # the alias of the second database


def default_retention() -> dict[str, int]:
    return {"rows": 100_000}


def default_tls() -> dict[str, str]:
    """Off, with every field that there is."""
    return dict(msgspec.to_builtins(Tls()))


class Server(models.Model):
    """A configured endpoint, and whether it should run."""

    class Wanted(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"

    class Restart(models.TextChoices):
        NEVER = "never", "never"
        ON_FAILURE = "on-failure", "on failure"
        ALWAYS = "always", "always"

    name = models.SlugField(max_length=64, unique=True)
    kind = models.CharField(max_length=32, choices=[(kind, kind) for kind in TRANSPORTS])
    transport = models.CharField(max_length=16)
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=0)
    framing = models.JSONField(default=dict, blank=True)
    reply = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    tls = models.JSONField(default=default_tls, blank=True)
    restart = models.CharField(max_length=16, choices=Restart.choices, default=Restart.ON_FAILURE)
    autostart = models.BooleanField(default=False)
    retention = models.JSONField(default=default_retention, blank=True)
    node = models.CharField(max_length=64, default="local")
    notes = models.TextField(blank=True)

    wanted = models.CharField(max_length=8, choices=Wanted.choices, default=Wanted.STOPPED, editable=False)
    asked = models.PositiveBigIntegerField(default=0, editable=False)  # counts starts, stops and restarts asked for
    asked_by = models.CharField(max_length=150, blank=True, editable=False)
    revision = models.PositiveBigIntegerField(default=1, editable=False)  # counts changes of the configuration
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Action(models.Model):
    """Something asked of a running server: bytes to send, a connection to close, a change to apply."""

    class Verb(models.TextChoices):
        SEND = "send"
        CLOSE = "close"
        CHANGE = "change"
        PRUNE = "prune"

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="actions")
    verb = models.CharField(max_length=8, choices=Verb.choices)
    words = models.JSONField(default=dict)  # send: connection, peer; close: connection; change: the fields; prune: keep
    data = models.BinaryField(default=bytes)
    asked_by = models.CharField(max_length=150, blank=True)
    came = models.JSONField(default=dict)  # way and source of whoever asked
    asked_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)
    count = models.PositiveIntegerField(default=0)  # peers reached; messages pruned
    code = models.CharField(max_length=8, blank=True)
    error = models.TextField(blank=True)
    problems = models.JSONField(default=dict)  # field -> sentence

    class Meta:
        indexes = [models.Index(fields=["done_at"])]


class Switch(models.Model):
    """Something that is off until an admin of the machine turns it on, for all nodes."""

    name = models.CharField(max_length=32, primary_key=True)  # remote_commands
    on = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(auto_now=True)


class Key(models.Model):
    """A public key that remote-command servers let in, with what it may do. The private one is nowhere here."""

    name = models.CharField(max_length=64, unique=True)
    public = models.CharField(max_length=64, unique=True)  # 32 bytes in hex, Ed25519
    owner = models.CharField(max_length=150, blank=True)  # a user's name
    servers = models.JSONField(default=list, blank=True)  # names; empty: every remote-command server
    commands = models.JSONField(null=True, blank=True)  # ids of allow-lists; null: all of them
    shell = models.BooleanField(default=False)  # may use the free command line of a server that has one
    sources = models.JSONField(default=list, blank=True)  # networks (CIDR); empty: any
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.CharField(max_length=150, blank=True, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)
    used_from = models.CharField(max_length=64, blank=True, editable=False)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Certificate(models.Model):
    """A certificate for servers, with its private key in a file of its own; or whose clients' certificates are believed."""

    class Purpose(models.TextChoices):
        SERVER = "server"  # servers show it
        CLIENTS = "clients"  # authorities: clients show certificates of theirs
        AUTHORITY = "authority"  # the panel's own, which issues others; clients may show certificates of it, too

    name = models.SlugField(max_length=64, unique=True)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    is_own = models.BooleanField(default=False)  # issued by the panel's own authority
    names = models.JSONField(default=list)  # host names and addresses
    chain = models.TextField()  # PEM; the server's own comes first
    public = models.CharField(
        max_length=64, blank=True
    )  # SHA-256 of the public key: its key's file; empty: none is kept
    fingerprint = models.CharField(max_length=64)  # SHA-256 of the first certificate
    subject = models.CharField(max_length=255, blank=True)
    issuer = models.CharField(max_length=255, blank=True)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)  # grows with each renewal
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    renewed_by = models.CharField(max_length=150, blank=True)
    renewed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Command(models.Model):
    """A remote command that the panel was asked to run, somewhere, and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting"  # written down; whoever asked has not come to watch it yet
        RUNNING = "running"
        DONE = "done"  # it ran and ended
        FAILED = "failed"  # it did not run, or nobody knows how it ended: `code` and `error` say why

    user = models.CharField(max_length=150)
    server = models.CharField(max_length=64, blank=True)  # the name of a server of this panel, or
    host = models.CharField(max_length=255, blank=True)  # another's address
    port = models.PositiveIntegerField(default=0)
    key = models.CharField(max_length=64, blank=True)  # the public key of that server, in hex
    argv = models.JSONField(default=list)
    shell = models.BooleanField(default=False)  # argv[0] is a free command line
    line = models.TextField()  # the words as people write them, for reading and for search
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    seconds = models.FloatField(null=True)
    why = models.TextField(blank=True)  # why it did not end by itself
    code = models.CharField(max_length=8, blank=True)
    error = models.TextField(blank=True)
    stdout_bytes = models.PositiveBigIntegerField(default=0)
    stderr_bytes = models.PositiveBigIntegerField(default=0)
    truncated = models.BooleanField(default=False)  # the server sent less than the command wrote
    kept_bytes = models.PositiveIntegerField(default=0)
    transcript = models.BinaryField(default=bytes)  # of both streams, in their order: services.remote.transcript

    class Meta:
        indexes = [models.Index(fields=["user", "id"]), models.Index(fields=["state"])]


class AuditEntry(models.Model):
    """One thing that somebody did, or was refused. Only services.audit writes here, and only at the end."""

    number = models.BigIntegerField(primary_key=True)  # 1, 2, 3 ... without holes
    at = models.BigIntegerField()  # microseconds since 1970
    verb = models.CharField(max_length=32)  # server.start, send, sign-in.refused
    who = models.CharField(max_length=150)
    way = models.CharField(max_length=16)  # services.audit.origin.WAYS
    source = models.CharField(max_length=64)  # an address
    server = models.CharField(max_length=64)  # its name then
    server_id = models.BigIntegerField(null=True)
    what = models.TextField()
    details = models.TextField()  # canonical JSON: old, new, configuration
    data = models.BinaryField()  # the beginning of what was sent, without secrets
    size = models.BigIntegerField()  # of all that was sent
    sha256 = models.CharField(max_length=64)  # the same
    code = models.CharField(max_length=8)  # of a refusal
    cut = models.BigIntegerField()  # this and all before went into a file; 0 in nearly every entry
    previous = models.CharField(max_length=64)  # the hash of the entry before
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["who", "number"]),
            models.Index(fields=["verb", "number"]),
            models.Index(fields=["server", "number"]),
            models.Index(fields=["server_id", "verb", "number"]),
            models.Index(fields=["at"]),
            models.Index(fields=["cut"], name="services_audit_cuts", condition=models.Q(cut__gt=0)),
        ]


class Message(models.Model):
    """Bytes that came in or went out, numbered per server without holes."""

    pk = models.CompositePrimaryKey("server_id", "seq")
    server_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    at = models.BigIntegerField()
    run = models.BigIntegerField()
    connection = models.BigIntegerField()
    peer = models.CharField(max_length=255)
    direction = models.SmallIntegerField()  # 0 in, 1 out
    data = models.BinaryField()
    size = models.BigIntegerField()
    sent_by = models.CharField(max_length=150, default="")


class Connection(models.Model):
    """A TCP connection, or a datagram peer."""

    pk = models.CompositePrimaryKey("server_id", "number")
    server_id = models.BigIntegerField()
    number = models.BigIntegerField()
    run = models.BigIntegerField()
    peer = models.CharField(max_length=255)
    opened_at = models.BigIntegerField()
    opened_seq = models.BigIntegerField(default=0)  # the last message before it
    closed_at = models.BigIntegerField(null=True)
    closed_seq = models.BigIntegerField(null=True)
    why = models.CharField(max_length=255, default="")
    last_at = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    tls_version = models.CharField(max_length=16, default="")  # empty: no TLS
    tls_cipher = models.CharField(max_length=64, default="")
    tls_name = models.CharField(max_length=255, default="")  # the server name that the client asked for
    tls_client = models.CharField(max_length=255, default="")  # the subject of its certificate
    tls_client_sha256 = models.CharField(max_length=64, default="")

    class Meta:
        indexes = [models.Index(fields=["server_id", "closed_at"])]


class Run(models.Model):
    """One life of a worker."""

    pk = models.CompositePrimaryKey("server_id", "number")
    server_id = models.BigIntegerField()
    number = models.BigIntegerField()
    pid = models.BigIntegerField()
    # Clock ticks since boot (proc(5), stat field 22): with the pid, one process for sure
    process_start = models.BigIntegerField()
    started_at = models.BigIntegerField()
    ready_at = models.BigIntegerField(null=True)
    ended_at = models.BigIntegerField(null=True)
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    stderr = models.TextField(default="")  # its last 50 lines


class Execution(models.Model):
    """One command that a remote-command server ran, or refused to run; written down before it ran."""

    id = models.BigAutoField(primary_key=True)
    server_id = models.BigIntegerField()
    run = models.BigIntegerField()
    ask = models.BigIntegerField()  # number within the worker's run
    connection = models.BigIntegerField()
    at = models.BigIntegerField()
    key = models.CharField(max_length=64)  # its name; empty for the dialect `Ready`
    public = models.CharField(max_length=64)
    who = models.CharField(max_length=150)  # the panel's user it ran for
    source = models.CharField(max_length=255)
    is_new_source = models.BooleanField(default=False)  # the key was never used from this address before
    command = models.CharField(max_length=64)
    argv = models.JSONField(default=list)
    argv_sha256 = models.CharField(max_length=64)  # of the words, each with a NUL behind it
    ended_at = models.BigIntegerField(null=True)
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    seconds = models.FloatField(null=True)
    why = models.TextField(default="")
    stdout_bytes = models.BigIntegerField(default=0)
    stderr_bytes = models.BigIntegerField(default=0)
    truncated = models.BooleanField(default=False)
    output = models.BinaryField(default=bytes)

    class Meta:
        indexes = [models.Index(fields=["server_id", "id"]), models.Index(fields=["public", "source"])]
        constraints = [models.UniqueConstraint(fields=["server_id", "run", "ask"], name="one_execution_an_ask")]


class StateChange(models.Model):
    """One move of a server from state to state."""

    id = models.BigAutoField(primary_key=True)
    server_id = models.BigIntegerField()
    at = models.BigIntegerField()
    old = models.CharField(max_length=8)
    new = models.CharField(max_length=8)
    reason = models.TextField(default="")
    who = models.CharField(max_length=150, default="")  # who asked; empty when it happened by itself

    class Meta:
        indexes = [models.Index(fields=["server_id", "id"])]


class Incident(models.Model):
    """Something that a server refused or slowed down, by a rule (services.servers.report.RULES)."""

    id = models.BigAutoField(primary_key=True)
    server_id = models.BigIntegerField()
    at = models.BigIntegerField()
    rule = models.CharField(max_length=16)
    source = models.CharField(max_length=255, default="")  # an address without port; empty for nobody in particular
    what = models.TextField(default="")
    count = models.BigIntegerField(default=1)  # how often since it was last told

    class Meta:
        indexes = [models.Index(fields=["server_id", "id"])]


class Status(models.Model):
    """Where a server stands, as its supervisor last wrote it."""

    server_id = models.BigIntegerField(primary_key=True)
    state = models.CharField(max_length=8)
    reason = models.TextField(default="")
    since = models.BigIntegerField()
    pid = models.BigIntegerField(null=True)
    address = models.CharField(max_length=255, default="")
    run = models.BigIntegerField(default=0)
    asked = models.BigIntegerField(default=0)  # the last Server.asked that was heeded
    revision = models.BigIntegerField(default=0)  # the Server.revision that runs or last ran
    retry_at = models.BigIntegerField(null=True)  # BACKOFF: when it is tried again


class Counters(models.Model):
    """What a server has handled since it was created; pruning lowers none of it."""

    server_id = models.BigIntegerField(primary_key=True)
    last_seq = models.BigIntegerField(default=0)
    first_seq = models.BigIntegerField(default=1)  # the oldest message still kept, or last_seq + 1
    last_at = models.BigIntegerField(null=True)
    last_connection = models.BigIntegerField(default=0)
    last_run = models.BigIntegerField(default=0)
    open_connections = models.BigIntegerField(default=0)
    connections = models.BigIntegerField(default=0)  # ever opened
    received = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    dropped = models.JSONField(default=dict)
    sent = models.BigIntegerField(default=0)
    sent_stored = models.BigIntegerField(default=0)
    sent_dropped = models.JSONField(default=dict)
    bytes_in = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    kept_bytes = models.BigIntegerField(default=0)  # of data, in the messages that are still there
    stored_bytes = models.BigIntegerField(default=0)  # bytes_in = stored_bytes + the sum of dropped_bytes, at rest
    dropped_bytes = models.JSONField(default=dict)
    sent_stored_bytes = models.BigIntegerField(default=0)
    sent_dropped_bytes = models.JSONField(default=dict)
    refused = models.JSONField(default=dict)  # rule -> connections that were not let in


class Node(models.Model):
    """A supervisor, and when it was last heard of."""

    name = models.CharField(max_length=64, primary_key=True)
    pid = models.BigIntegerField()
    started_at = models.BigIntegerField()
    seen_at = models.BigIntegerField()
    version = models.CharField(max_length=32, default="")
