"""What a stage makes of the worker that it is attached to; the worker is on paper."""

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media import messages
from spaces_bridge.media.messages import Hello, PeerChanged, PeerSeat, Record
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.supervision import OnAttached, OnMessage
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from tests.support.stage import EAR, GUEST, HOST, SPACE, until

pytestmark = pytest.mark.unit

OVER = SpaceId("space0000000000b")


class PaperWorker:
    """A `Supervision` of a worker that writes down what it is told."""

    port = 1
    pid = None
    is_attached = True
    restarts = 0

    def __init__(self) -> None:
        self.told: list[messages.ToMediaWorker] = []
        self.forgotten: list[str] = []

    def __call__(self, on_message: OnMessage, on_attached: OnAttached) -> "PaperWorker":
        self.hear, self.attach = on_message, on_attached
        return self

    async def attached(self, timeout: float) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def send(self, message: messages.ToMediaWorker) -> None:
        self.told.append(message)

    def forget(self, peer: str) -> None:
        self.forgotten.append(peer)


async def test_records_of_an_earlier_run_that_nobody_claims_are_forgotten() -> None:
    worker = PaperWorker()
    stage = WorkerStage(worker, claim_s=0.01)
    kept = {
        peer: Record(peer, space, EAR, StreamDirection.LISTEN, b"")
        for peer, space in (("here", SPACE), ("there", OVER))
    }
    worker.attach(Hello(1, {}, ()), kept)
    stage.open_space(SPACE, 0)
    assert stage.load == 2
    await until(lambda: stage.load == 1)
    assert stage.knows("here")
    assert worker.forgotten == ["there"]
    assert messages.ClosePeer("there") in worker.told
    assert messages.ClosePeer("here") not in worker.told
    worker.told.clear()
    stage.open_space(OVER, 0)  # it is too late
    assert not any(isinstance(each, messages.Restore) for each in worker.told)


class SilencedNoted:
    """A `PlainCallListener` that writes down whose microphone was replaced."""

    def __init__(self) -> None:
        self.silenced: list[str] = []

    def plain_call_connected(self, session: str) -> None: ...

    def plain_call_ended(self, session: str, reason: str) -> None: ...

    def plain_call_silenced(self, session: str) -> None:
        self.silenced.append(session)

    def key_pressed(self, session: str, key: str) -> None: ...

    def prompt_ended(self, session: str, prompt: str) -> None: ...


async def test_a_call_is_told_when_another_microphone_takes_its_place() -> None:
    worker, calls = PaperWorker(), SilencedNoted()
    stage = WorkerStage(worker)
    plain = stage.plain_calls
    plain.attend_plain_calls(calls)
    two_way, connected = StreamDirection.DUPLEX, PeerPhase.CONNECTED
    seats = (
        PeerSeat("guest's", SPACE, GUEST, two_way, connected, speaks=True),
        PeerSeat("ear's", SPACE, EAR, two_way, connected),
        PeerSeat("page's", SPACE, GUEST, StreamDirection.SPEAK, PeerPhase.NEW),
    )
    worker.attach(Hello(1, {}, seats), {})
    stage.open_space(SPACE, 0)
    plain.use_microphone("ear's")
    assert (plain.is_microphone("guest's"), plain.is_microphone("ear's")) == (True, True)
    assert not plain.is_microphone("another")
    worker.hear(PeerChanged("page's", SPACE, GUEST, StreamDirection.SPEAK, connected, ""))
    assert (plain.is_microphone("guest's"), calls.silenced) == (False, ["guest's"])
    stage.end_microphone_session(SPACE, EAR)
    assert (plain.is_microphone("ear's"), calls.silenced) == (False, ["guest's", "ear's"])


def _sounds(worker: PaperWorker) -> set[messages.ToMediaWorker]:
    """What the worker was told of room sounds, and nothing else; it is forgotten here."""
    kinds = (messages.UseRoomSound, messages.PublishSpeakers)
    told = {each for each in worker.told if isinstance(each, kinds)}
    worker.told.clear()
    return set(told)


async def test_a_worker_that_was_away_is_told_what_is_to_come_from_rooms_no_more() -> None:
    worker = PaperWorker()
    stage = WorkerStage(worker)
    worker.attach(Hello(1, {}, ()), {})
    stage.open_space(SPACE, 0)
    stage.room_sounds.publish(SPACE, True)
    for user in (HOST, GUEST):
        stage.room_sounds.use(SPACE, user)
    stage.room_sounds.drop(SPACE, GUEST)  # which it may not have heard
    stage.room_sounds.publish(SPACE, False)
    _sounds(worker)
    worker.attach(Hello(1, {SPACE: ()}, ()), {})
    assert _sounds(worker) == {
        messages.PublishSpeakers(SPACE, False),
        messages.UseRoomSound(SPACE, HOST, True),
        messages.UseRoomSound(SPACE, GUEST, False),
    }
    await stage.stop()


async def test_a_worker_of_an_earlier_run_is_told_not_to_publish() -> None:
    worker = PaperWorker()
    stage = WorkerStage(worker)
    stage.open_space(SPACE, 0)
    _sounds(worker)
    worker.attach(Hello(1, {SPACE: ()}, ()), {})
    assert _sounds(worker) == {messages.PublishSpeakers(SPACE, False)}
    await stage.stop()
