#!/usr/bin/env python3
"""A client for remote commands (sp-rc/1), written from docs/remote-commands.md alone. It needs Python 3.11 and `cryptography`.

    remote_command.py HOST PORT KEY_FILE SERVER_KEY COMMAND [ARGUMENT ...]
    remote_command.py 127.0.0.1 9997 ~/.ssh/id_ed25519 b1c2...(64 hex digits) uname -s

The command's output goes to stdout and stderr, and its exit status is ours.
"""

import hashlib
import hmac
import ipaddress
import json
import os
import socket
import ssl
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

HELLO, AUTH, OK, REFUSED, RUN, STARTED, STDOUT, STDERR, EXIT, ERROR = 1, 2, 3, 4, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24
VERSION = b"sp-rc/1\0"
LONGEST = 1 << 20  # bytes of a payload that we take


class Stop(Exception):
    """Why we cannot go on."""


def connect(host: str, port: int) -> tuple[socket.socket, bytes]:
    """The connection, and what binds the session to it: the hash of the server's certificate, or zeros without TLS."""
    sock = socket.create_connection((host, port), timeout=10)
    if ipaddress.ip_address(sock.getpeername()[0]).is_loopback:
        return sock, bytes(32)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the sign-in proves who it is
    tls = context.wrap_socket(sock)
    return tls, hashlib.sha256(tls.getpeercert(binary_form=True)).digest()


def read_exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise Stop("the server ended the connection")
        data += piece
    return data


def read_frame(sock: socket.socket) -> bytes:
    (size,) = struct.unpack(">I", read_exactly(sock, 4))
    if not 1 <= size <= LONGEST:
        raise Stop(f"a frame of {size} bytes: this is no remote-command server")
    return read_exactly(sock, size)


def write_frame(sock: socket.socket, payload: bytes) -> None:
    sock.sendall(struct.pack(">I", len(payload)) + payload)


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of 32 bytes, which is one block."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


class Session:
    """Signed in, and ready for commands."""

    def __init__(self, sock: socket.socket, binding: bytes, key: Ed25519PrivateKey, server_key: bytes) -> None:
        self.sock = sock
        self.sent = self.received = 0
        hello = read_frame(sock)
        if len(hello) != 113 or hello[0] != HELLO or hello[1:9] != VERSION:
            raise Stop("this server does not speak sp-rc/1")
        if hello[9:41] != server_key:
            raise Stop(f"the server has the key {hello[9:41].hex()}, another than expected")
        ephemeral = X25519PrivateKey.generate()
        public, point = key.public_key().public_bytes_raw(), ephemeral.public_key().public_bytes_raw()
        auth = bytes([AUTH]) + public + os.urandom(32) + point

        def digest(label: bytes) -> bytes:
            return hashlib.sha256(b"sp-rc/1 " + label + b"\0" + hello + auth + binding).digest()

        write_frame(sock, auth + key.sign(digest(b"client")))
        secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(hello[73:105]))
        self.to_server = hkdf(secret, digest(b"keys"), b"sp-rc/1 c2s")
        self.to_client = hkdf(secret, digest(b"keys"), b"sp-rc/1 s2c")
        kind, body = self.read()
        if kind != OK:
            raise Stop(f"a frame of type {kind} instead of a welcome")
        try:
            Ed25519PublicKey.from_public_bytes(server_key).verify(body[:64], digest(b"server"))
        except InvalidSignature:
            raise Stop("the server does not have the key that it shows") from None
        self.welcome = json.loads(body[64:])

    def write(self, kind: int, body: bytes) -> None:
        payload = struct.pack(">BQ", kind, self.sent) + body
        self.sent += 1
        write_frame(self.sock, payload + hmac.digest(self.to_server, payload, "sha256"))

    def read(self) -> tuple[int, bytes]:
        frame = read_frame(self.sock)
        if frame == bytes([REFUSED]):
            raise Stop("the server does not let this key in")
        payload, mac = frame[:-32], frame[-32:]
        if len(payload) < 9 or not hmac.compare_digest(mac, hmac.digest(self.to_client, payload, "sha256")):
            raise Stop("a frame that the server did not send")
        kind, counter = struct.unpack(">BQ", payload[:9])
        if counter != self.received:
            raise Stop("a frame out of its place")
        self.received += 1
        return kind, payload[9:]

    def run(self, argv: list[str]) -> int:
        """Run one command to its end; its exit status, 128 and more for a signal."""
        self.write(RUN, struct.pack(">I", 1) + json.dumps({"argv": argv}).encode())
        self.sock.settimeout(None)  # a command may be silent for as long as it runs
        while True:
            kind, body = self.read()
            data = body[4:]
            if kind in (STDOUT, STDERR):
                stream = sys.stdout.buffer if kind == STDOUT else sys.stderr.buffer
                stream.write(data)
                stream.flush()
            elif kind == EXIT:
                ended = json.loads(data)
                if ended["why"]:
                    print(ended["why"], file=sys.stderr)
                return ended["code"] if ended["signal"] is None else 128 + ended["signal"]
            elif kind == ERROR:
                raise Stop("{code} {message}".format(**json.loads(data)))
            elif kind != STARTED:
                raise Stop(f"a frame of type {kind} here")


def load_key(path: str) -> Ed25519PrivateKey:
    with open(os.path.expanduser(path), "rb") as file:
        text = file.read()
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in text else load_pem_private_key
    key = load(text, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Stop(f"{path} is no Ed25519 key")
    return key


def main() -> int:
    if len(sys.argv) < 6:
        print(__doc__, file=sys.stderr)
        return 2
    host, port, key_file, server_key, *argv = sys.argv[1:]
    try:
        sock, binding = connect(host, int(port))
        with sock:
            return Session(sock, binding, load_key(key_file), bytes.fromhex(server_key)).run(argv)
    except (Stop, OSError, ValueError) as error:
        print(f"remote_command.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
