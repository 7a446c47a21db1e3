"""The public sockets of a media worker, bound by the control process and handed to it."""

import errno
import socket
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.media.options import MediaOptions
from spaces_bridge.startup import ExitCode, StartUpError

_TRIES: Final = 20


@dataclass(slots=True)
class Sockets:
    """A worker's public sockets. The control process holds them too, so that they outlive it."""

    udp: list[socket.socket] = field(default_factory=list)
    tcp: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The port number that all sockets share."""
        number: int = self.udp[0].getsockname()[1]
        return number

    def close(self) -> None:
        """Close the sockets here; a worker that has them keeps them open."""
        for each in (*self.udp, *self.tcp):
            each.close()


def open_sockets(options: MediaOptions) -> Sockets:
    """Bind UDP and TCP on the same port of every address. Raises StartUpError."""
    for last in reversed(range(_TRIES if options.port == 0 else 1)):
        try:
            return _bind_all(options.hostnames, options.port)
        except OSError as problem:
            if last == 0:
                raise StartUpError(ExitCode.LISTENER, _no_port(options.port, problem)) from problem
    raise AssertionError("the last try either returns or raises")


def _no_port(port: int, problem: OSError) -> str:
    return (
        f"The sound cannot start: port {port} (UDP and TCP) cannot be bound "
        f"({problem.strerror}). Another program uses it, perhaps an older bridge: stop it, or "
        "set another media.port."
    )


def _bind_all(hostnames: tuple[str, ...], port: int) -> Sockets:
    sockets = Sockets()
    try:
        for host in hostnames:
            for kind, held in (
                (socket.SOCK_DGRAM, sockets.udp),
                (socket.SOCK_STREAM, sockets.tcp),
            ):
                bound = _bind(host, sockets.port if sockets.udp else port, kind)
                if bound is not None:
                    held.append(bound)
        if not sockets.udp:
            raise OSError(errno.EADDRNOTAVAIL, "this machine has none of media.hostnames")
    except OSError:
        sockets.close()
        raise
    return sockets


def _bind(host: str, port: int, kind: socket.SocketKind) -> socket.socket | None:
    """Bind one socket; return None if this machine lacks the address or its family."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.socket(family, kind)
    except OSError as problem:
        if problem.errno == errno.EAFNOSUPPORT:
            return None
        raise
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        if kind == socket.SOCK_STREAM:
            bound.listen(256)
        bound.setblocking(False)
    except OSError as problem:
        bound.close()
        if problem.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return bound
