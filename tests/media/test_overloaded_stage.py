"""An overloaded worker seen from the control process; the workers are on paper."""

import pytest

from spaces_bridge.app.errors import OfferRefused
from spaces_bridge.app.ports import Direction, Overload
from spaces_bridge.core.ids import UserId
from spaces_bridge.media import messages
from spaces_bridge.media.messages import Hello, OverloadChanged
from spaces_bridge.media.stage import CROWDED, WorkerStage
from spaces_bridge.media.worker.values import OverloadStep, PeerPhase, StreamDirection
from tests.media.test_cluster_losses import Cluster, Worker
from tests.media.test_stage_on_paper import PaperWorker
from tests.support.stage import EAR, GUEST, HOST, SPACE, Noted

pytestmark = pytest.mark.unit

LATE_ONE = UserId("@late:x")
LISTEN, SPEAK = Direction.LISTEN, Direction.SPEAK


def test_the_steps_are_the_same_on_both_sides() -> None:
    assert {step.name: step.value for step in Overload} == {
        step.name: step.value for step in OverloadStep
    }


def overload(worker: Worker, step: OverloadStep) -> None:
    worker._hear(OverloadChanged(step))


async def crowded() -> Worker:
    """A worker of this machine with a listener, that has given up all it can."""
    worker = Worker()
    worker.stage.open_space(SPACE, 0)
    await worker.stage.offer(SPACE, EAR, LISTEN, "v=0")
    worker.change(PeerPhase.CONNECTED)
    overload(worker, OverloadStep.CROWDED)
    return worker


async def test_a_crowded_worker_refuses_new_listeners_and_nobody_else() -> None:
    worker = await crowded()
    stage = worker.stage
    with pytest.raises(OfferRefused) as refusal:
        await stage.offer(SPACE, LATE_ONE, LISTEN, "v=0")
    assert refusal.value.code == CROWDED
    assert len(worker.peers) == 1
    assert stage.listeners(SPACE) == 1  # who is there stays
    await stage.offer(SPACE, LATE_ONE, SPEAK, "v=0")
    await stage.offer(SPACE, HOST, LISTEN, "v=0", has_floor=True)
    await stage.offer(SPACE, EAR, LISTEN, "v=0")  # from another network, say
    await stage.offer(SPACE, LATE_ONE, LISTEN, "v=0")  # whoever speaks hears
    assert len(worker.peers) == 5
    assert stage.metrics()["crowded_out"] == 1


@pytest.mark.parametrize("step", [OverloadStep.NO_DRAFTS, OverloadStep.LONG_FRAMES])
async def test_below_the_last_step_everybody_is_let_in(step: OverloadStep) -> None:
    worker = await crowded()
    overload(worker, step)
    await worker.stage.offer(SPACE, LATE_ONE, LISTEN, "v=0")
    assert len(worker.peers) == 2


async def test_a_new_worker_has_given_up_nothing() -> None:
    worker, noted = PaperWorker(), Noted()
    stage = WorkerStage(worker)
    stage.listen(noted)
    worker.attach(Hello(1, {}, ()), {})
    worker.hear(OverloadChanged(OverloadStep.CROWDED))
    worker.hear(OverloadChanged(OverloadStep.CROWDED))
    worker.attach(Hello(2, {}, ()), {})
    assert noted.overloads == [(Overload.CROWDED,) * 2, (Overload.CALM,) * 2]
    assert stage.overload is Overload.CALM


# --- several workers -----------------------------------------------------------------------------


async def test_a_crowded_worker_is_passed_over_for_one_that_is_not() -> None:
    cluster = Cluster()
    overload(cluster.far, OverloadStep.CROWDED)
    for number in range(3):
        await cluster.offers(UserId(f"@{number}:x"), LISTEN)
    assert cluster.loads() == (3, 0)
    overload(cluster.far, OverloadStep.LONG_FRAMES)
    await cluster.offers(LATE_ONE, LISTEN)
    assert cluster.loads() == (3, 1)


async def test_where_all_are_crowded_new_listeners_are_refused_and_speakers_are_not() -> None:
    cluster = Cluster()
    for worker in (cluster.here, cluster.far):
        overload(worker, OverloadStep.CROWDED)
    with pytest.raises(OfferRefused) as refusal:
        await cluster.offers(EAR, LISTEN)
    assert refusal.value.code == CROWDED
    await cluster.offers(GUEST, SPEAK)
    await cluster.stage.offer(SPACE, HOST, LISTEN, "v=0", has_floor=True)
    assert sum(cluster.loads()) == 2


async def test_what_is_told_is_of_all_workers_and_of_those_here_apart() -> None:
    cluster = Cluster()
    overload(cluster.far, OverloadStep.CROWDED)
    overload(cluster.here, OverloadStep.NO_DRAFTS)
    overload(cluster.here, OverloadStep.NO_DRAFTS)
    overload(cluster.here, OverloadStep.CROWDED)
    cluster.far.is_attached = False
    overload(cluster.here, OverloadStep.LONG_FRAMES)
    cluster.far.is_attached = True
    overload(cluster.far, OverloadStep.CALM)
    overload(cluster.here, OverloadStep.CALM)
    assert cluster.noted.overloads == [
        (Overload.LONG_FRAMES, Overload.CALM),  # one still takes them
        (Overload.LONG_FRAMES, Overload.NO_DRAFTS),
        (Overload.CROWDED, Overload.CROWDED),
        (Overload.LONG_FRAMES, Overload.LONG_FRAMES),
        (Overload.CALM, Overload.CALM),
    ]
    assert cluster.stage.node_metrics()["overload_step"] == {"far": 0.0}


async def test_a_lost_worker_counts_no_more() -> None:
    cluster = Cluster()
    overload(cluster.here, OverloadStep.CROWDED)
    cluster.far.is_attached = False
    cluster.stage.look()
    assert cluster.noted.overloads == [
        (Overload.LONG_FRAMES, Overload.CROWDED),
        (Overload.CROWDED, Overload.CROWDED),
    ]


async def test_a_peer_that_listens_is_known_by_its_user() -> None:
    """As after a restart of the bridge, whose sessions are the worker's."""
    worker = PaperWorker()
    stage = WorkerStage(worker)
    seat = messages.PeerSeat("p", SPACE, EAR, StreamDirection.LISTEN, PeerPhase.CONNECTED)
    worker.attach(Hello(1, {}, (seat,)), {})
    worker.hear(OverloadChanged(OverloadStep.CROWDED))
    stage._refuse_if_crowded(SPACE, EAR)
    with pytest.raises(OfferRefused):
        stage._refuse_if_crowded(SPACE, LATE_ONE)
