"""STUN: what is believed, what is answered, and that nothing makes the parser stumble."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import stun

pytestmark = pytest.mark.unit

# RFC 5769, 2.1: a request with short-term authentication
RFC_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
RFC_PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"


def test_the_sample_request_of_the_rfc_is_believed() -> None:
    message = stun.parse(RFC_REQUEST)
    assert message is not None
    assert message.username == "evtj:h6vY"
    assert message.signed_with(RFC_PASSWORD)
    assert not message.nominates


def test_another_password_is_not_believed() -> None:
    message = stun.parse(RFC_REQUEST)
    assert message is not None
    assert not message.signed_with("VOkJxbRl1RmTxUk/WvJxBT")


@pytest.mark.parametrize("place", [5, 30, 60, 80, len(RFC_REQUEST) - 1])
def test_a_changed_byte_is_not_believed(place: int) -> None:
    changed = bytearray(RFC_REQUEST)
    changed[place] ^= 1
    message = stun.parse(bytes(changed))
    assert message is None or not message.signed_with(RFC_PASSWORD)


def test_an_answer_is_signed_and_names_the_address() -> None:
    request = stun.parse(RFC_REQUEST)
    assert request is not None
    answer = stun.parse(stun.success(request, ("192.0.2.1", 32853), RFC_PASSWORD))
    assert answer is not None
    assert answer.type == stun.BINDING_SUCCESS
    assert answer.transaction == request.transaction
    assert answer.signed_with(RFC_PASSWORD)
    # RFC 5769, 2.2
    assert answer.attributes[stun.XOR_MAPPED_ADDRESS].hex() == "0001a147e112a643"


def test_ipv6_and_mapped_ipv4_addresses_are_named_as_what_they_are() -> None:
    request = stun.parse(RFC_REQUEST)
    assert request is not None
    six = stun.parse(
        stun.success(request, ("2001:db8:1234:5678:11:2233:4455:6677", 32853), RFC_PASSWORD)
    )
    mapped = stun.parse(stun.success(request, ("::ffff:192.0.2.1", 32853), RFC_PASSWORD))
    assert six is not None
    assert mapped is not None
    # RFC 5769, 2.3
    wanted = "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    assert six.attributes[stun.XOR_MAPPED_ADDRESS].hex() == wanted
    assert mapped.attributes[stun.XOR_MAPPED_ADDRESS].hex() == "0001a147e112a643"


def test_our_own_request_can_be_checked_by_its_receiver() -> None:
    transaction = stun.new_transaction()
    message = stun.parse(stun.request("theirs:ours", "a" * 22, transaction, nominate=True))
    assert message is not None
    assert message.signed_with("a" * 22)
    assert message.username == "theirs:ours"
    assert message.nominates


def test_what_follows_the_signature_is_not_believed() -> None:
    """An attacker can append attributes without breaking the signature."""
    request = stun.request("theirs:ours", "a" * 22, stun.new_transaction())
    bare = request[:-8]  # without FINGERPRINT
    extended = bytearray(bare + b"\0\x25\0\0")  # USE-CANDIDATE
    extended[2:4] = (len(extended) - 20).to_bytes(2)
    message = stun.parse(bytes(extended))
    assert message is not None
    assert message.signed_with("a" * 22)
    assert not message.nominates


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 40])
@pytest.mark.parametrize(
    "kind", [stun.USERNAME, stun.MESSAGE_INTEGRITY, stun.PRIORITY, stun.USE_CANDIDATE, 0x7FFF]
)
def test_an_attribute_of_any_size_does_not_make_the_parser_raise(kind: int, size: int) -> None:
    body = struct.pack("!HH", kind, size) + bytes(size + -size % 4)
    head = stun.HEADER.pack(stun.BINDING_REQUEST, len(body), stun.COOKIE, bytes(12))
    message = stun.parse(head + body)
    assert message is not None
    assert not message.signed_with("")


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(datagram: bytes) -> None:
    assert stun.parse(datagram) is None


@given(st.integers(0, len(RFC_REQUEST) - 1), st.binary(max_size=30))
def test_no_damaged_request_makes_the_parser_raise_or_is_believed(at: int, junk: bytes) -> None:
    damaged = RFC_REQUEST[:at] + junk + RFC_REQUEST[at + len(junk) :]
    message = stun.parse(damaged)
    if message is not None and message.signed_with(RFC_PASSWORD):
        assert damaged[:100] == RFC_REQUEST[:100]  # only what follows the signature was changed


@given(st.binary(max_size=160).map(lambda body: body + bytes(-len(body) % 4)))
def test_no_attributes_make_the_parser_raise(body: bytes) -> None:
    head = stun.HEADER.pack(stun.BINDING_REQUEST, len(body), stun.COOKIE, bytes(12))
    message = stun.parse(head + body)
    assert message is None or not message.signed_with("secret") or not body


def _with_attributes(first: bytes, count: int) -> bytes:
    body = first + b"\x00\x06\x00\x00" * count
    head = stun.HEADER.pack(stun.BINDING_REQUEST, len(body), stun.COOKIE, bytes(12))
    return head + body


@pytest.mark.parametrize(
    "first",
    [b"\x00\x06\x00\x00", b"\x00\x08\x00\x14" + bytes(20)],
    ids=["the same again and again", "after the signature"],
)
def test_attributes_are_counted_however_often_they_come(first: bytes) -> None:
    """Who sends them is not known yet: reading a message costs a stranger's datagram no more."""
    assert stun.parse(_with_attributes(first, 31)) is not None
    assert stun.parse(_with_attributes(first, 32)) is None


@pytest.mark.parametrize("size", [5, 8, 0xFFFF])
def test_an_attribute_longer_than_its_message_is_no_stun(size: int) -> None:
    body = struct.pack("!HH", stun.USERNAME, size) + b"anna"
    head = stun.HEADER.pack(stun.BINDING_REQUEST, len(body), stun.COOKIE, bytes(12))
    assert stun.parse(head + body) is None
    whole = struct.pack("!HH", stun.USERNAME, 4) + b"anna"
    message = stun.parse(head + whole)
    assert message is not None
    assert message.username == "anna"
