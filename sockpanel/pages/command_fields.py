"""The fields of a remote-command server's form: what it allows, and what a command may use."""

from services.servers.commands.options import CommandOptions
from sockpanel.pages.field import Field, choices, literal

DIALECTS = {"frames": "Frames, keys and encryption", "ready": "Ready: plain, for textbook clients on this machine"}
COMMANDS: dict[str, tuple[str, ...]] = {"kind": ("command",)}
FRAMED = COMMANDS | {"options.dialect": ("frames",)}

COMMAND_FIELDS = (
    Field(
        "options.dialect",
        "Dialect",
        "options",
        "choice",
        help="`Ready` runs any program for whoever reaches the port, so it serves 127.0.0.1 and ::1 only.",
        choices=choices(literal(CommandOptions, "dialect"), DIALECTS),
        when=COMMANDS,
    ),
    Field(
        "options.shell",
        "Shell: a free command line, for keys that may use it",
        "options",
        "switch",
        help="Whoever holds such a key may do whatever the commands' user may do on this machine.",
        when=FRAMED,
        is_grave=True,
    ),
    Field(
        "options.commands",
        "Allowed commands",
        "options",
        "json",
        help='A list of `{"id", "program", "arguments", …}`: see docs/remote-commands.md. Nothing else is run.',
        when=FRAMED,
    ),
    Field("options.timeout", "Longest run, seconds", "options", "decimal", when=COMMANDS),
    Field(
        "options.output_bytes",
        "Output that is sent, bytes",
        "options",
        "number",
        help="More is counted, and not sent.",
        when=COMMANDS,
    ),
    Field("options.memory_bytes", "Memory of a command, bytes", "options", "number", when=COMMANDS),
    Field("options.processes", "Processes of a command", "options", "number", when=COMMANDS),
    Field("options.at_once", "Commands at once", "options", "number", when=COMMANDS),
    Field("options.at_once_per_key", "Commands at once of one key", "options", "number", when=FRAMED),
)
