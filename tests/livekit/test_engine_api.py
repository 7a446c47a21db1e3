"""A LiveKit server that takes a request and says nothing."""

import asyncio

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.livekit.engine import api

pytestmark = pytest.mark.peers


async def test_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "CALL_WITHIN_S", 0.05)
    over = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        mute = api.LiveKitApi(f"http://127.0.0.1:{port}", "key", "s" * 32)
        try:
            with pytest.raises(AdapterError, match="TimeoutError"):
                await mute.people("room")
        finally:
            over.set()
            await mute.close()
