"""The worker's control socket: a unix socket, one control process at a time, the newest wins.

A newcomer becomes the control process with a valid `Attach`; until then, and if it says anything
else, the present one is not disturbed.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from spaces_bridge.media.codec import CODEC
from spaces_bridge.media.messages import (
    PROTOCOL,
    Attach,
    FromMediaWorker,
    Greeting,
    MediaMessage,
    Superseded,
    WorkerOrder,
    pack_greeting,
)
from spaces_bridge.wire.connection import Connection

log = logging.getLogger(__name__)

Control: TypeAlias = Connection[MediaMessage]
"""The connection to a control process."""

MOST_BACKLOG: Final = 16 * 1024 * 1024
"""Bytes; a control process that takes nothing is cut off, and gets all of it when it comes back.
What a full worker has to tell a new one at once fits in."""
LAZY_BACKLOG: Final = 256 * 1024
"""Bytes; with so many waiting, messages that are only of use at once are left out."""
_ATTACH_S: Final = 5.0
_MOST_WAITING: Final = 8
_CREDENTIALS: Final = struct.Struct("3i")


class ControlSocket:
    """A control socket accepts control processes and holds the connection of the newest."""

    def __init__(
        self,
        path: str,
        sockets: tuple[Sequence[socket.socket], Sequence[socket.socket]],
        *,
        on_attach: Callable[[], None],
        on_message: Callable[[WorkerOrder], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sockets`: UDP and TCP, handed to a control process that asks for them."""
        self._now = now
        self._path = Path(path)
        self._sockets = sockets
        self._on_attach, self._on_message = on_attach, on_message
        self._waiting: dict[Control, socket.socket] = {}
        self._superseded: set[Control] = set()
        self._control: Control | None = None
        self._orphaned_since = now()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._inode = 0

    def orphaned_s(self) -> float:
        """Return for how many seconds there has been no control process."""
        if self._control is not None:
            return 0.0
        return self._now() - self._orphaned_since

    async def serve(self) -> None:
        """Listen, and accept control processes until cancelled."""
        loop = asyncio.get_running_loop()
        self._listen()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
                await self._let_in(connection)
            except OSError as problem:
                # Without files or memory for it, a control process waits; the sound does not.
                log.error("no control process can be let in: %s", problem.strerror)
                await asyncio.sleep(1.0)

    async def _let_in(self, connection: socket.socket) -> None:
        if not _is_ours(connection) or len(self._waiting) >= _MOST_WAITING:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        wire = Connection(CODEC, self._hear, self._lost)
        self._waiting[wire] = connection
        await loop.connect_accepted_socket(lambda: wire, connection)
        loop.call_later(_ATTACH_S, self._give_up, wire)

    def close(self) -> None:
        """Stop listening and remove the path, unless it is another worker's by now."""
        self._listener.close()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        if self._control is not None:
            self._control.close()

    def send(self, message: FromMediaWorker) -> None:
        """Send to the control process, if there is one; cut off one that takes nothing."""
        control = self._control
        if control is None:
            return
        control.send(message)
        if control.backlog > MOST_BACKLOG:
            log.error("the control process takes nothing: cut off")
            control.abort()

    def send_lazily(self, message: FromMediaWorker) -> None:
        """Send a message that is worthless later; it is left out while much is waiting."""
        if not self.is_busy and self._control is not None:
            self._control.send(message)

    @property
    def is_busy(self) -> bool:
        """Return whether so much is waiting that what can wait should."""
        return self._control is not None and self._control.backlog >= LAZY_BACKLOG

    @property
    def is_attached(self) -> bool:
        """Return whether there is a control process."""
        return self._control is not None and self._control.is_open

    def _listen(self) -> None:
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            self._listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._inode = self._path.stat().st_ino
        self._listener.listen(_MOST_WAITING)
        self._listener.setblocking(False)

    def _hear(self, wire: Control, message: MediaMessage) -> None:
        if wire is self._control:
            # Only messages to the worker are obeyed; its own, sent back, are none of these.
            if not isinstance(message, FromMediaWorker | Attach):
                self._on_message(message)
            return
        if wire in self._superseded:
            return
        connection = self._waiting.pop(wire, None)
        if connection is None or not isinstance(message, Attach):
            wire.abort()
            return
        self._welcome(wire, connection, message)

    def _welcome(self, wire: Control, connection: socket.socket, attach: Attach) -> None:
        """Greet a new control process: nothing was written yet, so the greeting goes out first."""
        udp, tcp = self._sockets if attach.sockets else ((), ())
        greeting = pack_greeting(Greeting(PROTOCOL, len(udp), len(tcp)))
        try:
            socket.send_fds(connection, [greeting], [each.fileno() for each in (*udp, *tcp)])
        except OSError:
            wire.abort()
            return
        previous, self._control = self._control, wire
        if previous is not None:
            self._supersede(previous)
        self._on_attach()

    def _supersede(self, previous: Control) -> None:
        """Tell the previous control process that it is superseded, and heed it no more.

        It hangs up itself, so that it surely learns why.
        """
        previous.send(Superseded())
        self._superseded.add(previous)
        asyncio.get_running_loop().call_later(_ATTACH_S, previous.abort)

    def _lost(self, wire: Control) -> None:
        self._waiting.pop(wire, None)
        self._superseded.discard(wire)
        if wire is self._control:
            self._control = None
            self._orphaned_since = self._now()

    def _give_up(self, wire: Control) -> None:
        if wire in self._waiting:
            wire.abort()


def _is_ours(connection: socket.socket) -> bool:
    """Return whether the process is of the same user, or root's: no other is let in."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid in (os.getuid(), 0)
