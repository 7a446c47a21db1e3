"""DTLS-SRTP (RFC 5764), in the passive or the active role, by OpenSSL over memory buffers."""

import contextlib
import datetime
import hmac
from collections.abc import Sequence
from enum import Enum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from spaces_bridge.media.worker.edge import dtls_settled
from spaces_bridge.media.worker.edge.dtls_intake import Intake
from spaces_bridge.media.worker.edge.dtls_settled import Opener, Secrets, Settled
from spaces_bridge.media.worker.edge.srtp import Keys, Profile
from spaces_bridge.media.worker.values import UNSPOKEN_KEY

DATAGRAM = 1200
"""Largest DTLS datagram we send: fits every path WebRTC works on."""

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)  # OpenSSL 4 takes no P-224 (RFC 8422, 5.1.1)
_RECORD_HEADER = 13
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}


class HandshakeFailed(Exception):
    """The DTLS handshake cannot go on; a fresh one may succeed."""


class WrongCertificate(HandshakeFailed):
    """The peer's certificate is not the one its offer named."""


class UnspokenKey(WrongCertificate):
    """The certificate is the one its offer named, and its key is on a curve we do not take."""


class Identity:
    """The identity of an edge: the certificate it shows to everybody, made anew at every start.

    `profiles` are the SRTP profiles it agrees to, the preferred one first.
    """

    def __init__(self, profiles: Sequence[str] = tuple(Profile)) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        digest = certificate.fingerprint(hashes.SHA256())
        self.fingerprint = ":".join(f"{byte:02X}" for byte in digest)
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        self.context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # a third less memory per connected peer
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self.context.use_privatekey(key)
        self.context.use_certificate(certificate)
        self.context.set_tlsext_use_srtp(":".join(profiles).encode())


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "spaces-bridge")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )


class HandshakeStep(Enum):
    """A step is what a datagram brought about in a handshake."""

    WAITING = "waiting"
    ESTABLISHED = "established"
    LEFT = "left"


class Handshake:
    """A handshake is one DTLS connection with one peer, which carries data after the keys.

    We answer, or dial if the peer offered `a=setup:passive` (RFC 8842, 5.3): then call `begin`.
    """

    def __init__(
        self, identity: Identity, fingerprint: tuple[str, bytes], *, dials: bool = False
    ) -> None:
        self._fingerprint = fingerprint
        self._dials = dials
        self._ssl = SSL.Connection(identity.context)
        if dials:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()
        self._ssl.set_ciphertext_mtu(DATAGRAM)
        self._intake = Intake()
        self.keys: Keys | None = None

    def begin(self) -> None:
        """Make the first flight of the side that dials; call `outgoing` afterwards."""
        with contextlib.suppress(SSL.WantReadError):
            self._ssl.do_handshake()

    def receive(self, datagram: bytes) -> HandshakeStep | None:
        """Take in a datagram; call `outgoing` afterwards. Return None if it was refused, unread.

        Raises HandshakeFailed.
        """
        if not self._intake.admits(datagram):
            return None
        self._ssl.bio_write(datagram)
        return self._read([]) if self.keys is not None else self._advance()

    def receive_data(self, datagram: bytes, into: list[bytes]) -> HandshakeStep | None:
        """Take in a datagram after the handshake; append the data in it to `into`.

        Return None if it was refused, unread. Call `outgoing` afterwards.
        """
        if self.keys is None or not self._intake.admits(datagram, data=True):
            return None
        self._ssl.bio_write(datagram)
        return self._read(into)

    def _advance(self) -> HandshakeStep:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            return HandshakeStep.WAITING
        except SSL.Error as error:
            self._refuse_unspoken_key()
            raise HandshakeFailed("the DTLS handshake failed") from error
        self._check_certificate()
        self.keys = self._export()
        return HandshakeStep.ESTABLISHED

    def _read(self, into: list[bytes]) -> HandshakeStep:
        """Read data, and close_notify; forged records are thrown away."""
        try:
            while record := self._ssl.recv(2048):
                into.append(record)
        except SSL.ZeroReturnError:
            return HandshakeStep.LEFT
        except SSL.Error:
            return HandshakeStep.WAITING
        return HandshakeStep.WAITING

    def _check_certificate(self) -> None:
        if not self._is_announced(self._certificate()):
            raise WrongCertificate("its certificate is not the one it announced")

    def _certificate(self) -> x509.Certificate | None:
        """Return the client's certificate; None if there is none, or none that can be read."""
        try:
            return self._ssl.get_peer_certificate(as_cryptography=True)
        except (ValueError, x509.InvalidVersion):
            return None

    def _is_announced(self, certificate: x509.Certificate | None) -> bool:
        name, wanted = self._fingerprint
        return certificate is not None and hmac.compare_digest(
            certificate.fingerprint(_HASHES[name]), wanted
        )

    def _refuse_unspoken_key(self) -> None:
        """Raise UnspokenKey if no handshake can succeed: FFmpeg with GnuTLS has a P-224 key.

        This holds only for a certificate that the offer named: anybody may have sent another.
        """
        certificate = self._certificate()
        if certificate is None or not self._is_announced(certificate):
            return
        try:
            key = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return
        if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, _CURVES):
            raise UnspokenKey(f"{UNSPOKEN_KEY} ({key.curve.name})")

    def _export(self) -> Keys:
        try:
            profile = Profile(self._ssl.get_selected_srtp_profile().decode())
        except ValueError as error:
            raise HandshakeFailed("no SRTP profile in common") from error
        size = Keys.material_size(profile)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        keys = Keys.for_server(profile, material)
        return keys.swapped() if self._dials else keys

    def retransmit(self) -> None:
        """Make OpenSSL repeat its flight if its own timer says so."""
        if self.keys is None and self._ssl.DTLSv1_get_timeout() == 0:
            self._ssl.DTLSv1_handle_timeout()

    def seal(self, data: bytes) -> bytes:
        """Return data as an encrypted datagram, b"" if the connection has ended."""
        try:
            self._ssl.send(data)
            return self._ssl.bio_read(2 * DATAGRAM)
        except SSL.Error:
            return b""

    def say_goodbye(self) -> None:
        """Queue close_notify, if the handshake is done."""
        if self.keys is not None:
            try:
                self._ssl.shutdown()
            except SSL.Error:
                return

    def settled(self, last_flight: Sequence[bytes]) -> Settled | None:
        """Return what is to be kept in place of this, which is of no more use then.

        `last_flight` is what was sent last, and nothing may wait to be sent. Return None where
        OpenSSL's state is needed further: for versions and ciphers that we do not read ourselves.
        """
        ssl, suite = self._ssl, self._ssl.get_cipher_name() or ""
        master, client, server = ssl.master_key(), ssl.client_random(), ssl.server_random()
        if self.keys is None or ssl.get_protocol_version_name() != dtls_settled.VERSION:
            return None
        if master is None or client is None or server is None:
            return None
        theirs = Opener.of(suite, Secrets(master, client, server), of_client=not self._dials)
        if theirs is None:
            return None
        self.say_goodbye()
        return Settled(tuple(last_flight), b"".join(self.outgoing()), theirs)

    def outgoing(self) -> list[bytes]:
        """Return what is to be sent now, cut into datagrams at DTLS record boundaries."""
        flight = b""
        try:
            while True:
                flight += self._ssl.bio_read(65536)
        except SSL.WantReadError:
            return _datagrams(flight)


def _datagrams(flight: bytes) -> list[bytes]:
    """Find datagrams again by record lengths, as a memory buffer keeps no datagram boundaries."""
    found, start, at = list[bytes](), 0, 0
    while at + _RECORD_HEADER <= len(flight):
        end = at + _RECORD_HEADER + int.from_bytes(flight[at + 11 : at + 13])
        if end - start > DATAGRAM and at > start:
            found.append(flight[start:at])
            start = at
        at = end
    if start < len(flight):
        found.append(flight[start:])
    return found
