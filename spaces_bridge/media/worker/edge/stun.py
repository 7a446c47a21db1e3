"""STUN (RFC 8489) as far as an ICE-lite agent needs it: binding requests and their answers."""

import hmac
import os
import socket
import struct
import zlib
from dataclasses import dataclass

COOKIE = 0x2112A442
HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

MAX_MESSAGE = 1280
_MAX_ATTRIBUTES = 32
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_SIZE = 24
_FINGERPRINT_SIZE = 8
_COOKIE_BYTES = COOKIE.to_bytes(4)
_MAPPED = bytes(10) + b"\xff\xff"  # IPv4 in IPv6 (RFC 4291, 2.5.5.2)


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A well-formed STUN message; nothing in it is to be believed before `signed_with`."""

    type: int
    transaction: bytes
    attributes: dict[int, bytes]
    raw: bytes
    integrity_at: int | None

    @property
    def username(self) -> str:
        """The USERNAME attribute, or "" if it is missing or not ASCII."""
        name = self.attributes.get(USERNAME, b"")
        return name.decode("ascii") if name.isascii() else ""

    @property
    def nominates(self) -> bool:
        """Return whether the client says that it uses this path from now on (USE-CANDIDATE)."""
        return USE_CANDIDATE in self.attributes

    def signed_with(self, password: str) -> bool:
        """Return whether MESSAGE-INTEGRITY (HMAC-SHA1) was made with this short-term password."""
        if self.integrity_at is None:
            return False
        at = self.integrity_at
        # The length field counts up to and including MESSAGE-INTEGRITY (RFC 8489, 14.5).
        head = self.raw[:2] + (at - HEADER.size + _INTEGRITY_SIZE).to_bytes(2)
        wanted = hmac.digest(password.encode(), head + self.raw[4:at], "sha1")
        return hmac.compare_digest(wanted, self.attributes[MESSAGE_INTEGRITY])


def parse(datagram: bytes) -> StunMessage | None:
    """Return the message in a datagram, or None if it is no sound STUN. Never raises."""
    if not HEADER.size <= len(datagram) <= MAX_MESSAGE:
        return None
    kind, length, cookie, transaction = HEADER.unpack_from(datagram)
    if cookie != COOKIE or length != len(datagram) - HEADER.size or length % 4 or kind >> 14:
        return None
    attributes: dict[int, bytes] = {}
    integrity_at: int | None = None
    at, count, end = HEADER.size, 0, len(datagram)
    while at < end:
        count += 1
        name, size = _ATTRIBUTE.unpack_from(datagram, at)
        if at + 4 + size > end or count > _MAX_ATTRIBUTES:
            return None
        value = datagram[at + 4 : at + 4 + size]
        if name == FINGERPRINT and not _fingerprint_holds(datagram, at, value):
            return None
        if integrity_at is None:  # what follows the signature is not covered by it
            attributes.setdefault(name, value)
            integrity_at = at if name == MESSAGE_INTEGRITY else None
        at += 4 + size + -size % 4
    return StunMessage(kind, transaction, attributes, datagram, integrity_at)


def _fingerprint_holds(datagram: bytes, at: int, value: bytes) -> bool:
    if len(value) != 4 or at + _FINGERPRINT_SIZE != len(datagram):
        return False
    return value == (zlib.crc32(memoryview(datagram)[:at]) ^ _FINGERPRINT_XOR).to_bytes(4)


def _attribute(name: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)


def _sealed(kind: int, transaction: bytes, body: bytes, password: str) -> bytes:
    length = len(body) + _INTEGRITY_SIZE
    signed = HEADER.pack(kind, length, COOKIE, transaction) + body
    body += _attribute(MESSAGE_INTEGRITY, hmac.digest(password.encode(), signed, "sha1"))
    whole = HEADER.pack(kind, length + _FINGERPRINT_SIZE, COOKIE, transaction) + body
    return whole + _attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(whole) ^ _FINGERPRINT_XOR))


def success(request: StunMessage, address: tuple[str, int], password: str) -> bytes:
    """Return the answer to an authentic binding request that came from `address`."""
    body = _attribute(XOR_MAPPED_ADDRESS, _xor_address(address, request.transaction))
    return _sealed(BINDING_SUCCESS, request.transaction, body, password)


def _xor_address(address: tuple[str, int], transaction: bytes) -> bytes:
    host = address[0].partition("%")[0]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    packed = packed.removeprefix(_MAPPED)
    mask = _COOKIE_BYTES + transaction
    masked = int.from_bytes(packed) ^ int.from_bytes(mask[: len(packed)])
    head = (1 if len(packed) == 4 else 2, address[1] ^ (COOKIE >> 16))
    return _ATTRIBUTE.pack(*head) + masked.to_bytes(len(packed))


def new_transaction() -> bytes:
    """Make a transaction id: twelve bytes that nobody can guess."""
    return os.urandom(12)


def request(username: str, password: str, transaction: bytes, *, nominate: bool = False) -> bytes:
    """Return a binding request; `nominate` says, as the controlling side, that it is in use."""
    body = (
        _attribute(USERNAME, username.encode())
        + _attribute(ICE_CONTROLLING if nominate else ICE_CONTROLLED, os.urandom(8))
        + _attribute(PRIORITY, struct.pack("!I", (110 << 24) | (65535 << 8) | 255))
        + (_attribute(USE_CANDIDATE, b"") if nominate else b"")
    )
    return _sealed(BINDING_REQUEST, transaction, body, password)
