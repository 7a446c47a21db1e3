"""The issuer of tokens for calls: what a permit comes to in LiveKit's terms."""

from spaces_bridge.app.usecases.calls import CallPermit, CallToken, CallTokenIssuer
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.names import (
    device_identity,
    member_identity,
    room_name,
    sender_identity,
)
from spaces_bridge.livekit.tokens import CallGrant, TokenSigner


class CallTokens:
    """The issuer of tokens for the SFU at one address. Implements `CallTokenIssuer`.

    Nothing is kept of a token: asked again, it gives one for the same participant.
    """

    def __init__(self, url: str, signer: TokenSigner) -> None:
        self._url = url
        self._signer = signer

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        """Return a token for this device, "" for the newest clients.

        `member` is its MatrixRTC id, "" for older clients.
        """
        grant = CallGrant(
            room=room_name(permit.room),
            identity=identity_of(permit.user, device, member),
            name=permit.name or permit.user,
            user=permit.user,
            space=permit.space,
            join=True,
            can_publish=permit.may_publish,
            can_subscribe=True,
        )
        return CallToken(self._url, self._signer.issue(grant))


class CountedTokens:
    """An issuer that counts what another one gives. Implements `CallTokenIssuer`."""

    def __init__(self, tokens: CallTokenIssuer) -> None:
        self._tokens = tokens
        self.issued = 0
        """The tokens given so far."""

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        """Return a token for this device."""
        self.issued += 1
        return self._tokens.issue(permit, device, member)


def identity_of(user: UserId, device: str, member: str) -> str:
    """Return the participant's identity, in the form of those who say so much of themselves.

    The older form knows no `member`, the newest one no `device`.
    """
    if not member:
        return device_identity(user, device)
    return member_identity(user, device, member) if device else sender_identity(user, member)
