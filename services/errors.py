"""Every failure that Sockpanel tells to a person, each with a stable code.

The ground floor: no logic, no imports. A message is one sentence that names the thing, the fact and the next step; `field` is the
field of the form or the request that it stands beside. docs/errors.md lists the codes.
"""


class SockpanelError(Exception):
    """A failure with a code that scripts may rely on and a sentence that a person can act on."""

    code = "SP-1000"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


# Settings and set-up


class SettingRefused(SockpanelError):
    """An environment variable that makes no sense."""

    code = "SP-1101"


class UnsafeStart(SettingRefused):
    """A start that would leave the panel open to strangers."""

    code = "SP-1102"


class SetupNeeded(SockpanelError):
    """No admin exists yet: only the set-up page answers."""

    code = "SP-1001"


class SetupFinished(SockpanelError):
    """The first admin exists: there is nothing left to set up."""

    code = "SP-1002"


class SetupTokenRefused(SockpanelError):
    """The one-time set-up token is wrong, used or older than its 30 minutes."""

    code = "SP-1003"


class UserUnknown(SockpanelError):
    """Nobody has this user name."""

    code = "SP-1004"


class NotAllowed(SockpanelError):
    """The signed-in person's role does not include this."""

    code = "SP-1005"


class SignInNeeded(SockpanelError):
    """The request carries neither a session nor a token that is known."""

    code = "SP-1006"


class HostRefused(SockpanelError):
    """The request's Host is none of the panel's addresses."""

    code = "SP-1007"


class OriginRefused(SockpanelError):
    """The request comes from a page that is not the panel's."""

    code = "SP-1008"


class TooManyAttempts(SockpanelError):
    """Too many wrong passwords, or too many sign-ins at once."""

    code = "SP-1009"


class CsrfRefused(SockpanelError):
    """A form without the secret of the page it stood on."""

    code = "SP-1010"


class ConfirmationNeeded(SockpanelError):
    """This needs the password again: the last one was given more than 5 minutes ago."""

    code = "SP-1011"


class PasswordWrong(ConfirmationNeeded):
    """The password that should confirm it is not the person's."""

    code = "SP-1012"


class LastAdmin(SockpanelError):
    """Nobody would be an admin any more."""

    code = "SP-1013"


class InvitationRefused(SockpanelError):
    """An invitation's link is wrong, used, taken back or too old."""

    code = "SP-1014"


class SessionGone(SockpanelError):
    """No session, token or invitation of this person has this number."""

    code = "SP-1015"


# Sockets


class BindError(SockpanelError):
    """A socket could not be opened; retrying without a change is no use."""

    code = "SP-2000"


class AddressInUse(BindError):
    """Somebody else holds the address."""

    code = "SP-2001"


class AddressForeign(BindError):
    """The address does not belong to this machine."""

    code = "SP-2002"


class AddressFamilyRefused(BindError):
    """This machine has no such address family (IPv6 switched off, for one)."""

    code = "SP-2003"


class PortPrivileged(BindError):
    """The port is below 1024 and this process may not open it."""

    code = "SP-2004"


class SocketPathRefused(BindError):
    """The path of a UNIX socket is too long, occupied by something else, or not writable."""

    code = "SP-2005"


class PanelPort(BindError):
    """The port is the panel's own, which no server gets at any address."""

    code = "SP-2006"


# Configuration


class ConfigurationRefused(SockpanelError):
    """A server's configuration makes no sense; `problems` maps field -> sentence."""

    code = "SP-2101"

    def __init__(self, message: str, *, field: str = "", problems: dict[str, str] | None = None) -> None:
        super().__init__(message, field=field)
        self.problems = problems or ({field: message} if field else {})


class NameTaken(ConfigurationRefused):
    """Another server has this name."""

    code = "SP-2102"


class ServerUnknown(SockpanelError):
    """No server has this name."""

    code = "SP-2103"


class PresetUnknown(SockpanelError):
    """No preset has this name."""

    code = "SP-2104"


# Supervision


class SupervisorAway(SockpanelError):
    """No supervisor runs for the server's node."""

    code = "SP-2201"


class StartFailed(SockpanelError):
    """A server did not reach RUNNING."""

    code = "SP-2202"


class NotRunning(SockpanelError):
    """The server must be running for this."""

    code = "SP-2203"


class ConnectionUnknown(SockpanelError):
    """The server has no such open connection or peer."""

    code = "SP-2204"


class AlreadySupervised(SockpanelError):
    """Another supervisor holds this data directory and node."""

    code = "SP-2205"


class MoveRefused(SockpanelError):
    """A state does not know this event."""

    code = "SP-2206"


class WorkerBroken(SockpanelError):
    """A worker broke the protocol of its link."""

    code = "SP-2207"


class SendRefused(SockpanelError):
    """Bytes could not be handed to a peer."""

    code = "SP-2208"


class CrashLoop(SockpanelError):
    """The supervisor dies again and again."""

    code = "SP-2209"


# Certificates


class CertificateRefused(SockpanelError):
    """A certificate, a chain, a private key or a name that makes no sense."""

    code = "SP-2401"


class CertificateUnknown(SockpanelError):
    """No certificate has this name."""

    code = "SP-2402"


class CertificateInUse(SockpanelError):
    """A certificate cannot be removed while servers use it."""

    code = "SP-2403"


class CertificateUnusable(SockpanelError):
    """The private key of a certificate is not on this machine, or is no secret any more."""

    code = "SP-2404"


class CertificateEnds(SockpanelError):
    """A certificate ends soon, or has ended."""

    code = "SP-2405"


# Framing


class FrameTooLong(SockpanelError):
    """A frame is longer than its limit; known from its header where it has one."""

    code = "SP-3001"


class FrameMalformed(SockpanelError):
    """Bytes that cannot be a frame."""

    code = "SP-3002"


class TextMalformed(SockpanelError):
    """Text with escapes, hex or base64 that cannot be turned into bytes."""

    code = "SP-3003"


# Storage and the bus


class StoreFull(SockpanelError):
    """The disk has no room for further messages: they wait."""

    code = "SP-4001"


class StoreBusy(SockpanelError):
    """The database did not take a write in time."""

    code = "SP-4002"


class DiskShort(SockpanelError):
    """The data directory's disk will soon be full."""

    code = "SP-4003"


class DatabaseDamaged(SockpanelError):
    """A database file that is damaged, foreign or from a newer version."""

    code = "SP-4010"


class DatabaseBehind(SockpanelError):
    """A database lacks migrations."""

    code = "SP-4011"


class DatabaseAway(SockpanelError):
    """A database does not answer."""

    code = "SP-4012"


class BusUnreachable(SockpanelError):
    """The bus between the processes cannot be opened."""

    code = "SP-4101"


# Remote commands


class RemoteCommandsOff(SockpanelError):
    """Remote commands are switched off on this machine."""

    code = "SP-5001"


class SessionRefused(SockpanelError):
    """A remote-command server did not let the client in; it never says why."""

    code = "SP-5002"


class CommandUnknown(SockpanelError):
    """The server's allow-list has no such command."""

    code = "SP-5003"


class ArgumentRefused(SockpanelError):
    """The allowed command does not take these arguments."""

    code = "SP-5004"


class CommandsBusy(SockpanelError):
    """As many commands run already as the key or the server may run at once."""

    code = "SP-5005"


class CommandRefused(SockpanelError):
    """The key, or the server, does not allow this command."""

    code = "SP-5006"


class CommandNotStarted(SockpanelError):
    """The program could not be started, or not in the cage that it must run in."""

    code = "SP-5007"


class CommandInterrupted(SockpanelError):
    """The connection to the remote-command server ended while the command ran."""

    code = "SP-5008"


class CommandNotRecorded(SockpanelError):
    """The command could not be written down, and therefore was not run."""

    code = "SP-5009"


class ServerKeyDiffers(SockpanelError):
    """The remote-command server is not the one that was expected: its key is another."""

    code = "SP-5010"


class KeyRefused(SockpanelError):
    """A key for remote commands that makes no sense, or a file that is no private key."""

    code = "SP-5011"


class CommandGone(SockpanelError):
    """No command with this number is in the history."""

    code = "SP-5012"


# Requests


class RequestRefused(SockpanelError):
    """A request that makes no sense."""

    code = "SP-6001"


class PageUnknown(SockpanelError):
    """There is nothing at this address."""

    code = "SP-6002"


# The client


class ExchangeFailed(SockpanelError):
    """An exchange as a client failed: refused, unreachable, timed out."""

    code = "SP-7001"


class ExchangeRefused(ExchangeFailed):
    """Nothing listens at the target."""

    code = "SP-7002"


class ExchangeUnreachable(ExchangeFailed):
    """No way leads to the target."""

    code = "SP-7003"


class ExchangeTimedOut(ExchangeFailed):
    """The target did not take the connection in time."""

    code = "SP-7004"


class TargetNameUnknown(ExchangeFailed):
    """No address is known for the target's name."""

    code = "SP-7005"


class ExchangeReset(ExchangeFailed):
    """The target reset the connection before anything came back."""

    code = "SP-7006"


class TargetForbidden(ExchangeFailed):
    """The panel does not talk to this address for people: itself, its databases, link-local, multicast and shared addresses."""

    code = "SP-7007"


class ExchangeNotSecured(ExchangeFailed):
    """TLS with the target failed, or its certificate is not believed."""

    code = "SP-7008"


# Bodies and methods of requests


class BodyMalformed(RequestRefused):
    """The body of a request is no JSON object."""

    code = "SP-6003"


class BodyTooLong(RequestRefused):
    """The body of a request is longer than 1 MiB."""

    code = "SP-6004"


class MethodRefused(RequestRefused):
    """The address takes other methods."""

    code = "SP-6005"


class RequestTooSlow(RequestRefused):
    """A request did not arrive in time."""

    code = "SP-6006"


# Backups


class BackupFailed(SockpanelError):
    """A copy of the databases could not be made."""

    code = "SP-4020"


class BackupRefused(SockpanelError):
    """A file is no whole backup of a Sockpanel, or of a newer one."""

    code = "SP-4021"


class RestoreRefused(SockpanelError):
    """Nothing is restored as things stand: Sockpanel runs on the data directory, or a backup is being made."""

    code = "SP-4022"


# The audit


class AuditBroken(SockpanelError):
    """The audit is not what it was: an entry was edited, deleted, inserted or reordered, or its end is missing."""

    code = "SP-4030"

    def __init__(self, message: str, *, field: str = "", entry: int = 0) -> None:
        super().__init__(message, field=field)
        self.entry = entry  # the first that is wrong


class EntryUnknown(SockpanelError):
    """The audit has no such entry, or none that can be restored."""

    code = "SP-4031"


# Searching


class SearchTooLong(RequestRefused):
    """A search took longer than the database may be kept at work for one person."""

    code = "SP-6007"
