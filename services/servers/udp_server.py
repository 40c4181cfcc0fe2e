"""A datagram server, over UDP or a UNIX datagram socket: every datagram, an empty one too, is a message.

It reads and writes the socket itself (loop.add_reader): asyncio's datagram transports can neither send an empty datagram nor tell whom
one was for.
"""

import asyncio
import socket
import time
from functools import partial

from services.errors import ConnectionUnknown, SendRefused
from services.servers import addresses, clock, networks, notices, redaction, replies, socket_options
from services.servers.guard import Guard
from services.servers.outbox import Outbox
from services.servers.peers import NOBODY, Peer, Peers
from services.servers.redaction import UNDERSCORE
from services.servers.replies import Replier
from services.servers.report import IN, Close, Done, Send
from services.servers.reporter import BATCH_BYTES, Reporter
from services.servers.senders import Senders
from services.servers.server import Past, Server, failed
from services.servers.socket_options import Control
from services.servers.spec import ServerSpec

AT_ONCE = 256  # datagrams read before anything else gets its turn
LONGEST = 65_536  # more than any datagram over IP has
LONGEST_UNIX = 512 * 1024  # what is sent there is bound by net.core.wmem_max alone: more than twice its default
DRAIN_WITHIN = 0.5  # seconds at the stop for what had arrived before it
COUNT_WITHIN = 0.1  # seconds more in which the rest is counted
DROPS_EVERY = 2.0  # seconds between two looks at what the kernel dropped, when no datagram comes


class UdpServer(Server):
    """Answers each datagram from the address that it was sent to."""

    def __init__(self, spec: ServerSpec, sock: socket.socket, reporter: Reporter, past: Past) -> None:
        super().__init__(spec, sock, reporter, past)
        self.receive_buffer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._reply = self.replier()
        self._answers = self._reply is not replies.nothing
        self._longest = LONGEST_UNIX if spec.is_unix else LONGEST
        self._room = socket_options.control_room(sock, spec.host) if self._answers else 0
        self._drops = socket_options.drops(sock) if past.drops is None else past.drops
        self._peers = Peers(past.number, self._forgotten)
        self._outbox = Outbox(sock, reporter, spec.limits.keep_bytes)
        self._senders = Senders(spec.limits, reporter)
        self._guard = Guard(
            spec.limits,
            reporter,
            answers_everybody=spec.kind == "broadcast-receiver",
            broadcasts=bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)),
        )
        self._looks: asyncio.TimerHandle | None = None

    def replier(self) -> Replier:
        """What answers the messages of this kind of server."""
        return replies.replier(self._spec.reply)

    async def start(self) -> None:
        self._loop.add_reader(self._socket, self._read)
        self._look()

    async def stop(self, within: float) -> None:
        if self._looks is not None:
            self._looks.cancel()
        self._loop.remove_reader(self._socket)
        until = time.monotonic() + min(DRAIN_WITHIN, within)
        more = True
        while more and time.monotonic() < until:
            more = self._read()
        if more:
            self._count_rest()
        if self._spec.limits.reply_after_commit:
            try:
                async with asyncio.timeout(within):
                    await self._reporter.settled()
            except TimeoutError:
                notices.tell("Answers that waited for the store were not sent: it was not in time.")
        self._count_drops()
        self._socket.close()

    def _count_rest(self) -> None:
        """They come faster than they can be taken in: count what waits."""
        until = time.monotonic() + COUNT_WITHIN
        while self._drop("stopped") and time.monotonic() < until:
            pass

    # Datagrams

    def _read(self) -> bool:
        """Take in what has come, up to AT_ONCE datagrams. True when there may be more."""
        more = self._drop("backlog") if self._reporter.is_held else self._take()
        self._count_drops()
        return more

    def _take(self) -> bool:
        """One system call and one row for each datagram, and no call that can be spared."""
        receive, room, heard, note = self._socket.recvmsg, self._room, self._peers.heard, self._reporter.messages.append
        longest, keep, answers, at = self._longest, self._spec.limits.keep_bytes, self._answers, clock.now()
        keep_out = None if self._senders.are_free else self._senders.keep_out
        total, peer = 0, NOBODY
        try:
            for _ in range(AT_ONCE):
                data, control, flags, address = receive(longest, room)
                size = len(data)
                if keep_out is not None and keep_out(address, size):
                    continue
                if flags and flags & socket.MSG_TRUNC:  # a part of a message is none
                    self._reporter.dropped("oversize", 1, size)
                    continue
                if address != peer.address:
                    peer = heard(address) or self._meet(address)
                total += size
                kept = data if UNDERSCORE not in data else self._cleaned(data, peer)
                note((at, peer.number, peer.name, IN, kept if size <= keep else kept[:keep], size, ""))
                if answers:
                    total += self._answer(peer, data, control, at)
                if total > BATCH_BYTES:
                    break
        except BlockingIOError:
            return False
        except OSError as error:
            notices.tell(f"A datagram could not be read: {error.strerror}.")
            return False
        finally:
            self._reporter.noted(total)
        return True

    def _cleaned(self, data: bytes, peer: Peer) -> bytes:
        """As it is stored. A datagram is whole: what it holds of a key alone is none."""
        cleaned, secrets = redaction.search(data)
        if cleaned != data:
            host = networks.host(peer.address)
            self._reporter.exposed(secrets, peer.number, peer.name)
            self._reporter.incident("secret", networks.source(host), redaction.told_of(host or peer.name))
        return cleaned

    def _drop(self, reason: str) -> bool:
        """Take datagrams and only count them, as the kernel would drop them without a word. True when there may be more."""
        sizes = []
        try:
            for _ in range(AT_ONCE):
                sizes.append(len(self._socket.recv(self._longest)))
        except OSError:
            return False
        finally:
            if sizes:
                self._reporter.dropped(reason, len(sizes), sum(sizes))
        return True

    def _count_drops(self) -> None:
        drops = socket_options.drops(self._socket)
        if drops != self._drops:
            self._reporter.dropped("kernel", (drops - self._drops) % 2**32)
            self._drops = drops

    def _look(self) -> None:
        """Drops show although nothing may follow them."""
        self._count_drops()
        self._looks = self._loop.call_later(DROPS_EVERY, self._look)

    def _meet(self, address: addresses.Raw) -> Peer:
        peer = self._peers.meet(address)
        self._reporter.opened(peer.number, peer.name)
        return peer

    def _forgotten(self, peer: Peer) -> None:
        self._reporter.closed(peer.number, "forgotten: others were heard more recently")

    # Answers

    def _answer(self, peer: Peer, data: bytes, control: Control, at: int) -> int:
        """Returns the size of the answer, for the account of this turn."""
        answer = self._reply(data)
        if answer is None or not peer.address:  # a UNIX sender without a name
            return 0
        if self._guard.withholds(peer, data, answer, control):
            return 0
        if self._spec.limits.reply_after_commit:
            self._reporter.after_commit(partial(self._answer_late, peer, answer, control))
        else:
            self._outbox.answer(peer, answer, control, at)
        return len(answer)

    def _answer_late(self, peer: Peer, answer: bytes, control: Control) -> None:
        """What was asked is stored: answer it."""
        self._outbox.answer(peer, answer, control, clock.now())
        self._reporter.noted(len(answer))

    def neighbours(self, ports: tuple[int, ...]) -> None:
        self._guard.neighbours(ports, self._peers.all())

    # The store: while it is behind, `_read` drops

    def hold(self) -> None:
        pass

    def release(self) -> None:
        pass

    # Orders

    def send(self, order: Send) -> Done:
        try:
            peers = self._targets(order)
        except ValueError:
            return failed(
                order.action, SendRefused(f"{order.peer!r} is no address of a peer: write it as 127.0.0.1:5000.")
            )
        if not peers:
            return failed(order.action, self._unknown(order))
        reached, problem = 0, ""
        for peer in peers:
            try:
                self._outbox.send(peer, order.data, clock.now(), order.sent_by)
                reached += 1
            except OSError as error:
                problem = f"The system sends nothing to {peer.name}: {error.strerror}."
        self._reporter.noted(len(order.data))
        return Done(order.action, reached) if reached else failed(order.action, SendRefused(problem))

    def _targets(self, order: Send) -> list[Peer]:
        if order.connection is None and order.peer is None:
            return self._peers.all()
        if order.connection is not None:
            peer = self._peers.by_number(order.connection)
            name = self._past.peer(order.connection)
            return [peer] if peer else [self._at(name)] if name else []
        return [self._at(order.peer or "")]

    def _at(self, name: str) -> Peer:
        """The peer of that name, known or not. Raises ValueError."""
        address = addresses.address(name, self._socket.family)
        return self._peers.heard(address) or self._meet(address)

    def _unknown(self, order: Send) -> ConnectionUnknown:
        if order.connection is None:
            return ConnectionUnknown("No peer has been heard yet: give the address of one, such as 127.0.0.1:5000.")
        return ConnectionUnknown(
            f"No peer has the number {order.connection}: choose one from the list, or give an address."
        )

    def close(self, order: Close) -> Done:
        return failed(order.action, ConnectionUnknown("Datagrams have no connection that could be closed."))
