"""The demo's play: the order of its steps, and how each is observed from outside."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from spaces_bridge_demo.deployment import CaptionEvent, Deployment, caption_of, said_by, until
from spaces_bridge_demo.ears import (
    loudest_tone_db,
    tone,
    tone_level_db,
    usual_tone_db,
    words_in,
)
from spaces_bridge_demo.expected import Event
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.peer import RATE, JoinRefused, ListenerPeer, Pcm, SpeakerPeer
from spaces_bridge_demo.processes import http_status
from spaces_bridge_demo.screenplay import Screenplay, Turn
from spaces_bridge_demo.steps import check, step
from spaces_bridge_demo.story import Story
from spaces_bridge_demo.wer import word_error_rate

TITLE = "Gardens in the city"
MAX_WER = 0.15
SILENT_DB, AUDIBLE_DB = -60.0, -20.0
OWN_TONE_DB = -40.0
TONE_WITHIN_DB = 3.0
PAUSE_S = 0.7
FIRST_CAPTION_S = PATIENCE_S  # after the last word of the welcome
REACTION_TTL_S = 5  # the bridge's setting here


class Play:
    """The play: performs the screenplay in a deployment, step by step. Raises StepFailed."""

    def __init__(
        self, deployment: Deployment, story: Story, screenplay: Screenplay, models: Path
    ) -> None:
        self.deployment = deployment
        self.story = story
        self._screenplay = screenplay
        self._models = models
        self._said: list[Turn] = []
        self._heard: list[tuple[Pcm, str]] = []
        self._notes: list[asyncio.Task[None]] = []
        self._tabs: list[PageGuest] = []

    async def close(self) -> None:
        """End the tasks and tabs that run beside the play."""
        for task in self._notes:
            task.cancel()
        await asyncio.gather(*self._notes, return_exceptions=True)
        for tab in self._tabs:
            await tab.close()

    async def open(self) -> None:
        """Start homeserver and bridge, make the room, and start the live space."""
        self.story.title("A homeserver and the bridge")
        with step("homeserver"), self.story.work("starting Synapse on SQLite"):
            await self.deployment.start_homeserver()
            self.ada = await self.deployment.person("ada")
            self.ben = await self.deployment.person("ben")
            self.mia = await self.deployment.person("mia")
        self.story.observe("homeserver", f"answers at {self.deployment.homeserver.url}")
        with step("bridge"):
            with self.story.work("starting the bridge, its media worker and its caption worker"):
                await self.deployment.bridge.start()
            greeting = await self.ada.meet_bot()
        self.story.observe("bridge", "joined Ada's direct chat and greets:")
        for line in str(greeting["content"]["body"]).splitlines():
            self.story.tell(f"    {self.deployment.bridge.bot}: {line}")
        await self._make_room()

    async def _make_room(self) -> None:
        self.story.title("Ada opens a live space")
        with step("room"):
            self.story.tell(f"Ada writes to the bot: create {TITLE}")
            self.space = await self.ada.create_space(TITLE)
            version = (await self.ada.state(self.space.room, "m.room.create"))["room_version"]
        self.story.observe("room", f"{self.space.alias} (room version {version}), card pinned")
        with step("live"):
            self.story.tell("Ada writes in the room: !space start")
            await self.ada.start_space(self.space)
            self._notes.append(asyncio.create_task(self._show_captions()))
            await self._listed()
            self.host = await self._open(await self.ada.personal_link(self.space))
            self.audience = await self._open(self.space.page, "Ben")
        self.story.observe("live", "state in the room says so, the page lists it")
        self.story.link("listener's link", self.space.page)
        self.story.link("host's link", await self.ada.personal_link(self.space))

    async def speak(self) -> None:
        """Let Ada speak alone, with a listener, until a caption comes."""
        self.story.title("Ada speaks, Ben listens over WebRTC")
        with step("sound"):
            self.ben_hears = await self.audience.listen()
            self.ada_mic = await self.host.open_microphone()
            await self.ben_hears.wait_packets(25)
        captioned = self.ada.next_event(
            lambda event: caption_of(event) is not None, "a caption in the room", FIRST_CAPTION_S
        )
        await self._say(self._screenplay.welcome, {"Ada": self.ada_mic})
        with step("captions"):
            await captioned

    async def raise_hand(self) -> None:
        """Raise Mia's hand in Matrix, and check that she is not heard before the grant."""
        self.story.title("Mia asks for the floor")
        with step("hand"):
            await self.mia.meet_bot()
            await self.mia.join(self.space.alias)
            self.speaker = await self._open(await self.mia.personal_link(self.space))
        with step("gate"):
            check(await self._is_refused(), "Mia's microphone was accepted without the floor")
        with step("hand"):
            queued = self.host.next_frame("roster", self._has_mia_in_queue)
            self._prompt = self.ada.next_prompt(self.mia)
            hand = await self.mia.react(self.space.room, self.space.card, "✋")
            self.story.tell("Mia reacts ✋ to the card, in her Matrix client")
            self._asked = await self._prompt
            await queued
            self._hand_gone = self.ada.next_redaction(self.space.room, hand)
        self.story.observe("hand", "in the queue of the page, and Ada is asked in her chat")

    async def grant_floor(self) -> None:
        """Let Ada tap ✅, and open Mia's microphone; check that she is not heard while muted."""
        with step("floor"):
            offered = self.speaker.next_frame("role", lambda frame: frame["role"] == "speaker")
            granted = self.ada.next_level(self.space, self.mia.id, 10)
            self.story.tell("Ada taps ✅")
            await self.ada.react(self._asked["room_id"], self._asked["event_id"], "✅")
            await granted
            await offered
            await self._hand_gone  # else Mia could not raise her hand again
            self.mia_mic = await self.speaker.open_microphone()
        self.story.observe("floor", "power level 10 in the room, the page offers the microphone")
        with step("gate"):
            await self._mute_mia()
        self.story.observe("gate", "refused before the grant, silent while muted")

    async def talk(self) -> None:
        """Let both speak, and react meanwhile."""
        self.story.title("They talk, and everything said is captioned")
        microphones = {"Ada": self.ada_mic, "Mia": self.mia_mic}
        first, rest = self._screenplay.talk[:2], self._screenplay.talk[2:]
        await self._say(first, microphones)
        with step("reactions"):
            await self.ben.join(self.space.alias)
            seen = self.host.next_frame("reactions", lambda frame: "👏" in frame["counts"])
            reaction = await self.ben.react(self.space.room, self.space.card, "👏")
            self.story.tell("Ben reacts 👏 to the card")
            taken = self.ben.next_redaction(self.space.room, reaction, REACTION_TTL_S + PATIENCE_S)
            await seen
        await self._say(rest, microphones)
        with step("reactions"):
            await taken
        self.story.observe("reactions", "counted on the page at once, gone from the room after")

    async def compare_words(self) -> None:
        """Compare what Ben's browser received and what the room shows with what was said."""
        self.story.title("Was it heard, was it written down?")
        with step("captions"):
            await until(self._captions_complete, "the captions of all that was said")
            with suppress(TimeoutError):  # the check below says how many are wrong
                await until(self._captions_right, "the captions as they were said")
            captions, rates = await self._wrong_words()
            check(max(rates) <= MAX_WER, f"wrong words: {max(rates):.0%} (15 % are allowed)")
        self.story.observe(
            "captions", f"{len(captions)} in the room, by speaker; wrong words {_percent(rates)}"
        )
        with step("sound"):
            with self.story.work("writing down what Ben's browser received"):
                heard = [
                    (await words_in(pcm, self._models, language)).text
                    for pcm, language in self._heard
                ]
            said = " ".join(turn.words for turn in self._said)
            rate = word_error_rate(said, " ".join(heard))
            check(rate <= MAX_WER, f"of what Ben heard {rate:.0%} is wrong (15 % are allowed)")
        self.story.observe("sound", f"Ben heard what was said; wrong words {_percent([rate])}")

    async def mix(self) -> None:
        """Send two tones at once, and check that each speaker hears only the other's."""
        self.story.title("A sound check: both send a tone at once")
        with step("mix"):
            ada_hears, mia_hears = await self.host.listen(), await self.speaker.listen()
            await asyncio.gather(ada_hears.wait_packets(25), mia_hears.wait_packets(25))
            self.ada_mic.say(tone(440, 2 * PATIENCE_S))
            self.mia_mic.say(tone(1000, 2 * PATIENCE_S))

            async def all_hear_others() -> bool:
                ada, mia, ben = map(_tones, (ada_hears, mia_hears, self.ben_hears))
                off = (ada[1000] - ben[1000], mia[440] - ben[440])
                return min(ben.values()) > AUDIBLE_DB and max(map(abs, off)) <= TONE_WITHIN_DB

            await until(all_hear_others, "both tones at Ben's, each at the other's as loud")
            ben = _tones(self.ben_hears)
            self.ada_mic.stop_saying()
            self.mia_mic.stop_saying()
            for name, hears, own in (("Ada", ada_hears, 440), ("Mia", mia_hears, 1000)):
                echo = usual_tone_db(hears.pcm()[-RATE:], own) - ben[own]
                check(echo <= OWN_TONE_DB, f"{name} hears herself ({echo:.0f} dB)")
            await self.host.hang_up(ada_hears)
            await self.speaker.hang_up(mia_hears)
        self.story.observe("mix", "each hears the other and not herself, Ben hears both")

    async def take_floor(self) -> None:
        """Demote Mia in a plain Matrix client, and check that she is silent."""
        with step("gate"):
            self.mia_mic.say(tone(1000, 2 * PATIENCE_S))
            await until(lambda: self._ben_hears(1000), "Mia's tone at Ben's")
            lowered = self.ada.next_level(self.space, self.mia.id, 0)
            began = time.monotonic()
            await self.ada.set_level(self.space.room, self.mia.id, 0)
            self.story.tell("Ada lowers Mia's power level in her client, no command to the bot")
            await until(lambda: self._ben_misses(1000), "silence at Ben's after the demotion")
            took = time.monotonic() - began
            await lowered
            check(await self._is_refused(), "Mia's microphone was accepted after the demotion")
        self.story.observe("gate", f"Mia is silent {took:.1f} s later, and stays so")

    async def invite(self) -> None:
        """Invite somebody who never met the bot, by a DM."""
        with step("invitation"):
            carl = await self.deployment.person("carl")
            invited = carl.next_invite()
            self.story.tell(f"Ada writes: !space invite {carl.id}")
            await self.ada.send_text(self.space.room, f"!space invite {carl.id}")
            invite = await invited
            name = _name_of(invite["invite_state"])
            check("Ada invites you" in name and TITLE in name, f"the invite is called {name!r}")
            message = carl.next_message(
                invite["room_id"], self.space.page, self.deployment.bridge.bot
            )
            await carl.join(invite["room_id"])
            text = str((await message)["content"]["body"])
        self.story.observe("invitation", f"Carl got “{name}”:")
        for line in text.splitlines():
            self.story.tell(f"    {line}")

    async def end(self) -> None:
        """Let Ada end the live space, and check that room and page say so."""
        self.story.title("The end")
        with step("end"):
            ended = self.ada.next_in(
                self.space.room,
                "io.spacesbridge.live",
                lambda event: event["content"]["state"] == "ended",
            )
            told = self.audience.next_frame("space", lambda frame: _state(frame) == "ended")
            await self.ada.send_text(self.space.room, "!space end")
            await ended
            await told
        self.story.observe("end", "the room and the page say so")

    async def go_on(self) -> None:
        """Go on with the conversation until somebody ends the program."""
        self.story.title("The conversation goes on; Ctrl-C ends it and leaves nothing running")
        await self.raise_hand_again()
        microphones = {"Ada": self.ada_mic, "Mia": self.mia_mic}
        while True:
            with step("sound"):
                await self._say(self._screenplay.talk, microphones, keep=False)
                await asyncio.sleep(8)
                # A listener keeps all it hears: for hours that would be too much.
                await self.audience.hang_up(self.ben_hears)
                self.ben_hears = await self.audience.listen()

    async def raise_hand_again(self) -> None:
        """Give Mia the floor back."""
        with step("floor"):
            await self.ada.grant_floor(self.space, self.mia)
            self.mia_mic = await self.speaker.open_microphone()

    # --- pieces -----------------------------------------------------------------------------

    async def _open(self, link: str, name: str | None = None) -> PageGuest:
        tab = PageGuest(link, name)
        self._tabs.append(tab)
        await tab.open()
        return tab

    async def _say(
        self, turns: Sequence[Turn], microphones: dict[str, SpeakerPeer], *, keep: bool = True
    ) -> None:
        heard_before = len(self.ben_hears.pcm())
        for turn in turns:
            self.story.says(turn.name, turn.words)
            microphone = microphones[turn.name]
            microphone.say(turn.pcm)
            await microphone.said(len(turn.pcm) / RATE + PATIENCE_S)
            await asyncio.sleep(PAUSE_S)
        if keep:
            self._said += turns
            self._heard.append((self.ben_hears.pcm()[heard_before:], turns[0].language))

    async def _mute_mia(self) -> None:
        muted = self.speaker.next_frame("role", lambda frame: not frame["on_air"])
        await self.speaker.send({"type": "mute", "muted": True})
        await muted
        before = len(self.ben_hears.pcm())
        self.mia_mic.say(tone(1000, 1.5))
        await self.mia_mic.said()
        await self.ben_hears.wait_packets(25)
        level = loudest_tone_db(self.ben_hears.pcm()[before:], 1000)
        check(level < SILENT_DB, f"a muted microphone is heard ({level:.0f} dB)")
        unmuted = self.speaker.next_frame("role", lambda frame: bool(frame["on_air"]))
        await self.speaker.send({"type": "mute", "muted": False})
        await unmuted

    async def _is_refused(self) -> bool:
        try:
            await self.speaker.open_microphone()
        except JoinRefused as refusal:
            return refusal.status == 403
        return False

    async def _ben_hears(self, hertz: float) -> bool:
        return tone_level_db(self.ben_hears.pcm()[-RATE // 5 :], hertz) > AUDIBLE_DB

    async def _ben_misses(self, hertz: float) -> bool:
        return tone_level_db(self.ben_hears.pcm()[-RATE // 5 :], hertz) < SILENT_DB

    async def _listed(self) -> None:
        url = f"{self.deployment.bridge.url}/api/v1/spaces/{self.space.slug}"
        check(await http_status(self.space.page) == 200, f"{self.space.page} does not answer")
        check(await http_status(url) == 200, f"{url} does not answer")

    async def _captions_complete(self) -> bool:
        captions = await self.ada.captions(self.space)
        for person in (self.ada, self.mia):
            said = sum(len(turn.words.split()) for turn in self._said if turn.name == person.name)
            if len(said_by(captions, person.id).split()) < 0.85 * said:
                return False
        return True

    async def _captions_right(self) -> bool:
        """Return whether few words are wrong: the last captions may still be on their way."""
        _, rates = await self._wrong_words()
        return max(rates) <= MAX_WER

    async def _wrong_words(self) -> tuple[list[CaptionEvent], list[float]]:
        """Return the captions in the room, and the share of each speaker's words wrong in them."""
        captions = await self.ada.captions(self.space)
        people = (self.ada, self.mia)
        return captions, [self._compare(who.name, said_by(captions, who.id)) for who in people]

    def _compare(self, name: str, written: str) -> float:
        said = " ".join(turn.words for turn in self._said if turn.name == name)
        return word_error_rate(said, written)

    def _has_mia_in_queue(self, frame: Event) -> bool:
        return any(waiting["id"] == self.mia.id for waiting in frame["queue"])

    async def _show_captions(self) -> None:
        while True:
            event = await self.ada.next_event(
                lambda event: caption_of(event) is not None, "a caption", 1e6
            )
            caption = caption_of(event)
            if caption is not None:
                self.story.caption(caption.name, caption.text)


def _tones(listener: ListenerPeer) -> dict[int, float]:
    """Return the levels of both tones in the last second heard, in decibels."""
    return {hertz: tone_level_db(listener.pcm()[-RATE:], hertz) for hertz in (440, 1000)}


def _percent(rates: Sequence[float]) -> str:
    return " and ".join(f"{rate:.1%}" for rate in rates)


def _state(frame: Event) -> object:
    return frame.get("space", frame).get("state")


def _name_of(state: Sequence[Event]) -> str:
    """Return the room's name in the stripped state of an invite."""
    names = [event["content"]["name"] for event in state if event["type"] == "m.room.name"]
    return str(names[0]) if names else ""
