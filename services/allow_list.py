"""What a remote-command server allows until an admin says otherwise: commands that tell of a machine and change nothing.

The paths are Debian's. It runs nothing; `services.servers.commands.allowed` does, from the same words.
"""

from typing import Any


def _command(name: str, explains: str, *slots: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "program": f"/usr/bin/{name}", "explains": explains, "arguments": list(slots)}


def _flags(*choices: str) -> dict[str, Any]:
    """Any of these words, each as often as somebody likes."""
    return {"name": "flags", "choices": list(choices), "optional": True, "many": len(choices)}


COMMANDS: list[dict[str, Any]] = [
    _command("uname", "the system and its kernel", _flags("-a", "-s", "-n", "-r", "-v", "-m", "-o")),
    _command("uptime", "how long the machine is up, and its load", _flags("-p", "-s")),
    _command(
        "date",
        "the time",
        _flags("-u", "-R", "-Iseconds"),
        {"name": "format", "pattern": r"\+[ -~]{1,100}", "optional": True},
    ),
    _command("hostname", "the machine's name and addresses", _flags("-s", "-f", "-d", "-i", "-I")),
    _command("id", "the user that commands run as", _flags("-u", "-g", "-G", "-n")),
    _command("df", "room on its file systems", _flags("-h", "-i", "-k", "-l", "-T", "-P")),
    _command("free", "memory", _flags("-h", "-b", "-k", "-m", "-g", "-t", "-w")),
    _command("ps", "processes", _flags("-e", "-f", "-F", "-l", "-H", "aux")),
]
