"""The allowances for packets whose signature fails, and for what data channels bring."""

from spaces_bridge.pacing.token_bucket import TokenBucket


def forgeries() -> TokenBucket:
    """Make the bucket of packets with a bad signature at one peer's address, per second.

    Packets whose signature holds are not counted. Anybody may have sent a bad one, so it is
    charged to nobody's budget. Finding out costs 2 to 3 us, less than reading the datagram did:
    so many are a twentieth of a core. A flood beyond it is looked at no longer, and may cost that
    peer its sound, but nobody else theirs.
    """
    return TokenBucket(rate=20_000, burst=20_000)


def forged_records() -> TokenBucket:
    """Make the bucket of DTLS records with a bad signature at one peer's address, per second.

    Each costs OpenSSL some 10 us. A flood beyond it may cost that peer its captions, no more.
    """
    return TokenBucket(rate=2_000, burst=2_000)


def data_packets() -> TokenBucket:
    """Make the bucket of one peer's SCTP packets, per second.

    A client acknowledges what we send, and whatever it sends itself is dropped: what it sends
    beyond this is lost undecrypted, which slows it down.
    """
    return TokenBucket(rate=100, burst=300)
