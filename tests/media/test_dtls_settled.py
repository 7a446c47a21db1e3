"""What is kept of a DTLS connection after the handshake, against OpenSSL's other end of it."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from spaces_bridge.media.worker.edge.dtls import Handshake, HandshakeStep, Identity, _datagrams
from spaces_bridge.media.worker.edge.dtls_settled import Opener, Secrets, Settled, expanded
from spaces_bridge.media.worker.values import StreamDirection
from tests.media.test_dtls import Client, digest, shake_hands
from tests.support.edge import Clock, EdgeWorld, closing, edge_world, udp_socket

pytestmark = pytest.mark.unit

SUITES = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
]
OTHER_SUITES = ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"]


def met(suite: str) -> tuple[Handshake, Client]:
    """Both ends of a handshake that is over for us; our last flight is still to be sent."""
    theirs = Identity()
    theirs.context.set_cipher_list(suite.encode())
    server, client = Handshake(Identity(), digest(theirs)), Client(theirs)
    assert shake_hands(server, client) is HandshakeStep.ESTABLISHED
    return server, client


def settled(suite: str = SUITES[0]) -> tuple[Settled, Client]:
    """What is kept of a handshake that is over for both."""
    server, client = met(suite)
    flight = server.outgoing()
    for datagram in flight:
        client.ssl.bio_write(datagram)
    client.advance()
    kept = server.settled(flight)
    assert kept is not None
    return kept, client


def goodbye_of(client: Client) -> bytes:
    client.ssl.shutdown()
    return client.ssl.bio_read(4000)


@pytest.mark.parametrize("suite", SUITES)
def test_a_goodbye_is_read_without_openssl(suite: str) -> None:
    kept, client = settled(suite)
    assert kept.receive(goodbye_of(client)) == (False, True)


@pytest.mark.parametrize("suite", SUITES)
def test_our_goodbye_is_sealed_beforehand(suite: str) -> None:
    kept, client = settled(suite)
    client.ssl.bio_write(kept.goodbye)
    with pytest.raises(SSL.ZeroReturnError):
        client.ssl.recv(100)


@pytest.mark.parametrize("suite", OTHER_SUITES)
def test_where_we_cannot_read_goodbyes_openssl_goes_on(suite: str) -> None:
    server, client = met(suite)
    for datagram in server.outgoing():
        client.ssl.bio_write(datagram)
    client.advance()
    assert server.settled(()) is None
    assert server.receive(goodbye_of(client)) is HandshakeStep.LEFT


def test_the_goodbye_of_a_client_that_we_dialled_is_read() -> None:
    theirs, ours = Identity(), Identity()
    dialling = Handshake(ours, digest(theirs), dials=True)
    answering = Handshake(theirs, digest(ours))
    dialling.begin()
    for _ in range(5):
        for datagram in dialling.outgoing():
            answering.receive(datagram)
        for datagram in answering.outgoing():
            dialling.receive(datagram)
    kept = dialling.settled(())
    assert kept is not None
    answering.say_goodbye()
    (goodbye,) = answering.outgoing()
    assert kept.receive(goodbye) == (False, True)


@pytest.mark.parametrize("suite", SUITES)
def test_no_forged_goodbye_counts(suite: str) -> None:
    kept, client = settled(suite)
    goodbye = goodbye_of(client)
    for at in range(13, len(goodbye)):
        forged = bytearray(goodbye)
        forged[at] ^= 1
        assert kept.receive(bytes(forged)) == (False, False)
    assert kept.receive(kept.goodbye) == (False, False)  # ours, sent back to us


def test_other_alerts_are_no_goodbye() -> None:
    kept, client = settled()
    other, _ = settled()
    assert other.receive(goodbye_of(client)) == (False, False)
    plain = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x01\x00"
    assert kept.receive(plain) == (False, False)


def test_a_client_that_missed_our_last_flight_gets_it_again() -> None:
    theirs = Identity()
    server, client = Handshake(Identity(), digest(theirs)), Client(theirs)
    sent = list[bytes]()
    while server.keys is None:
        sent = [each for flight in client.advance() for each in _datagrams(flight)]
        for datagram in sent:
            server.receive(datagram)
        if server.keys is None:
            for datagram in server.outgoing():
                client.ssl.bio_write(datagram)
    kept = server.settled(server.outgoing())  # which is lost, so the client says all again
    assert kept is not None
    assert [kept.receive(each) for each in sent] == [(each is sent[-1], False) for each in sent]
    with pytest.raises(SSL.WantReadError):
        client.ssl.do_handshake()
    for datagram in kept.last_flight:
        client.ssl.bio_write(datagram)
    client.ssl.do_handshake()
    assert kept.receive(goodbye_of(client)) == (False, True)


@given(st.binary(max_size=100))
def test_any_bytes_are_judged(datagram: bytes) -> None:
    opener = Opener.of(SUITES[0], Secrets(b"m", b"c", b"s"), of_client=True)
    assert opener is not None
    assert Settled((), b"", opener).receive(datagram) in ((False, False), (True, False), None)


def test_the_pseudorandom_function_gives_what_openssl_exports() -> None:
    _, client = settled()
    ours, theirs = client.ssl.server_random(), client.ssl.client_random()
    exported = client.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 100)
    master = client.ssl.master_key()
    assert ours is not None
    assert theirs is not None
    assert master is not None
    seed = b"EXTRACTOR-dtls_srtp" + theirs + ours
    assert expanded("sha256", master, seed, 100) == exported


@pytest.mark.parametrize("setup", ["active", "passive"])
@pytest.mark.parametrize("direction", [StreamDirection.LISTEN, StreamDirection.SPEAK])
async def test_no_state_of_openssl_is_kept_of_a_connected_client_and_its_goodbye_counts(
    direction: StreamDirection, setup: str
) -> None:
    async with edge_world() as world:
        anna = await world.wire("anna", direction, setup=setup)
        async with closing(anna):
            assert world.edge._peers["anna"].dtls.handshake is None
            assert anna.peer._ssl is not None
            anna.peer._ssl.shutdown()
            anna.peer._flush()
            await world.until(lambda: world.reason("anna") == "the client left")


FINISHED = b"\x16\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x20" + bytes(32)
"""The head of a Finished that is said again; nobody opens it."""


async def test_our_last_flight_is_said_again_to_the_client_and_nobody_else() -> None:
    """A client can have us check any address: nothing it asks for must grow on the way there."""
    async with edge_world(clock=Clock()) as world:
        anna = await world.wire("anna")
        stranger = udp_socket()
        async with closing(anna):
            before = list[bytes]()
            anna.peer._receive_dtls = before.append  # type: ignore[assignment, method-assign]
            anna.send(FINISHED)
            await anna.until(lambda: before != [])
            assert [each[0] for each in before] == [20]  # ChangeCipherSpec, Finished with it
            await ask(world, stranger, anna.peer.check(nominate=False))
            stranger.sendto(FINISHED, ("127.0.0.1", world.port))
            check = anna.peer.check(nominate=False)
            answers = await ask(world, stranger, check)
            assert [each[0] for each in answers] == [1]  # STUN's alone
        stranger.close()


async def ask(world: EdgeWorld, sock: socket.socket, check: bytes) -> list[bytes]:
    """Send a check from a socket; what came there up to the answer to it."""
    loop, came = asyncio.get_running_loop(), list[bytes]()
    sock.sendto(check, ("127.0.0.1", world.port))
    async with asyncio.timeout(60):
        while not any(each[8:20] == check[8:20] and each[:2] == b"\x01\x01" for each in came):
            came.append(await loop.sock_recv(sock, 2000))
    return came
