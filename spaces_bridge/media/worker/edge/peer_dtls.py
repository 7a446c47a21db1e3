"""The DTLS of one peer: handshakes, begun afresh when one broke, and what is kept after them."""

from collections.abc import Iterable
from typing import Final

from spaces_bridge.media.worker.edge.dtls import (
    Handshake,
    HandshakeFailed,
    HandshakeStep,
    Identity,
    UnspokenKey,
    WrongCertificate,
)
from spaces_bridge.media.worker.edge.dtls_settled import Settled
from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.srtp import Keys

HANDSHAKES: Final = 8
"""A broken handshake is begun afresh, as anybody may have broken it; but only so often."""


class PeerDtls:
    """The DTLS of a peer lets OpenSSL's state go after the handshake, unless `carries_data`."""

    __slots__ = ("_carries_data", "_expected", "_handshakes", "_settled", "dials", "handshake")

    _settled: Settled | None

    def __init__(self, *, carries_data: bool) -> None:
        self.dials = False
        """Whether we begin the handshake."""
        self.handshake: Handshake | None = None
        """The one that is under way, or carries data."""
        self._carries_data = carries_data
        self._expected: tuple[Identity, tuple[str, bytes]] | None = None
        self._handshakes = 0
        self._settled = None

    def expect(self, identity: Identity, fingerprint: tuple[str, bytes], *, dials: bool) -> None:
        """Prepare for the handshake with the client that has this certificate."""
        self._expected, self.dials = (identity, fingerprint), dials

    @property
    def is_over(self) -> bool:
        """Return whether the handshake is over, or was with another process."""
        return self._settled is not None or self._expected is None

    def receive(
        self, datagram: bytes, path: Path, *, is_selected: bool
    ) -> HandshakeStep | Keys | None:
        """Take in a datagram; return the keys once it ends the handshake, None if it is refused.

        `is_selected`: what we send goes along this path, too; elsewhere nothing is said again, as
        a client can name anybody's address. Raises WrongCertificate.
        """
        if self._settled is not None:
            answer = self._settled.receive(datagram)
            if answer is None:
                return None
            if answer.repeats and is_selected:
                _send_all(self._settled.last_flight, path)
            return HandshakeStep.LEFT if answer.left else HandshakeStep.WAITING
        handshake = self.handshake or self._new()
        if handshake is None:
            return None
        try:
            step = handshake.receive(datagram)
        except UnspokenKey:
            _send_all(handshake.outgoing(), path)  # the alert: else the client waits
            raise
        except WrongCertificate:
            raise
        except HandshakeFailed:
            self.handshake, step = None, None
        flight = handshake.outgoing()
        _send_all(flight, path)
        if step is HandshakeStep.ESTABLISHED and handshake.keys is not None:
            self._settle(handshake, flight)
            return handshake.keys
        return step

    def _settle(self, handshake: Handshake, flight: list[bytes]) -> None:
        if not self._carries_data:
            # of who dials no flight is the last (RFC 6347, 4.2.4)
            self._settled = handshake.settled(() if self.dials else flight)
        if self._settled is not None:
            self.handshake = None

    def dial(self, path: Path) -> None:
        """Begin the handshake, if it is ours to begin."""
        if self.dials and self.handshake is None and not self.is_over:
            handshake = self._new()
            if handshake is not None:
                _send_all(handshake.outgoing(), path)

    def _new(self) -> Handshake | None:
        if self._expected is None or self._handshakes >= HANDSHAKES:
            return None
        self._handshakes += 1
        identity, fingerprint = self._expected
        self.handshake = Handshake(identity, fingerprint, dials=self.dials)
        if self.dials:
            self.handshake.begin()
        return self.handshake

    def retransmit(self, path: Path | None) -> None:
        """Repeat our part of a handshake that is under way, if it is time to."""
        if self.handshake is not None:
            self.handshake.retransmit()
            self.flush(path)

    def flush(self, path: Path | None) -> None:
        """Send what the handshake has to send."""
        if self.handshake is not None and path is not None:
            _send_all(self.handshake.outgoing(), path)

    def say_goodbye(self, path: Path) -> None:
        """Send close_notify, if the handshake is done."""
        if self._settled is not None:
            path.send(self._settled.goodbye)
        elif self.handshake is not None:
            self.handshake.say_goodbye()
            self.flush(path)


def _send_all(datagrams: Iterable[bytes], path: Path) -> None:
    for datagram in datagrams:
        path.send(datagram)
