"""Who may what: one table, deed -> the least role that includes it. Pages, API, WebSockets, actions and Django's admin all ask it.

@require("servers.start")                          # a page; sockpanel.accounts.access
@router.post(..., auth=Allowed("servers.start"))   # a route; sockpanel.api.access

What is not in the table can be done by nobody. It knows no request.
"""

from dataclasses import dataclass

from sockpanel.accounts import models

Role = models.User.Role
VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN


@dataclass(frozen=True)
class Deed:
    """Something that people do; `confirm`: a session that has not shown its password in the last minutes shows it again.

    `in_person`: no token does it. One that leaked could otherwise make a way in that outlives it, or lock its person out.
    """

    role: Role
    confirm: bool = False
    in_person: bool = False


DEEDS: dict[str, Deed] = {
    # Servers and what they recorded
    "servers.see": Deed(VIEWER),
    "servers.start": Deed(OPERATOR),
    "servers.stop": Deed(OPERATOR),
    "servers.restart": Deed(OPERATOR),
    "servers.send": Deed(OPERATOR),
    "servers.close": Deed(OPERATOR),  # one of its connections
    "servers.create": Deed(ADMIN),
    "servers.change": Deed(ADMIN),
    "servers.command": Deed(ADMIN, confirm=True),  # create a server that runs commands, or change one
    "servers.widen": Deed(ADMIN, confirm=True),  # open one to other machines, raise its limits, weaken its TLS
    "servers.prune": Deed(ADMIN),
    "servers.delete": Deed(ADMIN),
    # The machine, the presets, the description of the API
    "node.see": Deed(VIEWER),
    # The panel as a client of other servers
    "client.see": Deed(VIEWER),
    "client.use": Deed(OPERATOR),
    # Remote commands: their lines and output, in the history as in a server's conversation
    "commands.see": Deed(OPERATOR),
    "commands.run": Deed(OPERATOR),
    "commands.shell": Deed(ADMIN),  # a free command line
    "commands.oversee": Deed(ADMIN),  # watch a command that somebody else runs
    "keys.see": Deed(ADMIN),
    "keys.change": Deed(ADMIN, confirm=True, in_person=True),
    "keys.revoke": Deed(ADMIN),  # at once: it takes rights away and gives none
    # People
    "account.see": Deed(VIEWER),  # one's own
    "account.change": Deed(VIEWER, in_person=True),
    "tokens.create": Deed(VIEWER, confirm=True, in_person=True),  # a way in of one's own
    "users.see": Deed(ADMIN),
    "users.change": Deed(ADMIN, confirm=True, in_person=True),
    "users.revoke": Deed(ADMIN),  # end their sessions, take back an invitation: it takes away and gives none
    "audit.see": Deed(ADMIN),
    "admin.see": Deed(ADMIN, in_person=True),  # Django's admin
    # Certificates; their keys are shown to nobody
    "tls.see": Deed(VIEWER),
    "tls.change": Deed(ADMIN, confirm=True),
}

# What the web process asks of a supervisor (services.models.Action.Verb) -> the deed that it is
ACTIONS = {
    "send": "servers.send",
    "close": "servers.close",
    "change": "servers.change",
    "prune": "servers.prune",
}

# The commands of manage.py ask nobody: whoever may read the data directory is the panel's master already
ON_THE_HOST = frozenset(
    {
        *("up", "web", "runserver", "supervise", "runservice"),
        *("servers", "certificates", "client", "remote_commands", "backup", "restore", "audit"),
        *("token", "setup_token", "unlock"),
    }
)


def includes(role: str, deed: str) -> bool:
    """Whether a role includes a deed of the table."""
    return models.includes(role, DEEDS[deed].role)


COMMANDS_SEEN = "commands.see"  # the deed of reading a conversation that consists of commands
