"""The Matrix adapter: transactions in, outbox tasks out, live spaces' rooms, the bot's DMs."""

from spaces_bridge.matrix.appservice.call_api import ProxiedCalls
from spaces_bridge.matrix.client.delayed_events import DelayedEventsClient
from spaces_bridge.matrix.client.foreign_sfus import ForeignSfuClient
from spaces_bridge.matrix.client.openid import OpenIdSettings, OpenIdVerifier
from spaces_bridge.matrix.service import MatrixService
from spaces_bridge.matrix.settings import MatrixSettings

__all__ = [
    "DelayedEventsClient",
    "ForeignSfuClient",
    "MatrixService",
    "MatrixSettings",
    "OpenIdSettings",
    "OpenIdVerifier",
    "ProxiedCalls",
]
