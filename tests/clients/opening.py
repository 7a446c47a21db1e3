"""People with clients of their own, signed in at a deployment's homeserver."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from spaces_bridge_demo.homeserver import Account, Homeserver
from spaces_bridge_demo.speech import CONVERSATION, Line, silence, speak
from tests.clients.chat import ChatClient
from tests.clients.nio_client import nio_client
from tests.clients.sdk_client import SdkClient, chromium_client, firefox_client
from tests.e2e.chromium import write_wav

SAID: Line = CONVERSATION[1]
"""What the microphones of browsers hear, over and over."""

Kind = Literal["nio", "js-sdk"]
Engine = Literal["chromium", "firefox"]


async def new_account(homeserver: Homeserver, name: str) -> Account:
    """An account whose display name begins with `name`."""
    return await homeserver.register(f"{name}{secrets.token_hex(3)}")


def display_name(client: ChatClient) -> str:
    """The name that `new_account` gave."""
    return client.user[1:].partition(":")[0].capitalize()


def microphone(folder: Path) -> Path:
    """A recording of somebody who talks, for a browser."""
    wav = folder / "talk.wav"
    if not wav.exists():
        write_wav(wav, np.concatenate([speak(SAID), silence(0.3)]))
    return wav


@asynccontextmanager
async def chat_client(
    kind: Kind, homeserver: Homeserver, folder: Path, name: str = "cora"
) -> AsyncIterator[ChatClient]:
    """A client for chats; matrix-js-sdk believes and trusts only devices their owners signed."""
    account = await new_account(homeserver, name)
    if kind == "nio":
        async with nio_client(homeserver.url, account, folder) as client:
            yield client
        return
    async with sdk_client("chromium", folder) as client:
        await client.sign_in(homeserver.url, account, strict=True)
        yield client


@asynccontextmanager
async def sdk_client(engine: Engine, folder: Path) -> AsyncIterator[SdkClient]:
    """A client in a browser of its own, before it signs in; its microphone hears `SAID`."""
    opened = chromium_client if engine == "chromium" else firefox_client
    async with opened(microphone(folder)) as client:
        yield client
