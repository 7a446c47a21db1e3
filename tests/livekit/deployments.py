"""The whole bridge, whose calls a real livekit-server carries."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spaces_bridge_demo.bridge import Settings
from spaces_bridge_demo.deployment import Deployment
from tests.livekit.engine import Keyed
from tests.livekit.livekit_server import free_place, livekit_server
from tests.support.world import open_deployment


def livekit_settings(place: Keyed) -> Settings:
    """The config of a bridge with such a server."""
    livekit = {"server_url": place.url, "api_key": place.key, "api_secret": place.secret}
    return {"media": {"engine": "livekit"}, "livekit": livekit}


@contextmanager
def livekit_deployment(
    models: Path, folder: Path, more: Settings | None = None
) -> Iterator[Deployment]:
    """A homeserver, a bridge, and a LiveKit server that tells the bridge what happens.

    `more` are further settings, section by section.
    """
    place, more = free_place(), more or {}
    settings = livekit_settings(place)
    sections = settings.keys() | more.keys()
    whole = {name: {**settings.get(name, {}), **more.get(name, {})} for name in sections}
    deployment = Deployment(models=models, settings=whole)
    webhook = f"{deployment.bridge.url}/livekit/sfu_webhook"
    server = livekit_server(folder, place, webhook)
    with asyncio.Runner() as runner:
        runner.run(server.__aenter__())
        try:
            with open_deployment(deployment) as opened:
                yield opened
        finally:
            runner.run(server.__aexit__(None, None, None))
