"""The Matrix side: transactions in, wishes out, a live space's room, the bot's conversations."""

from spaces_bridge.matrix.client.openid import OpenIdSettings, OpenIdVerifier
from spaces_bridge.matrix.service import MatrixService
from spaces_bridge.matrix.settings import MatrixSettings

__all__ = ["MatrixService", "MatrixSettings", "OpenIdSettings", "OpenIdVerifier"]
