"""Our figures against other servers'."""

import re
import shutil

import pytest

from benchmarks.peers import comparison, compiled, janus
from benchmarks.peers.comparison import FLOOR, Ours, Peer
from benchmarks.peers.cost import Cost

pytestmark = pytest.mark.unit


def _peer(name: str, *costs: float, encodes: bool = False) -> Peer:
    left = list(costs)

    async def measure(listeners: int, seconds: float) -> Cost:
        return Cost(left.pop(0), listeners * 50)

    return Peer(name, "somebody", measure, encodes=encodes)


def test_the_ratio_is_the_median_of_each_run_over_ours_of_the_same_turn() -> None:
    peer = _peer("fanout.times_cheaper_than_somebody", 40.0, 90.0, 100.0)
    for ours in (20.0, 30.0, 20.0):
        assert peer.run(Ours(ours, 1000.0), 60, 0.0)
    result = peer.result()
    assert (result.value, result.ratio, result.n) == (3.0, 3.0, 3)
    assert result.peer == "somebody"


def test_a_peer_that_encodes_is_held_against_ours_with_its_encoding() -> None:
    peer = _peer("fanout.times_cheaper_than_somebody", 100.0, encodes=True)
    assert peer.run(Ours(relaying=10.0, encoding=25.0), 60, 0.0)
    assert peer.result().value == 4.0


def test_cost_over_the_floor_is_above_one_when_ours_costs_more() -> None:
    peer = _peer(FLOOR, 5.0)
    assert peer.run(Ours(20.0, 25.0), 60, 0.0)
    result = peer.result()
    assert (result.value, result.ratio) == (4.0, 0.25)


def test_a_peer_that_fails_is_left_out_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    async def refuse(listeners: int, seconds: float) -> Cost:
        raise janus.JanusError("no such room")

    peer = Peer("fanout.times_cheaper_than_somebody", "somebody", refuse)
    assert not peer.run(Ours(20.0, 25.0), 60, 0.0)
    told = capsys.readouterr().err
    assert "Left out: fanout.times_cheaper_than_somebody" in told
    assert "no such room" in told


def test_without_janus_and_compiler_only_aiortc_is_measured_and_the_rest_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {janus.PROGRAM, compiled.COMPILER}
    usual = shutil.which
    monkeypatch.setattr(shutil, "which", lambda cmd: None if cmd in missing else usual(cmd))
    assert [peer.name for peer in comparison.available()] == [
        "fanout.times_cheaper_than_aiortc_track"
    ]
    assert re.findall(r"Left out: (\S+) .*apt install ([a-z]+)", capsys.readouterr().err) == [
        ("fanout.times_cheaper_than_janus_audiobridge", "janus"),
        ("fanout.times_cheaper_than_janus_streaming", "janus"),
        ("fanout.cost_over_c_floor", "gcc"),
    ]
