"""DTLS between our two ends of it, in memory."""

import contextlib

import pytest
from cryptography import x509
from OpenSSL import SSL

from spaces_bridge.media.worker.edge.dtls import (
    DATAGRAM,
    Handshake,
    HandshakeFailed,
    HandshakeStep,
    Identity,
    WrongCertificate,
    _datagrams,
)
from spaces_bridge.media.worker.edge.srtp import Keys, Profile
from tests.support import malformed

pytestmark = pytest.mark.unit


class Client:
    """The dialling side."""

    def __init__(self, identity: Identity) -> None:
        self.ssl = SSL.Connection(identity.context)
        self.ssl.set_connect_state()
        self.ssl.set_ciphertext_mtu(DATAGRAM)

    def advance(self) -> list[bytes]:
        """The datagrams to send now."""
        with contextlib.suppress(SSL.WantReadError):
            self.ssl.do_handshake()
        sent = list[bytes]()
        try:
            while True:
                sent.append(self.ssl.bio_read(65536))
        except SSL.WantReadError:
            return sent


def digest(identity: Identity) -> tuple[str, bytes]:
    return "sha-256", bytes.fromhex(identity.fingerprint.replace(":", ""))


def shake_hands(server: Handshake, client: Client) -> HandshakeStep | None:
    step: HandshakeStep | None = HandshakeStep.WAITING
    for _ in range(10):
        for flight in client.advance():
            for datagram in _datagrams(flight):
                step = server.receive(datagram)
        if step is not HandshakeStep.WAITING:
            return step
        for datagram in server.outgoing():
            assert len(datagram) <= DATAGRAM
            client.ssl.bio_write(datagram)
    return step


def established(*profiles: Profile) -> tuple[Handshake, Client]:
    theirs = Identity(profiles or tuple(Profile))
    server, client = Handshake(Identity(), digest(theirs)), Client(theirs)
    assert shake_hands(server, client) is HandshakeStep.ESTABLISHED
    for datagram in server.outgoing():
        client.ssl.bio_write(datagram)
    client.advance()
    return server, client


@pytest.mark.parametrize("profile", list(Profile))
def test_who_dials_and_who_answers_derive_the_same_keys(profile: Profile) -> None:
    theirs, ours = Identity([profile]), Identity()
    dialling = Handshake(ours, digest(theirs), dials=True)
    answering = Handshake(theirs, digest(ours))
    dialling.begin()
    for _ in range(5):
        for datagram in dialling.outgoing():
            answering.receive(datagram)
        for datagram in answering.outgoing():
            dialling.receive(datagram)
    assert dialling.keys is not None
    assert answering.keys == dialling.keys.swapped()


@pytest.mark.parametrize("profile", list(Profile))
def test_both_sides_derive_the_same_keys(profile: Profile) -> None:
    server, client = established(profile)
    material = client.ssl.export_keying_material(
        b"EXTRACTOR-dtls_srtp", Keys.material_size(profile)
    )
    assert server.keys == Keys.for_server(profile, material)


def test_gcm_is_preferred_whatever_the_client_prefers() -> None:
    server, _ = established(Profile.CM, Profile.GCM)
    assert server.keys is not None
    assert server.keys.profile is Profile.GCM


def test_a_certificate_that_was_not_announced_is_refused() -> None:
    announced, shown = Identity(), Identity()
    with pytest.raises(WrongCertificate):
        shake_hands(Handshake(Identity(), digest(announced)), Client(shown))


def test_a_client_without_srtp_is_refused() -> None:
    theirs = Identity()
    theirs.context = _without_srtp(theirs)
    with pytest.raises(HandshakeFailed):
        shake_hands(Handshake(Identity(), digest(theirs)), Client(theirs))


def _without_srtp(identity: Identity) -> SSL.Context:
    plain = Identity(["SRTP_AES128_CM_SHA1_32"])  # one the server does not speak
    identity.fingerprint = plain.fingerprint
    return plain.context


def test_goodbye_of_the_client_is_understood() -> None:
    server, client = established()
    client.ssl.shutdown()
    assert [server.receive(datagram) for datagram in client.advance()] == [HandshakeStep.LEFT]


def test_our_goodbye_is_understood() -> None:
    server, client = established()
    server.say_goodbye()
    for datagram in server.outgoing():
        client.ssl.bio_write(datagram)
    with pytest.raises(SSL.ZeroReturnError):
        client.ssl.recv(100)


def test_forged_records_do_not_end_an_established_connection() -> None:
    server, client = established()
    dice = malformed.dice()
    for number in range(100):
        body = dice.randbytes(dice.randrange(1, 60))
        kind = dice.choice([20, 21, 23])
        head = bytes([kind]) + b"\xfe\xfd" + bytes(2) + number.to_bytes(6) + len(body).to_bytes(2)
        for forged in (head + body, (head + body) * 5, bytes([kind]) + body):
            assert server.receive(forged) in (None, HandshakeStep.WAITING)
    client.ssl.shutdown()
    assert [server.receive(datagram) for datagram in client.advance()] == [HandshakeStep.LEFT]


def test_a_flight_is_cut_between_records() -> None:
    record = b"\x16\xfe\xfd" + bytes(8) + (500).to_bytes(2) + bytes(500)
    assert [len(datagram) for datagram in _datagrams(record * 5)] == [1026, 1026, 513]
    assert _datagrams(b"") == []


def test_a_certificate_that_cannot_be_read_is_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object, **__: object) -> None:
        raise x509.InvalidVersion("6 is not a valid X509 version", 6)

    monkeypatch.setattr(SSL.Connection, "get_peer_certificate", unreadable)
    theirs = Identity()
    with pytest.raises(WrongCertificate):
        shake_hands(Handshake(Identity(), digest(theirs)), Client(theirs))
