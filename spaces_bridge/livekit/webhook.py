"""Webhooks of a LiveKit server: only what is signed with our secret is heeded.

They come late, twice or never, so that they say no more than that a room is worth a look. Source:
LiveKit's documentation, "Webhooks": the token in the header has the digest of the body.
"""

import hashlib
import hmac
import json
from base64 import b64encode

from spaces_bridge.livekit.errors import CallError
from spaces_bridge.livekit.tokens import TokenRefused, TokenSigner


def refuse_unsigned(signer: TokenSigner, authorization: str, body: bytes) -> None:
    """Raise CallError 401 unless the header's token is ours and was made for this body."""
    token = authorization.strip().removeprefix("Bearer ")
    try:
        said = signer.claims(token).get("sha256")
    except TokenRefused as refusal:
        raise CallError.unauthorised(refusal.text) from None
    digest = b64encode(hashlib.sha256(body).digest())
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), digest):
        raise CallError.unauthorised("The token is of another body than this one.")


def room_in(body: bytes) -> str:
    """Return LiveKit's name of the room that an event is about, "" if it names none."""
    try:
        event = json.loads(body)
        name = event["room"]["name"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""
