"""Sound between a media worker and its SFU client: whole frames of ours, and nothing else."""

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.pcm_link import (
    MAX_DATAGRAM,
    PcmFrame,
    PcmLink,
    link_paths,
    pack,
    unpack,
)
from spaces_bridge.media.unix_datagrams import BadDatagram
from tests.support.stage import until

SPACE, USER = SpaceId("space0000000000a"), UserId("@host:x")
LOUD = bytes(range(256)) * 7 + bytes(128)
IDS = st.text(max_size=60)
FRAMES = st.lists(
    st.builds(
        PcmFrame, IDS.map(SpaceId), IDS.map(UserId), st.sampled_from([b"", LOUD])
    ),
    max_size=70,
)  # fmt: skip


def frame(pcm: bytes = LOUD) -> PcmFrame:
    return PcmFrame(SPACE, USER, pcm)


@pytest.mark.unit
@given(FRAMES)
def test_frames_arrive_as_they_were_sent(frames: list[PcmFrame]) -> None:
    datagrams = list(pack(frames))
    assert [each for datagram in datagrams for each in unpack(datagram)] == frames
    assert all(len(datagram) <= MAX_DATAGRAM for datagram in datagrams)


@pytest.mark.unit
def test_all_frames_of_a_moment_share_few_datagrams() -> None:
    assert len(list(pack([frame()] * 64))) == 3


@pytest.mark.unit
def test_ids_that_no_header_holds_are_left_out() -> None:
    too_long = PcmFrame(SPACE, UserId("ü" * 128), LOUD)
    assert list(pack([too_long, frame()])) == list(pack([frame()]))


@pytest.mark.unit
@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    for datagram in (garbage, b"SBP1\xff" + garbage):
        try:
            frames = unpack(datagram)
        except BadDatagram:
            continue
        assert b"".join(pack(frames)) in (datagram, b"")


@pytest.mark.unit
@pytest.mark.parametrize("at", [5, 100, -1])
def test_a_datagram_that_was_cut_or_has_more_is_refused(at: int) -> None:
    (datagram,) = pack([frame()])
    for broken in (datagram[:at], datagram + b"\0", datagram + bytes(MAX_DATAGRAM)):
        with pytest.raises(BadDatagram):
            unpack(broken)


class Ends:
    """A worker's end and a client's, and what each has heard."""

    def __init__(self, directory: Path) -> None:
        worker, client = link_paths(directory)
        self.at_worker: list[PcmFrame] = []
        self.at_client: list[PcmFrame] = []
        self.worker = PcmLink(worker, client, self.at_worker.append)
        self.client = PcmLink(client, worker, self.at_client.append)


@pytest.mark.peers
async def test_either_end_may_be_away_and_come_back(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.worker.open()
    ends.worker.send([frame()])
    assert ends.worker.dropped == 1
    ends.client.open()
    ends.worker.send([frame()])
    ends.client.send([frame(b"")])
    await until(lambda: ends.at_client == [frame()] and ends.at_worker == [frame(b"")])
    again = Ends(tmp_path)
    again.worker.open()  # as after a crash: the socket of before is still there
    ends.client.send([frame()])
    await until(lambda: again.at_worker == [frame()])
    ends.worker.close()  # the one before ends late, and takes nothing away
    ends.client.send([frame()])
    await until(lambda: len(again.at_worker) == 2)
    again.worker.close()
    ends.client.close()
    assert not [path for path in link_paths(tmp_path) if path.exists()]


@pytest.mark.peers
async def test_what_is_none_of_ours_is_ignored_and_counted(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.worker.open()
    (whole,) = pack([frame()])
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        for garbage in (b"", b"SBP1", b"x" * 60_000, whole[:-1], whole + b"\0" * MAX_DATAGRAM):
            stranger.sendto(garbage, str(tmp_path / "sfu-in.sock"))
        stranger.sendto(whole, str(tmp_path / "sfu-in.sock"))
    finally:
        stranger.close()
    await until(lambda: ends.at_worker)
    assert ends.at_worker == [frame()]
    assert ends.worker.refused == 4  # magic alone holds no frame, and is no harm
    ends.worker.close()


@pytest.mark.peers
async def test_an_end_that_takes_nothing_does_not_hold_the_other_up(tmp_path: Path) -> None:
    _, client = link_paths(tmp_path)
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    deaf.bind(str(client))
    ends = Ends(tmp_path)
    ends.worker.open()
    try:
        sent = 0
        while not ends.worker.dropped and sent < 10_000:
            ends.worker.send([frame()])
            sent += 1
        assert ends.worker.dropped == 1
    finally:
        deaf.close()
        ends.worker.close()


@pytest.mark.peers
async def test_nobody_else_can_reach_a_socket(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.worker.open()
    assert (tmp_path / "sfu-in.sock").stat().st_mode & 0o077 == 0
    ends.worker.close()
