"""What a key is restricted to and nobody has: it would let in to less than its owner thinks. It refuses nothing: servers come and go.

offers = reach.offered()
reach.warnings(key, offers)  # ["No server allows the command nope."]
"""

from collections.abc import Mapping

from services.models import Key, Server


def offered() -> dict[str, set[str]]:
    """Remote-command servers, and the commands that each allows."""
    servers = Server.objects.filter(kind="command").values_list("name", "options")
    return {name: {str(one.get("id")) for one in options.get("commands") or ()} for name, options in servers}


def warnings(key: Key, offers: Mapping[str, set[str]]) -> list[str]:
    """A sentence for the servers, and one for the commands, that the key names and nobody has."""
    servers = [name for name in key.servers if name not in offers]
    allowed = set().union(*(commands for name, commands in offers.items() if name in (key.servers or offers)))
    commands = [command for command in key.commands or () if command not in allowed]
    where = "of these servers " if key.servers else "server "
    return [
        *([f"No remote-command server is named {', '.join(servers)}."] if servers else []),
        *([f"{'None' if key.servers else 'No'} {where}allows {', '.join(commands)}."] if commands else []),
    ]
