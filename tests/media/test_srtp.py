"""SRTP: sessions taken up in the middle of a stream, in any rollover."""

import pytest

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.srtp import FARTHEST, Inbound, Keys, Outbound, Profile

pytestmark = pytest.mark.unit

SSRC = 0x01020304


def keys(profile: Profile) -> Keys:
    return Keys.for_server(profile, bytes(range(Keys.material_size(profile))))


def packet(index: int) -> bytes:
    return rtp.HEADER.pack(0x80, 111, index & 0xFFFF, 960, SSRC) + b"opus"


def send_up_to(out: Outbound, into: Inbound, index: int) -> None:
    """A stream that has reached `index`."""
    for at in [*range(0, index, 20_000), index]:
        assert into.open(out.protect(packet(at))) is not None


def test_the_two_sides_have_the_same_keys_crosswise() -> None:
    for profile in Profile:
        ours = keys(profile)
        assert len(ours.tx) == len(ours.rx) == sum(profile.sizes)
        assert ours.tx != ours.rx
        assert ours.swapped() == Keys(profile, tx=ours.rx, rx=ours.tx)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("index", [0, 5, 40_000, 65_535, 65_536, 200_000])
def test_a_listener_follows_a_sender_that_was_wound_forward(profile: Profile, index: int) -> None:
    listener = Inbound(profile, keys(profile).tx)
    send_up_to(Outbound(profile, keys(profile).tx, SSRC), listener, index)
    successor = Outbound(profile, keys(profile).tx, SSRC)
    successor.fast_forward(index + 3000, 0)
    for step in range(3):
        assert listener.open(successor.protect(packet(index + 3000 + step))) == packet(
            index + 3000 + step
        )


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("index", [0, 5, 40_000, 65_535, 65_536, 200_000])
def test_a_receiver_that_was_wound_forward_goes_on_hearing_a_speaker(
    profile: Profile, index: int
) -> None:
    speaker = Outbound(profile, keys(profile).rx, SSRC)
    send_up_to(speaker, Inbound(profile, keys(profile).rx), index)
    successor = Inbound(profile, keys(profile).rx)
    successor.fast_forward(index, SSRC)
    for step in range(1, 4):
        assert successor.open(speaker.protect(packet(index + step))) == packet(index + step)


def test_without_winding_a_later_rollover_is_not_understood() -> None:
    """Shows that the tests above test something."""
    listener = Inbound(Profile.GCM, keys(Profile.GCM).tx)
    send_up_to(Outbound(Profile.GCM, keys(Profile.GCM).tx, SSRC), listener, 200_000)
    successor = Outbound(Profile.GCM, keys(Profile.GCM).tx, SSRC)
    assert listener.open(successor.protect(packet(203_000))) is None


@pytest.mark.parametrize("profile", list(Profile))
def test_rtcp_goes_on_after_the_reserved_indexes(profile: Profile) -> None:
    listener = Inbound(profile, keys(profile).tx)
    first = Outbound(profile, keys(profile).tx, SSRC)
    used = {rtcp_index(first.protect_rtcp(rtp.goodbye(SSRC, "a")), profile) for _ in range(5)}
    successor = Outbound(profile, keys(profile).tx, SSRC)
    successor.fast_forward(0, first.rtcp_index + 64)
    assert not successor.may_report()
    assert [successor.catch_up(50), successor.catch_up(50)] == [50, first.rtcp_index + 14]
    assert successor.may_report()
    packet = successor.protect_rtcp(rtp.goodbye(SSRC, "a"))
    assert listener.open_rtcp(packet) is not None
    assert rtcp_index(packet, profile) == max(used) + 64 + 1


def rtcp_index(packet: bytes, profile: Profile) -> int:
    """The index SRTCP carries in the clear (RFC 3711, 3.4; RFC 7714, 9.2)."""
    word = packet[-4:] if profile is Profile.GCM else packet[-14:-10]
    return int.from_bytes(word) & 0x7FFFFFFF


def test_forged_and_repeated_packets_are_not_opened() -> None:
    out = Outbound(Profile.GCM, keys(Profile.GCM).tx, SSRC)
    into = Inbound(Profile.GCM, keys(Profile.GCM).tx)
    sealed = out.protect(packet(1))
    forged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert into.open(forged) is None
    assert into.open(sealed) == packet(1)
    assert into.open(sealed) is None
    assert into.open(b"\x80" * 3) is None
    assert into.open_rtcp(b"\x80\xc8" + bytes(1400)) is None


@pytest.mark.parametrize("profile", list(Profile))
def test_a_stream_is_taken_up_as_far_as_winding_is_cheap_and_no_further(profile: Profile) -> None:
    into, out = Inbound(profile, keys(profile).rx), Outbound(profile, keys(profile).tx, SSRC)
    into.fast_forward(FARTHEST, SSRC)
    out.fast_forward(FARTHEST, 0)
    for session in (into.fast_forward, out.fast_forward):
        with pytest.raises(ValueError, match="to be taken up"):
            session(FARTHEST + 1, 0)


def test_what_is_left_out_of_rtcp_is_in_the_next_record_before_it_is_caught_up_with() -> None:
    out = Outbound(Profile.GCM, keys(Profile.GCM).tx, SSRC)
    out.fast_forward(0, 7000)
    out.catch_up(1000)
    assert out.rtcp_index == 7000
