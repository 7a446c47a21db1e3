"""The tokens of the LiveKit engine: of people, and of our relays. LiveKit checks them itself."""

import secrets

from spaces_bridge.app.call_ports import BOT_DEVICE
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import RelayedRoom
from spaces_bridge.app.usecases.calls import CallPermit, CallToken
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit.engine.credentials import Credentials
from spaces_bridge.livekit.engine.limits import RELAY_TOKEN_LIFE_S, TOKEN_LIFE_S
from spaces_bridge.livekit.issuer import identity_of
from spaces_bridge.livekit.names import device_identity, room_name
from spaces_bridge.livekit.tokens import CallGrant, TokenSigner


class EngineTokens:
    """The issuer of people's tokens for a LiveKit server. Implements `CallTokenIssuer`.

    A token says what its holder may do at the moment: the server takes it at its word, until the
    engine has seen the participant. Nobody sends data: captions could be forged by it.
    """

    def __init__(self, url: str, key: str, secret: str, credentials: Credentials) -> None:
        """`url` is the server's WebSocket address, as clients are given it."""
        self._url = url
        self._signer = TokenSigner(key, secret, good_for_s=TOKEN_LIFE_S)
        self._credentials = credentials

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        """Return a token for this device; `member` is its MatrixRTC id, "" for older clients."""
        identity = identity_of(permit.user, device, member)
        grant = CallGrant(
            room=room_name(permit.room),
            identity=identity,
            name=permit.name or permit.user,
            user=permit.user,
            space=permit.space,
            join=True,
            can_publish=permit.may_publish,
            can_subscribe=True,
            can_publish_data=False,
            may_update_itself=False,
            attributes=self._credentials.attributes(permit.space, permit.user, identity),
        )
        return CallToken(self._url, self._signer.issue(grant))


class HomeTokens:
    """The issuer of tokens for our relays in live spaces' own rooms. Implements `RelayTokens`.

    The home worker's relay is the bot that people see; the others are hidden and only listen.
    LiveKit tells participants apart by their identity alone: a connection that died, and tries to
    come back late, would take the place of who has joined since. So each token of the hidden ones
    has an identity of its own; the bot's is the one that clients know.
    """

    def __init__(
        self, spaces: Spaces, key: str, secret: str, credentials: Credentials, bot: UserId
    ) -> None:
        self._spaces = spaces
        self._signer = TokenSigner(key, secret, good_for_s=RELAY_TOKEN_LIFE_S)
        self._credentials = credentials
        self._bot = bot

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        """Return a token for a node's relay. Raises AdapterError. Part of `RelayTokens`."""
        view = self._spaces.view(space)
        if view is None or view.room is None or room.name != OWN_ROOM:
            raise AdapterError(f"live space {space} has no room {room.name!r} at LiveKit")
        identity = bot_identity(self._bot, f"{node}:{secrets.token_hex(4)}" if node else "")
        grant = CallGrant(
            room=room_name(view.room),
            identity=identity,
            name="Spaces",
            user=self._bot,
            space=space,
            join=True,
            can_publish=not node,
            can_subscribe=True,
            can_publish_data=not node,
            may_update_itself=False,
            hidden=bool(node),
            attributes=self._credentials.attributes(space, self._bot, identity),
        )
        return self._signer.issue(grant)


def bot_identity(bot: UserId, node: str = "") -> str:
    """Return the identity of a node's relay; "" is the home worker's, which people see."""
    home = device_identity(bot, BOT_DEVICE)
    return f"{home}:{node}" if node else home
