"""The allowance for packets whose signature fails."""

from spaces_bridge.pacing.token_bucket import TokenBucket


def forgeries() -> TokenBucket:
    """Make the bucket of packets with a bad signature at one peer's address, per second.

    Packets whose signature holds are not counted. Anybody may have sent a bad one, so it is
    charged to nobody's budget. Finding out costs 2 to 3 us, less than reading the datagram did:
    so many are a twentieth of a core. A flood beyond it is looked at no longer, and may cost that
    peer its sound, but nobody else theirs.
    """
    return TokenBucket(rate=20_000, burst=20_000)
