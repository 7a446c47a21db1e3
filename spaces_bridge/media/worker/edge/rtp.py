"""RTP and RTCP (RFC 3550) as far as one Opus stream each way needs them."""

import struct
from dataclasses import dataclass, field

from spaces_bridge.media.worker.values import MAX_OPUS, RtpPacket

HEADER = struct.Struct("!BBHII")
CLOCK_RATE = 48000
MAX_PAYLOAD = 1275
"""The largest Opus frame (RFC 6716, 3.4): what we send is one frame a packet."""

_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION, _BYE = 200, 201, 202, 203
_MAX_REPORTS = 32  # packets in a compound packet; clients put up to five into one
_NTP_OFFSET = 2208988800  # seconds from 1900 to 1970


def is_rtcp(datagram: bytes) -> bool:
    """Tell RTCP from RTP on one port (RFC 5761, section 4)."""
    return len(datagram) > 1 and 192 <= datagram[1] <= 223


def rtcp_sender(datagram: bytes) -> int | None:
    """Return the SSRC of a compound RTCP packet's sender, which SRTCP leaves in the clear.

    None if the datagram is too short or of another version.
    """
    if len(datagram) < 8 or datagram[0] >> 6 != 2:
        return None
    return int.from_bytes(datagram[4:8])


def header(datagram: bytes) -> tuple[int, int, int, int] | None:
    """Return payload type, sequence number, timestamp and SSRC, or None if it is no RTP packet."""
    if len(datagram) < HEADER.size or datagram[0] >> 6 != 2:
        return None
    _, second, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    return second & 0x7F, sequence, timestamp, ssrc


def parse(packet: bytes) -> RtpPacket | None:
    """Return a decrypted packet without CSRCs, header extension and padding; None if they lie."""
    fields = header(packet)
    if fields is None:
        return None
    kind, sequence, timestamp, ssrc = fields
    start, end = HEADER.size + 4 * (packet[0] & 0x0F), len(packet)
    if packet[0] & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    if packet[0] & 0x20:
        if packet[-1] == 0:
            return None
        end -= packet[-1]
    if not 0 <= end - start <= MAX_OPUS:
        return None
    marker = bool(packet[1] & 0x80)
    return RtpPacket(sequence, timestamp, marker, kind, ssrc, packet[start:end])


def nearest_index(newest: int | None, sequence: int) -> int:
    """Return the 48-bit packet index most likely meant by a 16-bit number (RFC 3711, 3.3.1)."""
    if newest is None:
        return sequence
    step = ((sequence - newest + 0x8000) & 0xFFFF) - 0x8000
    return max(newest + step, sequence)


def _packet(count: int, kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _description(ssrc: int, name: str) -> bytes:
    item = struct.pack("!IBB", ssrc, 1, len(name)) + name.encode()
    return _packet(1, _DESCRIPTION, item + bytes(4 - len(item) % 4))


def sender_report(
    ssrc: int, name: str, wall_time: float, timestamp: int, packets: int, octets: int
) -> bytes:
    """Return a report of what we sent, tying RTP time to wall time, so that clients keep step."""
    ntp = int((wall_time + _NTP_OFFSET) * (1 << 32))
    body = struct.pack(
        "!IQIII",
        ssrc,
        ntp & 0xFFFFFFFFFFFFFFFF,
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return _packet(0, _SENDER_REPORT, body) + _description(ssrc, name)


def goodbye(ssrc: int, name: str) -> bytes:
    """Return an empty report, our name, and BYE (compound, RFC 3550, 6.1)."""
    report = _packet(0, _RECEIVER_REPORT, struct.pack("!I", ssrc))
    return report + _description(ssrc, name) + _packet(1, _BYE, struct.pack("!I", ssrc))


@dataclass(slots=True)
class ReceptionStatistics:
    """Statistics of what was received of a speaker's stream, for the reports that it expects."""

    first: int | None = None
    newest: int | None = None
    received: int = 0
    _jitter: float = 0.0
    _transit: float | None = None
    _reported: tuple[int, int] = (0, 0)  # expected and received at the last report
    _sender_report: tuple[int, float] | None = field(default=None)

    def took(self, sequence: int, timestamp: int, now: float) -> None:
        """Note an authenticated packet that arrived at `now` (seconds)."""
        index = nearest_index(self.newest, sequence)
        if self.first is None:
            self.first = index
        self.newest = index if self.newest is None else max(self.newest, index)
        self.received += 1
        transit = now * CLOCK_RATE - timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            if change < CLOCK_RATE * 60:  # a timestamp that wrapped or was reset says nothing
                self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def ahead(self, sequence: int) -> int:
        """Return how many packets this is ahead of the newest; 0 for the first and older ones."""
        if self.newest is None:
            return 0
        return max(0, nearest_index(self.newest, sequence) - self.newest)

    def heard_sender_report(self, ntp: int, now: float) -> None:
        """Note the NTP time of the speaker's last report, to be echoed back to it."""
        self._sender_report = ((ntp >> 16) & 0xFFFFFFFF, now)

    def report(self, ssrc: int, source: int, name: str, now: float) -> bytes:
        """Return our receiver report from `ssrc` about `source` (RFC 3550, 6.4.2)."""
        newest = self.newest if self.newest is not None else 0
        first = self.first if self.first is not None else newest
        expected = newest - first + 1 if self.received else 0
        lost = max(0, min(expected - self.received, 0x7FFFFF))
        of_late = expected - self._reported[0]
        missed = of_late - (self.received - self._reported[1])
        fraction = min(255, (missed << 8) // of_late) if of_late > 0 and missed > 0 else 0
        self._reported = (expected, self.received)
        last, delay = 0, 0
        if self._sender_report is not None:
            last = self._sender_report[0]
            delay = int((now - self._sender_report[1]) * 65536) & 0xFFFFFFFF
        block = struct.pack(
            "!IIIIII",
            source,
            (fraction << 24) | lost,
            newest & 0xFFFFFFFF,
            int(min(self._jitter, 0xFFFFFFFF)),
            last,
            delay,
        )
        return _packet(1, _RECEIVER_REPORT, struct.pack("!I", ssrc) + block) + _description(
            ssrc, name
        )


@dataclass(frozen=True, slots=True)
class RtcpNews:
    """The news in a compound RTCP packet: a BYE, and the NTP time of a sender report."""

    left: bool
    sender_ntp: int | None


def read_rtcp(packet: bytes) -> RtcpNews | None:
    """Read a decrypted compound packet; None if it is malformed. Never raises."""
    left, ntp, at, count = False, None, 0, 0
    while at < len(packet):
        count += 1
        if count > _MAX_REPORTS or len(packet) - at < 4 or packet[at] >> 6 != 2:
            return None
        kind, size = packet[at + 1], 4 + 4 * int.from_bytes(packet[at + 2 : at + 4])
        if at + size > len(packet):
            return None
        if kind == _BYE:
            left = True
        elif kind == _SENDER_REPORT and size >= 28:
            ntp = int.from_bytes(packet[at + 8 : at + 16])
        at += size
    return RtcpNews(left, ntp) if at else None
