"""What a key may ask of a server: what it is offered, and what becomes of what it asks for. It knows no connection."""

from services.errors import CommandRefused
from services.servers.commands import allowed
from services.servers.commands.allowed import Plan, Terms
from services.servers.commands.job import Order
from services.servers.commands.options import CommandOptions
from services.servers.commands.wire import Offered, Run, Welcome
from services.servers.redaction import clean_text
from services.servers.report import Key

SHELL = "shell"  # what a free command line is called where others have the id of their command
MAX_ID = 64  # characters of a command's id that are told of, allowed or not


def permits(key: Key, command: str) -> bool:
    """Whether the key is for this command of the allow-list, or for free command lines."""
    if command == SHELL:
        return key.shell
    return key.commands is None or command in key.commands


def welcome(options: CommandOptions, key: Key, session: str) -> Welcome:
    """What the holder of the key is offered."""
    return Welcome(
        session=session,
        commands=tuple(
            Offered(one.id, one.explains, tuple(allowed.usage(one))) for one in options.commands if permits(key, one.id)
        ),
        shell=options.shell and key.shell,
        timeout=options.timeout,
        output_bytes=options.output_bytes,
    )


def order(options: CommandOptions, terms: Terms, key: Key, run: Run, *, connection: int, source: str) -> Order:
    """What the holder of the key asks for."""
    argv = (run.shell,) if run.shell is not None else run.argv or ("",)
    return Order(
        connection=connection,
        source=source,
        command=SHELL if run.shell is not None else clean_text(argv[0])[:MAX_ID],
        argv=argv,
        plan=lambda: _plan(options, terms, key, run),
        key=key.name,
        public=key.public,
        who=run.who,
    )


def _plan(options: CommandOptions, terms: Terms, key: Key, run: Run) -> Plan:
    """Raises CommandUnknown, ArgumentRefused or CommandRefused."""
    if run.shell is not None:
        plan, command, what = allowed.shell(options, run.shell, terms), SHELL, "free command lines"
    else:
        argv = run.argv or ("",)
        plan, command, what = allowed.plan(options, argv, terms), argv[0], argv[0]
    if not permits(key, command):
        raise CommandRefused(f"The key {key.name} is not for {what}: ask an admin of the server, or use another key.")
    return plan
