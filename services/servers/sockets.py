"""Open, bind, listen; and errors that name the holder, the fact and the next step. Nothing is sent or received here.

sock = sockets.open_socket(spec)  # may take 0.1 s when the address is in use: it looks who holds it
sockets.close_socket(sock, spec)
"""

import errno
import socket
import time

import msgspec

from services.errors import AddressFamilyRefused, AddressForeign, AddressInUse, BindError, PortPrivileged
from services.servers import socket_holder, socket_paths
from services.servers.socket_options import IP_PKTINFO, SO_RCVBUFFORCE, WILDCARDS
from services.servers.spec import ServerSpec

BACKLOG = 1024  # connections that wait in the kernel until the worker takes them
RECEIVE_BUFFER = 4 * 1024 * 1024  # bytes asked for a datagram socket
BROADCASTERS = frozenset({"broadcast-receiver", "broadcast-sender"})
NEARBY = 50  # ports tried above one that is in use
PAUSES = (0.01, 0.03)  # seconds: `check_address`, in another process, holds a UDP port for an instant


def open_socket(spec: ServerSpec) -> socket.socket:
    """A socket for `spec`: bound, listening where it is a stream, non-blocking, not inherited.

    Raises AddressInUse, AddressForeign, AddressFamilyRefused, PortPrivileged, SocketPathRefused, or BindError for the rest.
    """
    try:
        return _opened_at_last(spec)
    except OSError as error:
        raise _explained(error, spec) from error


def close_socket(sock: socket.socket, spec: ServerSpec) -> None:
    """Close what `open_socket` gave for `spec`, and remove the file of a UNIX socket."""
    sock.close()
    if spec.is_unix:
        socket_paths.remove(spec.host)


def check_address(spec: ServerSpec) -> str | None:
    """The sentence that `open_socket` would raise, or None when the address is free. Listens nowhere and leaves no file."""
    try:
        if spec.is_unix:
            socket_paths.check(spec.host)
        else:
            _opened(spec, listen=False).close()
    except BindError as error:
        return error.message
    except OSError as error:
        return _explained(error, spec).message
    return None


def _opened_at_last(spec: ServerSpec) -> socket.socket:
    for pause in PAUSES:
        try:
            return _opened(spec, listen=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or spec.transport != "udp":
                raise
        time.sleep(pause)
    return _opened(spec, listen=True)


def _opened(spec: ServerSpec, *, listen: bool) -> socket.socket:
    sock = socket.socket(_family(spec), socket.SOCK_STREAM if spec.is_stream else socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        _configure(sock, spec)
        if spec.is_unix:
            socket_paths.bind(sock, spec.host)
        else:
            sock.bind(_socket_address(spec))
        if listen and spec.is_stream:
            sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _family(spec: ServerSpec) -> socket.AddressFamily:
    if spec.is_unix:
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in spec.host else socket.AF_INET


def _socket_address(spec: ServerSpec) -> tuple[object, ...]:
    """With the number of the interface that a link-local address names."""
    return socket.getaddrinfo(spec.host, spec.port, _family(spec), flags=socket.AI_NUMERICHOST)[0][4]


def _configure(sock: socket.socket, spec: ServerSpec) -> None:
    """No SO_REUSEPORT ever, and no SO_REUSEADDR for datagrams: another process could steal the port."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, spec.host != "::")
    if spec.transport == "tcp":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past what is in TIME_WAIT, not past a listener
        # Handed down: peers that vanished are noticed one day
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if not spec.is_stream:
        _enlarge(sock)
    if spec.transport == "udp":
        _ask_for_destination(sock, spec)
    if spec.kind in BROADCASTERS:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)


def _enlarge(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except OSError:  # no privilege, or no Linux: then as much as net.core.rmem_max allows
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _ask_for_destination(sock: socket.socket, spec: ServerSpec) -> None:
    """Where all addresses listen: the answer is to come from the one that was written to."""
    if spec.host not in WILDCARDS:
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def _explained(error: OSError, spec: ServerSpec) -> BindError:
    if spec.is_unix:
        return socket_paths.explained(error, spec.host)
    match error.errno:
        case errno.EADDRINUSE:
            return AddressInUse(_in_use(spec), field="port")
        case errno.EADDRNOTAVAIL | errno.EINVAL | errno.ENODEV | socket.EAI_NONAME:
            return AddressForeign(
                f"{spec.host} is no address of this machine: choose one that `ip address` lists, or 127.0.0.1.",
                field="host",
            )
        case errno.EAFNOSUPPORT:
            return AddressFamilyRefused(
                f"This machine has no IPv{6 if ':' in spec.host else 4}, which {spec.host} needs: choose another address.",
                field="host",
            )
        case errno.EACCES | errno.EPERM:
            return PortPrivileged(
                f"Port {spec.port} needs a privilege: use 1024 or above, or give the supervisor CAP_NET_BIND_SERVICE.",
                field="port",
            )
    return BindError(f"{spec.address} could not be opened ({error.strerror or error}): choose another.", field="host")


def _in_use(spec: ServerSpec) -> str:
    holder = socket_holder.of_port(spec.host, spec.port, stream=spec.is_stream)
    free = next((port for port in range(spec.port + 1, spec.port + 1 + NEARBY) if _is_free(spec, port)), None)
    advice = f"; {free} is free." if free else "."
    return f"Port {spec.port} on {spec.host} is in use by {holder}: stop it or choose another port{advice}"


def _is_free(spec: ServerSpec, port: int) -> bool:
    if port > 65_535:
        return False
    try:
        _opened(msgspec.structs.replace(spec, port=port), listen=False).close()
    except OSError:
        return False
    return True
