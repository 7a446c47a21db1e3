"""What the stage of several workers of one machine tells each; the workers are on paper."""

import dataclasses
from pathlib import Path

import pytest

from spaces_bridge.app.errors import OfferRefused
from spaces_bridge.app.ports import Direction, Overload
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media import messages
from spaces_bridge.media.local_metrics import by_worker, of_all
from spaces_bridge.media.local_stage import LocalStage
from spaces_bridge.media.messages import Hello, PeerSeat
from spaces_bridge.media.stage import CROWDED, WorkerStage
from spaces_bridge.media.supervision import OnAttached, OnMessage
from spaces_bridge.media.worker.values import OverloadStep, PeerPhase, StreamDirection
from tests.support.stage import EAR, GUEST, HOST, SPACE, Noted, options

pytestmark = pytest.mark.unit

OTHER = SpaceId("space0000000000b")


class AnsweringWorker:
    """A `Supervision` of a worker that answers offers, or refuses them with a code."""

    port = 1
    pid = None
    is_attached = True
    restarts = 0

    def __init__(self) -> None:
        self.told: list[messages.ToMediaWorker] = []
        self.refusal = ""

    def __call__(self, on_message: OnMessage, on_attached: OnAttached) -> "AnsweringWorker":
        self.hear, self.attach = on_message, on_attached
        return self

    async def attached(self, timeout: float) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def forget(self, peer: str) -> None: ...

    def send(self, message: messages.ToMediaWorker) -> None:
        self.told.append(message)
        match message:
            case messages.PeerOffer() if self.refusal:
                self.hear(messages.PeerRefused(message.request, self.refusal, "no"))
            case messages.PeerOffer() | messages.OfferDuplex():
                self.hear(messages.Answer(message.request, "sdp"))
            case messages.OfferCall():
                self.hear(
                    messages.CallNegotiated(
                        message.request, message.peer, "sdp", {}, 0, "", False, False
                    )
                )
            case _:
                pass

    def kinds(self, kind: type[object]) -> list[object]:
        """All that it was told of this kind."""
        return [each for each in self.told if isinstance(each, kind)]


class OnPaper:
    """Three workers on paper, and their stage."""

    def __init__(self, directory: Path, *, one_home: bool = False) -> None:
        self.workers = [AnsweringWorker() for _ in range(3)]
        self.stages = [WorkerStage(each) for each in self.workers]
        self.stage = LocalStage(self.stages, options(directory), one_home=one_home)
        self.noted = Noted()
        self.stage.listen(self.noted)

    def attach(self, place: int, *mixed: SpaceId, relayed: tuple[SpaceId, ...] = ()) -> None:
        gates = dict.fromkeys((*mixed, *relayed), ())
        self.workers[place].attach(Hello(place, gates, (), relayed), {})

    def homes(self, space: SpaceId) -> list[int]:
        """The places of the workers that were told to mix it."""
        return [
            place
            for place, each in enumerate(self.workers)
            if any(
                isinstance(told, messages.OpenSpace) and told.space == space for told in each.told
            )
        ]


def overload(three: OnPaper) -> Overload:
    return three.stage.overload


async def test_one_worker_mixes_and_the_others_are_told_which(tmp_path: Path) -> None:
    three = OnPaper(tmp_path)
    for space in (SPACE, OTHER):
        three.stage.open_space(space, 1000)
    assert (three.homes(SPACE), three.homes(OTHER)) == ([0], [1])
    assert three.workers[1].kinds(messages.RelaySpace) == [messages.RelaySpace(SPACE, 0)]
    assert three.workers[2].kinds(messages.RelaySpace) == [
        messages.RelaySpace(SPACE, 0),
        messages.RelaySpace(OTHER, 1),
    ]
    three.stage.set_gates(OTHER, [HOST])
    three.stage.open_microphone(OTHER, GUEST)
    three.stage.close_microphone(OTHER, GUEST)
    gates = (messages.SetGate, messages.SetGates)
    assert [len([t for t in each.told if isinstance(t, gates)]) for each in three.workers] == [
        0,
        3,
        0,
    ]
    three.stage.close_space(SPACE)
    assert all(messages.CloseSpace(SPACE) in each.told for each in three.workers)


async def test_a_worker_of_an_earlier_run_stays_the_home(tmp_path: Path) -> None:
    three = OnPaper(tmp_path)
    three.attach(0, relayed=(SPACE,))
    three.attach(1, relayed=(SPACE,))
    three.attach(2, SPACE)
    three.stage.set_gates(SPACE, [])  # before it is opened nobody knows where
    assert all(each.kinds(messages.SetGates) for each in three.workers)
    three.stage.open_space(SPACE, 0)
    assert three.homes(SPACE) == [2]


async def test_with_relays_the_first_worker_mixes_everything(tmp_path: Path) -> None:
    three = OnPaper(tmp_path, one_home=True)
    for space in (SPACE, OTHER):
        three.stage.open_space(space, 0)
    assert (three.homes(SPACE), three.homes(OTHER)) == ([0], [0])


async def test_a_new_worker_is_told_again_what_it_mixes_and_what_it_sends_on(
    tmp_path: Path,
) -> None:
    three = OnPaper(tmp_path)
    for place in range(3):
        three.attach(place)
    for space in (SPACE, OTHER):
        three.stage.open_space(space, 0)
    three.workers[1].told.clear()
    three.attach(1)
    assert three.homes(OTHER) == [1]
    assert three.workers[1].kinds(messages.RelaySpace) == [messages.RelaySpace(SPACE, 0)]
    assert [
        each.space for each in three.workers[1].told if isinstance(each, messages.SetGates)
    ] == [OTHER]
    assert three.noted.restarted == [OTHER]


async def test_microphones_and_calls_are_at_the_home(tmp_path: Path) -> None:
    three = OnPaper(tmp_path)
    for space in (OTHER, SPACE):
        three.stage.open_space(space, 0)
    await three.stage.offer(SPACE, HOST, Direction.SPEAK, "offer")
    call = await three.stage.calls.offer_call(SPACE, GUEST, None, [])
    plain = await three.stage.plain_calls.dial(SPACE, EAR)
    assert [each.load for each in three.stages] == [0, 3, 0]
    three.workers[1].hear(
        messages.PeerChanged(
            call.session, SPACE, GUEST, StreamDirection.CALL, PeerPhase.CONNECTED, ""
        )
    )
    three.stage.calls.use_microphone(call.session)
    assert messages.UseMicrophone(call.session, True) in three.workers[1].told
    assert three.stage.knows(plain.session)
    three.stage.calls.end_calls(SPACE, GUEST, ())
    assert messages.ClosePeer(call.session) in three.workers[1].told
    assert three.stage.hang_up(plain.session)
    assert three.stage.load == 1  # on average, rounded up


async def test_who_listens_is_offered_to_the_next_worker_if_one_is_full(tmp_path: Path) -> None:
    three = OnPaper(tmp_path)
    three.stage.open_space(SPACE, 0)
    three.workers[0].refusal = three.workers[1].refusal = "full"
    session = await three.stage.offer(SPACE, EAR, Direction.LISTEN, "offer")
    assert three.stages[2].knows(session.id)
    three.workers[2].refusal = "no_opus"
    three.workers[0].refusal = "no_opus"
    with pytest.raises(OfferRefused) as refused:  # it is the client's own fault
        await three.stage.offer(SPACE, EAR, Direction.LISTEN, "offer")
    assert refused.value.code == "no_opus"
    assert [len(each.kinds(messages.PeerOffer)) for each in three.workers] == [2, 1, 1]


async def test_listeners_are_counted_and_sent_away_wherever_they_are(tmp_path: Path) -> None:
    three = OnPaper(tmp_path)
    three.stage.open_space(SPACE, 0)
    seat = PeerSeat("a", SPACE, EAR, StreamDirection.LISTEN, PeerPhase.CONNECTED)
    for place, peer in enumerate("abc"):
        here = dataclasses.replace(seat, peer=peer)
        three.workers[place].attach(Hello(1, {SPACE: ()}, (here,)), {})
    assert three.stage.listeners(SPACE) == 3
    three.stage.end_listening(SPACE, EAR)
    assert three.stage.listeners(SPACE) == 0
    for each, peer in zip(three.workers, "abc", strict=True):
        assert messages.ClosePeer(peer) in each.told


async def test_a_worker_with_too_much_to_do_gets_nobody_while_others_take_them(
    tmp_path: Path,
) -> None:
    three = OnPaper(tmp_path)
    three.stage.open_space(SPACE, 0)
    crowded = messages.OverloadChanged(OverloadStep.CROWDED)
    three.workers[0].hear(crowded)
    assert overload(three) == Overload.LONG_FRAMES  # in all nobody is refused
    await three.stage.offer(SPACE, EAR, Direction.LISTEN, "offer")
    assert [each.load for each in three.stages] == [0, 1, 0]
    three.stage.open_space(OTHER, 0)
    assert three.homes(OTHER) == [2]
    three.workers[1].hear(crowded)
    three.workers[2].hear(crowded)
    assert overload(three) == Overload.CROWDED
    with pytest.raises(OfferRefused) as refused:
        await three.stage.offer(SPACE, GUEST, Direction.LISTEN, "offer")
    assert refused.value.code == CROWDED
    await three.stage.offer(SPACE, HOST, Direction.LISTEN, "offer", has_floor=True)
    assert three.stages[0].load == 1


def test_the_numbers_of_workers_become_one() -> None:
    one = {"worker_up": 1.0, "packets_out": 5.0, "tick_late_p99_ms": 3.0, "listeners": 2.0}
    other = {"worker_up": 0.0, "packets_out": 7.0, "tick_late_p99_ms": 9.0}
    assert of_all([one, other]) == {
        "worker_up": 0.0,
        "packets_out": 12.0,
        "tick_late_p99_ms": 9.0,
        "listeners": 2.0,
    }
    assert by_worker([one, other]) == {
        "up": {"1": 1.0, "2": 0.0},
        "listeners": {"1": 2.0},
        "mixes": {},
        "tick_late_p99_ms": {"1": 3.0, "2": 9.0},
        "busy_share": {},
        "overload_step": {},
    }
