"""What Element Call and the others in its call hear of each other: scenarios over any engine."""

import asyncio
import time
from pathlib import Path

from spaces_bridge_demo.ears import usual_tone_db, words_in
from spaces_bridge_demo.patience import PATIENCE_S
from tests.livekit.client import RATE, LiveKitClient
from tests.livekit.element_call import ElementCall
from tests.livekit.listening import LOUD_DB, POLL_S, length
from tests.support.words import understood, word_error_rate_within

MAX_WER = 0.25
"""Speech through Element Call's noise suppression and two codecs, by a small model."""


async def is_understood(
    listener: LiveKitClient, identity: str, said: str, seconds: float, models: Path
) -> None:
    """The listener understands what somebody says over and over, `seconds` long."""
    deadline = time.monotonic() + PATIENCE_S
    while await length(listener, identity) < 2 * seconds * RATE:
        assert time.monotonic() < deadline, f"little was received of {identity}"
        await asyncio.sleep(POLL_S)

    async def wrong() -> float:
        sound = (await listener.heard(identity))[-round(2 * seconds * RATE) :]
        return word_error_rate_within(said, (await words_in(sound, models)).text)

    async def again() -> None:
        """It is said again anyway."""

    await understood(wrong, again, most=MAX_WER)


async def plays_tone(call: ElementCall, hertz: float) -> None:
    """Element Call plays a second of this tone to its person."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for sound in (await call.played()).values():
            if len(sound) >= RATE and usual_tone_db(sound[-RATE:], hertz) > LOUD_DB:
                return
        assert time.monotonic() < deadline, f"no tone of {hertz} Hz is played"
        await asyncio.sleep(POLL_S)
