"""What a handshake may be made to remember, in numbers and in bytes of this process."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from spaces_bridge.media.worker.edge import dtls_intake
from spaces_bridge.media.worker.edge.dtls import DATAGRAM, Handshake, HandshakeFailed, Identity
from spaces_bridge.media.worker.edge.dtls_intake import Intake
from spaces_bridge.media.worker.memory import PEER_BYTES

pytestmark = pytest.mark.unit

HANDSHAKE, ALERT, CERTIFICATE, CLIENT_HELLO = 22, 21, 11, 1
_PAGE = 4096


def record(body: bytes, *, kind: int = HANDSHAKE, epoch: int = 0, number: int = 1) -> bytes:
    head = bytes([kind]) + b"\xfe\xfd" + epoch.to_bytes(2) + number.to_bytes(6)
    return head + len(body).to_bytes(2) + body


def fragment(
    number: int, size: int, part: bytes = b"x", *, offset: int = 0, kind: int = CERTIFICATE
) -> bytes:
    return (
        bytes([kind]) + size.to_bytes(3) + number.to_bytes(2)
        + offset.to_bytes(3) + len(part).to_bytes(3) + part
    )  # fmt: skip


def client_hello(identity: Identity) -> bytes:
    client = SSL.Connection(identity.context)
    client.set_connect_state()
    client.set_ciphertext_mtu(DATAGRAM)
    with contextlib.suppress(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(4000)


def test_messages_of_the_size_of_large_certificates_come_in_piece_by_piece() -> None:
    intake = Intake()
    whole = dtls_intake.MOST_MESSAGES
    assert intake.admits(record(fragment(0, 2000, bytes(1000), kind=CLIENT_HELLO)))
    for at in range(0, whole - 2000, 1000):
        part = bytes(min(1000, whole - 2000 - at))
        assert intake.admits(record(fragment(1, whole - 2000, part, offset=at)))
        assert intake.admits(record(fragment(1, whole - 2000, part, offset=at)))  # said again
    assert not intake.admits(record(fragment(2, 1)))


@pytest.mark.parametrize(
    "datagram",
    [
        record(fragment(0, dtls_intake.MOST_MESSAGES + 1)),
        record(fragment(0, 9000) + fragment(1, 9000)),
        record(fragment(0, 9000)) + record(fragment(1, 9000)),
        record(fragment(dtls_intake.MOST_NUMBER + 1, 10)),
        record(fragment(0, 3, b"four")),
        record(fragment(0, 3, b"two", offset=1)),
        record(fragment(0, 3)[:-1]),
        record(b"short"),
        record(b"", kind=23),
        record(b"", kind=24),
        record(b"") + b"\x16",
        record(b"cut off")[:-1],
    ],
)
def test_what_no_client_sends_is_refused_and_costs_no_later_datagram_its_place(
    datagram: bytes,
) -> None:
    intake = Intake()
    assert not intake.admits(datagram)
    assert intake.admits(record(fragment(0, dtls_intake.MOST_MESSAGES)))


def test_encrypted_records_ahead_of_their_keys_are_few() -> None:
    intake = Intake()
    for number in range(dtls_intake.MOST_SEALED):
        assert intake.admits(record(b"sealed", epoch=1, number=number))
    assert not intake.admits(record(b"sealed", epoch=1))
    assert intake.admits(record(b"goodbye", epoch=1, kind=ALERT))


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(datagram: bytes) -> None:
    assert Intake().admits(datagram) in (True, False)


@given(
    st.lists(
        st.tuples(st.integers(0, 15), st.integers(0, 1 << 24), st.integers(0, 100)), max_size=30
    )
)
def test_never_more_is_announced_than_may_be(told: list[tuple[int, int, int]]) -> None:
    intake, largest = Intake(), dict[int, int]()
    for number, size, length in told:
        size = min(size, (1 << 24) - 1)
        if intake.admits(record(fragment(number, size, bytes(min(length, size))))):
            largest[number] = max(size, largest.get(number, 0))
    assert sum(largest.values()) <= dtls_intake.MOST_MESSAGES


ATTACKS = {
    "eleven messages of 100 kB": [fragment(number, 100_000) for number in range(1, 12)],
    "one message of 99 kB, in order": [
        fragment(1, 99_000, bytes(1000), offset=at) for at in range(0, 99_000, 1000)
    ],
    "all that is allowed": [
        fragment(number, dtls_intake.MOST_MESSAGES // 12) for number in range(1, 12)
    ],
}


@pytest.mark.parametrize("after_hello", [True, False])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_long_handshake_costs_no_more_address_space_than_is_reserved_for_a_peer(
    attack: str, after_hello: bool
) -> None:
    """Address space is what a worker's limit counts; memory freed earlier only makes it less."""
    ours, theirs = Identity(), Identity()
    hello = client_hello(theirs)
    begun, before = list[Handshake](), address_space()
    for _ in range(60):
        handshake = Handshake(ours, ("sha-256", bytes(32)))
        begun.append(handshake)
        for number, body in enumerate(ATTACKS[attack], start=1):
            with contextlib.suppress(HandshakeFailed):
                if after_hello and number == 1:
                    handshake.receive(hello)
                handshake.receive(record(body, number=number))
            handshake.outgoing()
    assert (address_space() - before) / len(begun) <= PEER_BYTES


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE


def test_alerts_that_nobody_can_read_are_few() -> None:
    intake = Intake()
    said = [intake.admits(record(b"?", epoch=1, kind=ALERT)) for _ in range(1000)]
    assert said.count(True) == dtls_intake.MOST_ALERTS
    assert intake.admits(record(b"sealed", epoch=1))
