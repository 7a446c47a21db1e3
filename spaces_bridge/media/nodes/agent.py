"""A node's own part: it carries messages between the bridge and what runs on this machine."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from spaces_bridge.media import messages
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.channels import LinkMessage
from spaces_bridge.media.nodes.messages import BeHome, SfuClientLost, WorkerAttached
from spaces_bridge.media.nodes.socket import NodeSocket
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.supervision import Supervision
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge.wire.pcm import length_ms

if TYPE_CHECKING:
    from spaces_bridge.core.ids import SpaceId

log = logging.getLogger(__name__)

_FOR_HOME: Final = (messages.AudioLevels, messages.SoundGaps, messages.MixPacket)
"""What is only of use of the home worker, and only at once."""


class NodeWorker(Supervision, Protocol):
    """The supervision of this machine's worker."""

    def attach_again(self) -> None:
        """Have the worker say anew what it has."""
        ...


class NodeAgent:
    """An agent joins the worker of this machine, its SFU client and the link to the bridge.

    Resume records stay here: the bridge asks for a peer by its id, and the record is put in.
    """

    def __init__(self, send_sfu: Callable[[sfu.ToSfuClient], None] = lambda _: None) -> None:
        self._worker: NodeWorker | None = None
        self._send_sfu = send_sfu
        self._link: NodeSocket | None = None
        self._kept: dict[str, messages.Record] = {}
        self._spaces: set[SpaceId] = set()
        self._rooms: set[tuple[SpaceId, str]] = set()
        self._is_home = False
        self._sfu_ready: sfu.SfuClientReady | None = None
        self._speakers: set[str] = set()
        """The peers that are microphones of pages, and of plain calls."""
        self._two_way: set[str] = set()
        """Those of them that are of plain calls, and hear as well."""
        self._end_of_speakers: asyncio.TimerHandle | None = None

    def attend(self, worker: NodeWorker) -> None:
        """Set the worker; once, before anything is carried."""
        self._worker = worker

    # --- the worker ---

    def attached(self, hello: messages.Hello, records: Mapping[str, messages.Record]) -> None:
        """Tell the bridge what the worker has; an `OnAttached`."""
        there = {seat.peer for seat in hello.peers}
        self._kept = {
            peer: record for peer, record in {**self._kept, **records}.items() if peer not in there
        }
        self._spaces |= hello.gates.keys()
        seats = (*hello.peers, *map(_seat, self._kept.values()))
        self._two_way = {each.peer for each in seats if each.speaks}
        self._speakers = self._two_way | {
            each.peer for each in seats if each.direction is StreamDirection.SPEAK
        }
        if self._link is None and self._speakers:
            self._await_bridge()  # they are an earlier node's, of before it crashed
        if self._link is not None and self._worker is not None:
            kept = tuple(map(_seat, self._kept.values()))
            self._link.send(WorkerAttached(hello, kept, self._worker.restarts))

    def heard(self, message: messages.FromMediaWorker) -> None:
        """Pass on what the worker says; an `OnMessage`."""
        if isinstance(message, messages.PeerChanged):
            self._kept.pop(message.peer, None)
            if message.phase is PeerPhase.CLOSED:
                self._speakers.discard(message.peer)
                self._two_way.discard(message.peer)
        if isinstance(message, messages.SpeakerAudio) and not self._is_home:
            end_ms = message.at_ms + length_ms(message.pcm)
            self._to_worker(messages.AudioTaken(message.space, message.user, end_ms))
            return
        if isinstance(message, _FOR_HOME) and not self._is_home:
            return
        if self._link is None or (self._link.is_busy and isinstance(message, _FOR_HOME)):
            return
        self._link.send(message)

    # --- the SFU client ---

    def sfu_heard(self, message: sfu.FromSfuClient) -> None:
        """Pass on what the SFU client says; without a bridge nobody is to hear it."""
        if isinstance(message, sfu.SfuClientReady):
            self._sfu_ready = message
        if self._link is not None:
            self._link.send(message)

    def sfu_lost(self) -> None:
        """Pass on that the SFU client has ended; the next one says that it is ready."""
        self._sfu_ready = None
        self._rooms.clear()
        if self._link is not None:
            self._link.send(SfuClientLost())

    # --- the bridge ---

    def connected(self, link: NodeSocket) -> None:
        """Begin with a bridge, or again: what was lost with the link before, nobody knows."""
        self._link = link
        if self._end_of_speakers is not None:
            self._end_of_speakers.cancel()
            self._end_of_speakers = None
        self._leave_rooms()  # they are joined anew, with new tokens
        if self._sfu_ready is not None:
            link.send(self._sfu_ready)
        if self._worker is not None:
            self._worker.attach_again()

    def disconnected(self) -> None:
        """Note that there is no bridge; all goes on as it is, for a while.

        Of people who speak on pages only a short while: nobody could shut their microphones.
        """
        if self._link is not None:
            self._link = None
            self._await_bridge()

    def obey(self, message: LinkMessage) -> None:
        """Do what the bridge says."""
        if isinstance(message, BeHome):
            self._is_home = message.on
        elif isinstance(message, messages.Restore):
            self._restore(message)
        elif isinstance(message, messages.ToMediaWorker):
            self._note_space(message)
            self._to_worker(message)
        elif isinstance(message, sfu.ToSfuClient):
            self._note_room(message)
            self._send_sfu(message)

    def _note_space(self, message: messages.ToMediaWorker) -> None:
        match message:
            case messages.PeerOffer() if message.direction is StreamDirection.SPEAK:
                self._speakers.add(message.peer)
            case messages.UseMicrophone():
                self._note_microphone(message)
            case messages.ClosePeer():
                self._two_way.discard(message.peer)
                self._speakers.discard(message.peer)
                self._kept.pop(message.peer, None)
                if self._worker is not None:
                    self._worker.forget(message.peer)
            case messages.OpenSpace():
                self._spaces.add(message.space)
            case messages.CloseSpace():
                self._spaces.discard(message.space)
            case _:
                pass

    def _note_microphone(self, message: messages.UseMicrophone) -> None:
        for noted in (self._speakers, self._two_way):
            if message.on:
                noted.add(message.peer)
            else:
                noted.discard(message.peer)

    def _note_room(self, message: sfu.ToSfuClient) -> None:
        match message:
            case sfu.JoinSfuRoom():
                self._rooms.add((message.space, message.name))
            case sfu.LeaveSfuRoom():
                self._rooms.discard((message.space, message.name))
            case _:
                pass

    def close_spaces(self) -> None:
        """End all live spaces: no bridge has come back for too long."""
        if self._spaces:
            log.warning("no bridge has come back: the live spaces here are closed")
        for space in self._spaces:
            self._to_worker(messages.CloseSpace(space))
        self._spaces.clear()
        self._leave_rooms()

    def _await_bridge(self) -> None:
        if self._end_of_speakers is None:
            loop = asyncio.get_running_loop()
            self._end_of_speakers = loop.call_later(limits.SPEAKERS_S, self._close_speakers)

    def _close_speakers(self) -> None:
        """End all microphones: what the bridge would have said of them is not known."""
        self._end_of_speakers = None
        for peer in list(self._speakers):
            is_two_way = peer in self._two_way
            self.obey(
                messages.UseMicrophone(peer, False) if is_two_way else messages.ClosePeer(peer)
            )

    def _restore(self, asked: messages.Restore) -> None:
        record = self._kept.get(asked.peer)
        if record is not None:
            self._to_worker(_restored(record))
        elif self._link is not None:
            closed, reason = PeerPhase.CLOSED, "it could not be resumed"
            self._link.send(
                messages.PeerChanged(
                    asked.peer, asked.space, asked.user, asked.direction, closed, reason
                )
            )

    def _leave_rooms(self) -> None:
        for space, name in self._rooms:
            self._send_sfu(sfu.LeaveSfuRoom(space, name))
        self._rooms.clear()

    def _to_worker(self, message: messages.ToMediaWorker) -> None:
        if self._worker is not None:
            self._worker.send(message)


def _seat(record: messages.Record) -> messages.PeerSeat:
    return messages.PeerSeat(
        record.peer, record.space, record.user, record.direction, PeerPhase.CONNECTED
    )


def _restored(record: messages.Record) -> messages.Restore:
    return messages.Restore(
        record.peer, record.space, record.user, record.direction, record.record
    )
