"""Webhooks of a LiveKit server: only what is signed with our secret is believed.

Source: LiveKit's documentation, "Webhooks": the token in the header has the digest of the body.
"""

import hashlib
import hmac
from base64 import b64encode

from spaces_bridge.livekit.errors import MatrixError
from spaces_bridge.livekit.tokens import TokenRefused, TokenSigner


def refuse_unsigned(signer: TokenSigner, authorization: str, body: bytes) -> None:
    """Raise MatrixError 401 unless the header's token is ours and was made for this body."""
    token = authorization.strip().removeprefix("Bearer ")
    try:
        said = signer.claims(token).get("sha256")
    except TokenRefused as refusal:
        raise MatrixError.unauthorised(refusal.text) from None
    digest = b64encode(hashlib.sha256(body).digest())
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), digest):
        raise MatrixError.unauthorised("The token is of another body than this one.")
