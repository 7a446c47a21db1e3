"""A media worker: it carries live spaces on one port, as the control process tells it.

It goes on without a control process for a while, and gives its peers and sockets to the next one.
"""

import asyncio
import gc
import logging
import math
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias, assert_never

import pylibsrtp

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.worker.call_peers import CallPeers
from spaces_bridge.media.worker.clock import TickClock
from spaces_bridge.media.worker.control import ControlSocket
from spaces_bridge.media.worker.duplex_peers import DuplexPeers
from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.farewells import Farewells
from spaces_bridge.media.worker.memory import most_peers
from spaces_bridge.media.worker.mix.opus import FRAME, Encoder
from spaces_bridge.media.worker.mix.prompts import PromptBook
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets
from spaces_bridge.media.worker.mix.space_mix import TICK_MS, SpaceMix, Tick
from spaces_bridge.media.worker.options import WorkerOptions
from spaces_bridge.media.worker.room_sound import RoomSound
from spaces_bridge.media.worker.values import (
    CUT,
    ListenerPayload,
    Member,
    NotConnected,
    PeerPhase,
    PeerState,
    ResumeRecord,
    RtpPacket,
    SdpRefused,
    StreamDirection,
    no_sound,
)
from spaces_bridge.prompts import prompt_file

log = logging.getLogger(__name__)

RECORDS_EVERY_TICKS: Final = 1000
"""Every peer's resume record is renewed in so many ticks (20 s), spread over them."""
_STATS_EVERY_TICKS: Final = 50
_UNUSABLE: Final = (ValueError, KeyError, TypeError, OverflowError, struct.error, pylibsrtp.Error)
"""The errors of an unusable resume record: whatever is wrong, its peer alone is given up."""

Adjustment: TypeAlias = (
    messages.SetGate
    | messages.SetGates
    | messages.SetVolumes
    | messages.SubscribeMix
    | messages.AudioTaken
    | messages.ReplayAudio
    | messages.UseRoomSound
    | messages.PublishSpeakers
)
"""A message that adjusts one known live space."""


class Worker:
    """A worker joins the edge, the mixes and the control socket; all of it runs on the loop."""

    def __init__(self, options: WorkerOptions, make_edge: Callable[..., Edge] = Edge) -> None:
        self._options = options
        self._udp = [_adopt(number) for number in options.udp]
        self._tcp = [_adopt(number) for number in options.tcp]
        self._edge = make_edge(
            self._udp,
            self._tcp,
            options.addresses,
            options.port,
            on_packet=self._on_packet,
            on_state=self._on_state,
            on_key=self._on_key,
            most=most_peers(options.memory_limit_mb),
        )
        self._control = ControlSocket(
            options.path,
            (self._udp, self._tcp),
            on_attach=self._introduce,
            on_message=self._obey,
        )
        self._spaces: dict[SpaceId, SpaceMix] = {}
        self._members: dict[str, Member] = {}
        self._calls = CallPeers(self._edge, self._members, self._spaces, self._control.send)
        self._farewells = Farewells(self._edge, self._members)
        self._duplex = DuplexPeers(
            self._edge,
            self._members,
            self._spaces.__contains__,
            self._mix_of,
            PromptBook(prompt_file),
            self._control.send,
            self._send_record,
        )
        self._room_sound = RoomSound(Path(options.path).parent, self._spaces, self._calls.replaced)
        self._claimed: set[SpaceId] = set()  # live spaces this control process has opened
        self._sent_ms: dict[tuple[SpaceId, UserId], int] = {}  # sound was sent to it until here
        self._clock = TickClock(time.monotonic())
        self._ticks = 0
        self._gate_refused = 0
        """Packets that came to shut gates in live spaces that are over."""
        self._ending = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM, or until there was no control process for too long."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._ending.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # from a terminal: not meant for us
        self._edge.start(loop)
        serving = asyncio.ensure_future(self._control.serve())
        beat = asyncio.ensure_future(self._beat())
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            done, _ = await asyncio.wait(
                {serving, beat, ending}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
            self._hang_up_all()  # not after a crash: then the peers are resumed
        finally:
            for task in (serving, beat, ending):
                task.cancel()
            self._control.close()
            self._room_sound.close()
            self._edge.stop()

    # --- time ---

    async def _beat(self) -> None:
        gc.collect()
        gc.freeze()  # what is here now stays: later collections are short
        while self._control.orphaned_s() <= self._options.orphan_grace_s:
            await asyncio.sleep(self._clock.wait(time.monotonic()))
            now = time.monotonic()
            steps = self._clock.beat(now)
            if steps:
                self._tick(now, steps)
        log.warning("no control process has come back: ending")

    def _tick(self, now: float, steps: int) -> None:
        payloads: list[ListenerPayload] = []
        for space, mix in self._spaces.items():
            tick = self._mixed(mix, now, steps)
            payloads.extend(tick.payloads)
            self._room_sound.collect(space, tick.published)
            if tick.mix is not None:
                sequence = mix.position_ms // TICK_MS - 1
                self._control.send_lazily(messages.MixPacket(space, sequence, tick.mix))
        for mix in self._farewells.mixes:
            payloads.extend(self._mixed(mix, now, steps).payloads)
        self._farewells.look(now)
        self._edge.fan_out(FRAME * steps, payloads)
        self._room_sound.flush()
        self._ticks += 1
        if self._control.is_attached:
            self._report()

    def _mixed(self, mix: SpaceMix, now: float, steps: int) -> Tick:
        """Mix 20 ms, and say which prompts have ended with them."""
        tick = mix.tick(now, steps)
        self._duplex.ended(tick.ended)
        return tick

    def _report(self) -> None:
        """Tell the control process what it wants to know, after the sound of a tick is out."""
        for space, mix in self._spaces.items():
            levels = mix.levels()
            if levels is not None:
                told = {UserId(user): level for user, level in levels.items()}
                self._control.send_lazily(messages.AudioLevels(space, told))
            gaps = mix.gaps()
            if gaps is not None:
                missing = {UserId(user): percent for user, percent in gaps.items()}
                self._control.send_lazily(messages.SoundGaps(space, missing))
            if space in self._claimed:
                self._send_sound(space, mix)
        self._renew_records()
        if self._ticks % _STATS_EVERY_TICKS == 0:
            self._control.send_lazily(messages.Stats(self.numbers()))

    def _send_sound(self, space: SpaceId, mix: SpaceMix) -> None:
        for name in mix.kept():
            user = UserId(name)
            sent_ms = self._sent_ms.get((space, user), 0)
            for chunk in mix.chunks(name, sent_ms):
                if self._control.is_busy:  # after a replay: the rest goes with later ticks
                    break
                self._control.send(messages.SpeakerAudio(space, user, chunk.at_ms, chunk.pcm))
                sent_ms = chunk.end_ms
            self._sent_ms[space, user] = sent_ms

    def _renew_records(self) -> None:
        peers = list(self._members)
        share = math.ceil(len(peers) / RECORDS_EVERY_TICKS)
        begin = self._ticks % RECORDS_EVERY_TICKS * share
        for peer in peers[begin : begin + share]:
            self._send_record(peer)

    def _send_record(self, peer: str) -> None:
        try:
            record = self._edge.resume_record(peer)
        except NotConnected:
            return
        member = self._members[peer]
        self._control.send(
            messages.Record(peer, member.space, member.user, member.direction, record.encode())
        )

    def numbers(self) -> Mapping[str, float]:
        """Return the numbers for the metrics; counters are since the worker's start."""
        stats = self._edge.stats()
        directions = [member.direction for member in self._members.values()]
        mixes = self._spaces.values()
        return {
            "spaces": len(self._spaces),
            "listeners": directions.count(StreamDirection.LISTEN),
            "speakers": directions.count(StreamDirection.SPEAK),
            "call_peers": directions.count(StreamDirection.CALL),
            "duplex_peers": directions.count(StreamDirection.DUPLEX),
            "packets_in": stats.packets_in,
            "packets_out": stats.packets_out,
            "bytes_in": stats.bytes_in,
            "bytes_out": stats.bytes_out,
            "send_dropped": stats.send_dropped,
            "packets_forwarded": stats.packets_forwarded,
            "bytes_forwarded": stats.bytes_forwarded,
            "forward_dropped": stats.forward_dropped,
            "refused": sum(stats.refused.values()),
            "gate_refused": self._gate_refused + sum(mix.gates.refused for mix in mixes),
            "tick_late_p99_ms": self._clock.lateness_ms(0.99),
            "ticks_skipped": self._clock.skipped,
            **self._room_sound.numbers(),
        }

    # --- the edge ---

    def _on_packet(self, peer: str, packet: RtpPacket) -> None:
        member = self._members.get(peer)
        mix = self._spaces.get(member.space) if member else None
        if member is not None and mix is not None:
            now = time.monotonic()
            admission = mix.receive(peer, member.user, packet, now)
            self._calls.forward(member, packet, admission, now)

    def _on_state(self, peer: str, state: PeerState) -> None:
        member = self._members.get(peer)
        if member is None or state.phase is PeerPhase.NEW:
            return
        if state == CUT:
            self._tell_state(peer, member, state)
            return
        mix = self._mix_of(member.space)
        replaced = None
        if state.phase is PeerPhase.CLOSED:
            del self._members[peer]
            if mix is not None:
                mix.leave(peer, member.user)
        elif mix is not None:
            replaced = mix.join(peer, member.user, member.direction)
            self._calls.connected(peer, member)
            self._duplex.connected(peer, member)
        self._tell_state(peer, member, state)
        if state.phase is PeerPhase.CONNECTED and self._control.is_attached:
            self._send_record(peer)
        self._calls.replaced(replaced)

    def _on_key(self, peer: str, key: str) -> None:
        self._control.send(messages.KeyPressed(peer, key))

    def _tell_state(self, peer: str, member: Member, state: PeerState) -> None:
        self._control.send(
            messages.PeerChanged(
                peer,
                member.space,
                member.user,
                member.direction,
                state.phase,
                state.reason,
                self._calls.speaks(peer, member),
                self._edge.carries(peer),
            )
        )

    # --- the control process ---

    def _introduce(self) -> None:
        """Tell a new control process who we are, and all it needs should we die."""
        self._claimed.clear()
        self._sent_ms.clear()
        gates = {space: tuple(map(UserId, mix.gates.open)) for space, mix in self._spaces.items()}
        states = self._edge.peers()
        peers = tuple(
            messages.PeerSeat(
                peer,
                member.space,
                member.user,
                member.direction,
                states[peer].phase,
                self._calls.speaks(peer, member),
                self._edge.carries(peer),
            )
            for peer, member in self._members.items()
            if peer in states
        )
        self._control.send(messages.Hello(os.getpid(), gates, peers))
        for peer in list(self._members):
            self._send_record(peer)
        self._control.send(messages.Synced())

    def _obey(self, message: messages.WorkerOrder) -> None:
        match message:
            case messages.Ping():
                self._control.send(messages.Pong(message.number))
            case messages.PeerOffer():
                self._answer(message)
            case (
                messages.AnswerCall()
                | messages.OfferCall()
                | messages.AcceptCallAnswer()
                | messages.UseMicrophone()
                | messages.SendData()
            ):
                self._calls.obey(message)
            case (
                messages.OfferDuplex()
                | messages.AcceptDuplexAnswer()
                | messages.RenegotiateDuplex()
                | messages.PlayPrompt()
            ):
                self._duplex.obey(message)
            case messages.ClosePeer():
                self._edge.close(message.peer)
            case messages.Restore():
                self._restore(message)
            case messages.OpenSpace():
                self._open_space(message)
            case messages.CloseSpace():
                self._close_space(message.space)
            case _:
                mix = self._spaces.get(message.space)
                if mix is not None:
                    self._adjust(mix, message)

    def _adjust(self, mix: SpaceMix, message: Adjustment) -> None:
        match message:
            case messages.SetGate():
                mix.set_gate(message.user, message.open)
            case messages.SetGates():
                mix.set_gates(message.users)
            case messages.SetVolumes():
                mix.voices.set_volumes({str(u): p for u, p in message.volumes.items()})
            case messages.SubscribeMix():
                for sequence, packet in mix.subscribe(message.on):
                    self._control.send_lazily(messages.MixPacket(message.space, sequence, packet))
            case messages.AudioTaken():
                mix.taken(message.user, message.until_ms)
            case messages.ReplayAudio():
                self._sent_ms[message.space, message.user] = message.from_ms
            case messages.UseRoomSound() | messages.PublishSpeakers():
                self._room_sound.obey(mix, message)
            case _:
                assert_never(message)

    def _open_space(self, message: messages.OpenSpace) -> None:
        self._claimed.add(message.space)
        self._farewells.end(message.space)
        if message.space not in self._spaces:
            bitrate = self._options.opus_bitrate
            crowd = CrowdPackets(self._options.crowd_frame_ms // TICK_MS, self._options.crowd_from)
            self._spaces[message.space] = SpaceMix(
                message.elapsed_ms, crowd=crowd, make_encoder=lambda: Encoder(bitrate)
            )

    def _close_space(self, space: SpaceId) -> None:
        mix = self._spaces.pop(space, None)
        if mix is not None:
            mix.set_gates(())
            self._gate_refused += mix.gates.refused
        self._claimed.discard(space)
        self._sent_ms = {key: ms for key, ms in self._sent_ms.items() if key[0] != space}
        self._farewells.begin(space, mix, time.monotonic())

    def _mix_of(self, space: SpaceId) -> SpaceMix | None:
        """Return a live space's mix, or what is left of it for a while after its end."""
        return self._spaces.get(space) or self._farewells.mix_of(space)

    def _answer(self, offer: messages.PeerOffer) -> None:
        if offer.direction is StreamDirection.DUPLEX:
            self._duplex.obey(offer)
            return
        try:
            if offer.space not in self._spaces:
                raise no_sound()
            self._members[offer.peer] = Member(offer.space, offer.user, offer.direction)
            answer = self._edge.accept(offer.peer, offer.direction, offer.sdp)
        except SdpRefused as refusal:
            self._members.pop(offer.peer, None)
            self._control.send(messages.PeerRefused(offer.request, refusal.code, refusal.text))
            return
        self._control.send(messages.Answer(offer.request, answer))

    def _restore(self, message: messages.Restore) -> None:
        member = Member(message.space, message.user, message.direction)
        self._members[message.peer] = member
        try:
            if message.space not in self._spaces:
                raise ValueError("its live space is over")
            self._edge.restore(message.peer, ResumeRecord.decode(message.record))
        except _UNUSABLE as problem:
            self._members.pop(message.peer, None)
            log.warning("a peer cannot be resumed: %s", type(problem).__name__)
            gone = PeerState(PeerPhase.CLOSED, "it could not be resumed")
            self._tell_state(message.peer, member, gone)

    def _hang_up_all(self) -> None:
        for peer in list(self._members):
            self._edge.close(peer)


def _adopt(number: int) -> socket.socket:
    adopted = socket.socket(fileno=number)
    adopted.setblocking(False)
    return adopted


def run(options: WorkerOptions) -> None:
    """Run one worker in this process."""

    async def live() -> None:
        await Worker(options).run()

    asyncio.run(live())
