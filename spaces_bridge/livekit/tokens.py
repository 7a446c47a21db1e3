"""Tokens of calls: JSON Web Tokens in LiveKit's form.

Sources: RFC 7519; LiveKit's documentation, "Tokens and grants".
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

import jwt

from spaces_bridge.core.ids import SpaceId, UserId

GOOD_FOR_S: Final = 3600
"""Seconds that a token lets people into the embedded engine; who is in stays in."""

LEEWAY_S: Final = 10
"""Seconds by which the clock of another maker of tokens (RoomService) may be wrong."""

LENGTH_MAX: Final = 8192
"""Characters of a token; a longer one is refused before anything of it is read."""

USER_CLAIM: Final = "io.spacesbridge.user"
SPACE_CLAIM: Final = "io.spacesbridge.space"
"""Claims of ours: whom the token is for, and which live space. LiveKit's servers ignore them."""

_LABEL: Final = b"spaces-bridge: secret of LiveKit's API, version 1"


class TokenRefused(Exception):
    """A token is refused; `text` says why, plainly, and holds nothing of the token."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class CallGrant:
    """The grant that a token carries: who may do what in which of LiveKit's rooms.

    `room` and `identity` are LiveKit's names; `name` is for people. `user` and `space` are ours:
    only the authoriser's tokens have them, and only those join the embedded engine. `can_publish`
    is what was so when the token was made, for clients to read: it decides nothing here.
    `admin`, `room_list` and `room_create` are for RoomService. `expires_s` is Unix time in
    seconds, 0 in a grant that is to be issued. The others are for LiveKit's own servers alone:
    `attributes` are the participant's, which it may change if `may_update_itself`; nobody sees it
    if it is `hidden`; `can_publish_data` is left to the server if None.
    """

    room: str
    identity: str
    name: str = ""
    user: UserId | None = None
    space: SpaceId | None = None
    join: bool = False
    can_publish: bool = False
    can_subscribe: bool = False
    admin: bool = False
    room_list: bool = False
    room_create: bool = False
    expires_s: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    may_update_itself: bool = True
    hidden: bool = False
    can_publish_data: bool | None = None


class TokenSigner:
    """The signer of tokens with one key and secret (HS256); it reads its own alone."""

    def __init__(
        self,
        key: str,
        secret: str,
        now: Callable[[], float] = time.time,
        *,
        good_for_s: int = GOOD_FOR_S,
    ) -> None:
        """`good_for_s`: the seconds for which a token of ours lets people in."""
        self._key = key
        self._secret = secret
        self._now = now
        self._good_for_s = good_for_s

    @property
    def key(self) -> str:
        """The name of the secret: the issuer of each token."""
        return self._key

    def issue(self, grant: CallGrant) -> str:
        """Return a token that is good from now on for a while, whatever `expires_s` says."""
        now = int(self._now())
        claims: dict[str, object] = {
            "iss": self._key,
            "sub": grant.identity,
            "nbf": now - LEEWAY_S,
            "exp": now + self._good_for_s,
            "name": grant.name,
            "video": _video(grant),
        }
        if grant.user is not None:
            claims[USER_CLAIM] = grant.user
        if grant.space is not None:
            claims[SPACE_CLAIM] = grant.space
        if grant.attributes:
            claims["attributes"] = dict(grant.attributes)
        return jwt.encode(claims, self._secret, algorithm="HS256", json_encoder=_PlainJson)

    def read(self, token: str) -> CallGrant:
        """Return what the token grants. Raises TokenRefused."""
        claims = self.claims(token)
        video = claims.get("video")
        if not isinstance(video, Mapping):
            raise TokenRefused("The token grants nothing: it has no video grant.")
        user, space = _text(claims, USER_CLAIM), _text(claims, SPACE_CLAIM)
        return CallGrant(
            room=_text(video, "room"),
            identity=_text(claims, "sub"),
            name=_text(claims, "name"),
            user=UserId(user) if user else None,
            space=SpaceId(space) if space else None,
            join=video.get("roomJoin") is True,
            # LiveKit: both are allowed unless they are denied
            can_publish=video.get("canPublish", True) is True,
            can_subscribe=video.get("canSubscribe", True) is True,
            admin=video.get("roomAdmin") is True,
            room_list=video.get("roomList") is True,
            room_create=video.get("roomCreate") is True,
            expires_s=_expiry(claims),
        )

    def claims(self, token: str) -> Mapping[str, object]:
        """Return the claims of a token that this key signed and that is good now.

        Raises TokenRefused.
        """
        if len(token) > LENGTH_MAX:
            raise TokenRefused("The token is too long.")
        try:
            claims: Mapping[str, object] = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                # times are compared below, by our clock
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            raise TokenRefused("The token is not signed with this server's secret.") from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenRefused("This is no token that can be read.") from None
        if claims.get("iss") != self._key:
            raise TokenRefused("The token is of another API key.")
        self._refuse_unless_now(claims)
        return claims

    def _refuse_unless_now(self, claims: Mapping[str, object]) -> None:
        now = self._now()
        if _expiry(claims) + LEEWAY_S <= now:
            raise TokenRefused("The token has expired. Ask for a new one.")
        begins = claims.get("nbf", 0)
        if not _is_time(begins) or begins - LEEWAY_S > now:
            raise TokenRefused("The token is not valid yet: compare the clocks.")


def derived_secret(as_token: str) -> str:
    """Return the secret that is used when none is configured, 64 hexadecimal digits.

    It is made of the appservice's token, so it survives a restart and no file has to hold it;
    nobody gets back from it to the token.
    """
    return hmac.new(as_token.encode(), _LABEL, hashlib.sha256).hexdigest()


class _PlainJson(json.JSONEncoder):
    """An encoder whose JSON is the same letters in both alphabets of base64.

    Element Call reads tokens with `atob`, which knows the standard alphabet alone, and tokens are
    written in the other one. Of ASCII, only these can become a letter that differs.
    """

    def encode(self, o: object) -> str:
        text = super().encode(o)
        for letter in ">?~\x7f":  # JSON has them in strings alone
            text = text.replace(letter, f"\\u{ord(letter):04x}")
        return text


def _video(grant: CallGrant) -> Mapping[str, object]:
    """Return LiveKit's `VideoGrant`."""
    video: dict[str, object] = {"room": grant.room, "roomCreate": grant.room_create}
    if grant.join:
        video |= {
            "roomJoin": True,
            "canPublish": grant.can_publish,
            "canPublishSources": ["microphone"],
            "canSubscribe": grant.can_subscribe,
            "canUpdateOwnMetadata": grant.may_update_itself,
        }
    if grant.can_publish_data is not None:
        video["canPublishData"] = grant.can_publish_data
    if grant.hidden:
        video["hidden"] = True
    if grant.admin:
        video["roomAdmin"] = True
    if grant.room_list:
        video["roomList"] = True
    return video


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise TokenRefused(f"The token's {name} is no text.")
    return value


def _is_time(value: object) -> TypeGuard[int | float]:
    """Return whether the value is a NumericDate that can be one (RFC 7519, section 2)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53


def _expiry(claims: Mapping[str, object]) -> int:
    value = claims.get("exp")
    if not _is_time(value):
        raise TokenRefused("The token says not until when it is valid.")
    return int(value)
