"""The stage at a LiveKit server: what the bridge has the server do, as the live space decides."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from spaces_bridge.app.actor import summary_of
from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import RelayedParticipant
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.livekit.engine import microphones, operations
from spaces_bridge.livekit.engine.issuing import bot_identity
from spaces_bridge.livekit.engine.room import EngineRoom
from spaces_bridge.livekit.limits import DEVICES_MAX, OPENINGS_BURST
from spaces_bridge.livekit.names import device_identity, room_name
from spaces_bridge.pacing.backoff import Backoff
from tests.livekit.call_world import (
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    BOT,
    HOST,
    ROOM,
    SPACE,
    SPEAKER,
)
from tests.livekit.engine_world import (
    NAME,
    EngineWorld,
    PaperRelays,
    PaperServer,
    paper_world,
    track,
)

pytestmark = pytest.mark.unit


class Scene:
    """A speaker, a listener, and what is on paper around them."""

    def __init__(self, world: EngineWorld, relays: PaperRelays, server: PaperServer) -> None:
        self.world, self.relays, self.server = world, relays, server

    async def operations(self) -> set[tuple[object, ...]]:
        """What the server is asked to do to people, once all is settled."""
        await self.settled()
        return self.server.operations()

    async def settled(self) -> None:
        """Until the live space has carried out all, and the engine what follows."""
        for _ in range(3):
            await self.world.settled()

    async def on_air(self) -> frozenset[UserId]:
        await self.settled()
        return self.world.view.on_air

    async def alice_speaks(self) -> None:
        """Alice publishes, and is heard."""
        self.relays.see(self.world.participant(ALICE, track()))
        assert await self.on_air() == {ALICE}
        assert self.relays.taken == {"TR_1": ALICE}
        assert await self.operations() == set()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with paper_world() as (world, relays, server):
        await world.seat(ALICE, "Alice", SPEAKER)
        await world.seat(BOB, "Bob")
        yield Scene(world, relays, server)


# --- who may be there, and publish --------------------------------------------------------------


async def test_the_relays_are_in_the_room_while_it_is_live(scene: Scene) -> None:
    assert scene.relays.joined.keys() == {OWN_ROOM}
    assert scene.relays.joined[OWN_ROOM].publishes
    await scene.settled()
    assert ("make", NAME) in scene.server.asked
    await scene.world.spaces.ask(SPACE, cmd.EndSpace(HOST, 3_000, "over"))
    await scene.settled()
    assert scene.relays.joined == {}
    assert ("delete", NAME) in scene.server.asked


async def test_an_old_token_gives_nobody_the_floor(scene: Scene) -> None:
    scene.relays.see(scene.world.participant(BOB, track(), may_publish=True))
    assert await scene.operations() == {("permit", BOB_ID, False)}
    assert scene.relays.taken == {}
    assert await scene.on_air() == set()


async def test_rights_at_the_server_are_those_of_the_live_space(scene: Scene) -> None:
    scene.relays.see(scene.world.participant(BOB, may_publish=False))
    assert await scene.operations() == set()
    await scene.world.levels({BOB: SPEAKER})
    assert await scene.operations() == {("permit", BOB_ID, True)}
    scene.relays.see(scene.world.participant(BOB))
    assert await scene.operations() == set()
    await scene.world.levels({BOB: None})
    assert await scene.operations() == {("permit", BOB_ID, False)}


async def test_who_was_removed_or_left_the_room_is_put_out_each_time_they_come(
    scene: Scene,
) -> None:
    scene.relays.see(
        scene.world.participant(ALICE), scene.world.participant(BOB, may_publish=False)
    )
    await scene.operations()
    await scene.world.spaces.ask(SPACE, cmd.RemovePerson(HOST, ALICE))
    assert await scene.operations() == {("remove", ALICE_ID)}
    await scene.world.spaces.ask(SPACE, cmd.ObserveMember(BOB, joined=False, name="Bob"))
    assert ("remove", BOB_ID) in await scene.operations()
    scene.relays.see()
    await scene.operations()
    scene.relays.see(scene.world.participant(ALICE, may_publish=False))
    assert await scene.operations() == {("remove", ALICE_ID)}


def _strangers(world: EngineWorld) -> dict[str, RelayedParticipant]:
    alice = world.participant(ALICE)
    elsewhere = SpaceId("space0000000000b")
    of_another = world.credentials.attributes(elsewhere, ALICE, ALICE_ID)
    claimed = {**alice.attributes, "io.spacesbridge.user": HOST}
    return {
        "no attributes": replace(alice, attributes={}),
        "attributes that somebody wrote": replace(
            alice, attributes={**alice.attributes, "io.spacesbridge.proof": ""}
        ),
        "another's": replace(alice, identity=BOB_ID),
        "those of another live space": replace(alice, attributes=of_another),
        "the host's name": replace(alice, attributes=claimed),
        "the bot's identity": replace(alice, identity=bot_identity(BOT)),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "no attributes",
        "attributes that somebody wrote",
        "another's",
        "those of another live space",
        "the host's name",
        "the bot's identity",
    ],
)
async def test_whom_the_bridge_did_not_let_in_is_put_out(scene: Scene, kind: str) -> None:
    stranger = replace(_strangers(scene.world)[kind], tracks=(track(),))
    scene.relays.see(stranger)
    assert await scene.operations() == {("remove", stranger.identity)}
    assert scene.relays.taken == {}
    assert await scene.on_air() == set()


async def test_who_hides_from_relays_is_found_in_the_servers_list(scene: Scene) -> None:
    scene.relays.see(scene.world.participant(ALICE))
    await scene.settled()
    hidden = RelayedParticipant("ear", "PA_ear")
    scene.server.listed = (scene.world.participant(ALICE), hidden)
    scene.world.tasks.keep("rooms", scene.world.rooms.run)
    await scene.world.until(lambda: ("remove", "ear") in scene.server.asked)
    scene.server.listed = (replace(hidden, identity="eye"),)
    scene.world.rooms.hint(NAME)
    await scene.world.until(lambda: ("remove", "eye") in scene.server.asked)


async def test_a_person_is_in_a_call_on_so_many_devices(scene: Scene) -> None:
    devices = [f"D{number}" for number in range(DEVICES_MAX + 1)]
    people = [scene.world.participant(ALICE, device=device) for device in devices]
    scene.relays.see(*people[:-1])
    assert await scene.operations() == set()
    scene.relays.see(people[-1], *people[:-1])
    assert await scene.operations() == {("remove", device_identity(ALICE, devices[-1]))}


# --- microphones --------------------------------------------------------------------------------


async def test_the_owners_own_act_opens_and_shuts_the_microphone(scene: Scene) -> None:
    scene.relays.see(scene.world.participant(ALICE, track(muted=True)))
    assert await scene.on_air() == set()
    await scene.alice_speaks()
    scene.relays.see(scene.world.participant(ALICE, track(muted=True)))
    assert await scene.on_air() == set()
    assert scene.relays.taken == {}
    await scene.alice_speaks()
    scene.relays.see(scene.world.participant(ALICE))
    assert await scene.on_air() == set()


async def test_who_was_on_air_before_a_restart_is_heard_on(scene: Scene) -> None:
    await scene.world.spaces.ask(SPACE, cmd.OpenMicrophone(ALICE))
    await scene.alice_speaks()


async def test_a_microphone_that_the_live_space_shuts_is_muted_at_the_server(
    scene: Scene,
) -> None:
    await scene.alice_speaks()
    await scene.world.spaces.ask(SPACE, cmd.CloseMicrophone(ALICE))
    assert await scene.operations() == {("mute", ALICE_ID, "TR_1")}
    assert scene.relays.taken == {}
    scene.relays.see(scene.world.participant(ALICE, track(muted=True)))
    await scene.alice_speaks()


async def test_a_demoted_speaker_is_not_heard_again_unasked(scene: Scene) -> None:
    await scene.alice_speaks()
    await scene.world.levels({ALICE: None})
    assert await scene.operations() == {("permit", ALICE_ID, False)}
    assert scene.relays.taken == {}
    # the floor is back before the server has ended the track
    await scene.world.levels({ALICE: SPEAKER})
    assert await scene.operations() == {("mute", ALICE_ID, "TR_1")}
    assert await scene.on_air() == set()


async def test_a_hosts_mute_holds_at_the_server(scene: Scene) -> None:
    await scene.alice_speaks()
    await scene.world.spaces.ask(SPACE, cmd.MuteSpeaker(HOST, ALICE))
    assert await scene.operations() == {("permit", ALICE_ID, False)}
    permit = scene.world.calls.permit(SPACE, ALICE)
    assert not permit.may_publish
    scene.relays.see(scene.world.participant(ALICE, may_publish=False))
    await scene.world.spaces.ask(SPACE, cmd.UnmuteSpeaker(HOST, ALICE))
    assert await scene.operations() == {("permit", ALICE_ID, True)}


async def test_the_newest_device_speaks_and_the_others_are_muted(scene: Scene) -> None:
    await scene.alice_speaks()
    phone = scene.world.participant(ALICE, track(), device="DEVICE")
    desk = scene.world.participant(ALICE, track("TR_2"), device="DESK")
    scene.relays.see(phone, desk)
    assert await scene.operations() == {("mute", ALICE_ID, "TR_1")}
    assert scene.relays.taken == {"TR_2": ALICE}
    scene.relays.see(scene.world.participant(ALICE, track(muted=True)), desk)
    assert await scene.on_air() == {ALICE}


async def test_a_microphone_on_the_page_takes_the_tracks_place(scene: Scene) -> None:
    await scene.alice_speaks()
    scene.world.rooms.track_replaced(SPACE, OWN_ROOM, "TR_1")
    assert await scene.operations() == {("mute", ALICE_ID, "TR_1")}
    assert scene.relays.taken == {}
    scene.relays.see(scene.world.participant(ALICE, track(muted=True)))
    assert await scene.on_air() == {ALICE}


async def test_who_speaks_on_the_page_is_taken_from_the_bot_while_on_air(scene: Scene) -> None:
    tracks = (track("TR_H", name=HOST), track("TR_B", name=BOB), track("TR_X", name="nobody"))
    await scene.world.speak_on_page(HOST)
    scene.relays.see(scene.world.participant(BOT, *tracks))
    assert scene.relays.taken == {"TR_H": HOST}
    await scene.world.spaces.ask(SPACE, cmd.CloseMicrophone(HOST))
    assert scene.relays.taken == {}
    assert await scene.operations() == set()


async def test_who_toggles_for_ever_is_muted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphones, "OPENINGS_PER_S", 0.0)
    async with paper_world() as (world, relays, server):
        await world.seat(ALICE, "Alice", SPEAKER)
        scene = Scene(world, relays, server)
        for _ in range(OPENINGS_BURST):
            relays.see(world.participant(ALICE, track()))
            assert relays.taken == {"TR_1": ALICE}
            relays.see(world.participant(ALICE, track(muted=True)))
        relays.see(world.participant(ALICE, track()))
        assert relays.taken == {}
        assert await scene.operations() == {("mute", ALICE_ID, "TR_1")}
        assert await scene.on_air() == set()


async def test_what_the_live_space_shuts_while_it_opens_is_muted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = scene.world.spaces.ask

    async def shut_at_once(space: SpaceId, command: cmd.Command) -> Sequence[Event]:
        events = await ask(space, command)
        if isinstance(command, cmd.OpenMicrophone):
            await ask(space, cmd.CloseMicrophone(command.by))
        return events

    monkeypatch.setattr(scene.world.spaces, "ask", shut_at_once)
    scene.relays.see(scene.world.participant(ALICE, track()))
    await scene.world.until(lambda: ("mute", ALICE_ID, "TR_1") in scene.server.asked)
    assert scene.relays.taken == {}


# --- captions ------------------------------------------------------------------------------------


async def test_captions_are_said_as_whom_people_hear(scene: Scene) -> None:
    await scene.world.speak_on_page(HOST)
    scene.relays.see(
        scene.world.participant(BOT, track("TR_H", name=HOST)),
        scene.world.participant(ALICE, track()),
    )
    await scene.settled()
    for number, speaker in enumerate((ALICE, HOST)):
        said = cmd.CaptionUtterance(
            UtteranceId(f"u{number}"), speaker, 0, 900, "Good evening.", "en"
        )
        scene.world.rooms.draft(SPACE, Draft(said.utterance, speaker, "Good", 0, 0, 400, "en"))
        await scene.world.spaces.ask(SPACE, said)
        scene.world.rooms.draft(SPACE, Draft.taken_back(said))  # the final stays
    assert [(text.text, text.sender) for text in scene.relays.said] == [
        ("Good", ALICE_ID),
        ("Good evening.", ALICE_ID),
        ("Good", bot_identity(BOT)),
        ("Good evening.", bot_identity(BOT)),
    ]
    tracks = [text.attributes["lk.transcribed_track_id"] for text in scene.relays.said]
    assert tracks == ["TR_1", "TR_1", "TR_H", "TR_H"]


async def test_late_captions_are_still_of_who_spoke(scene: Scene) -> None:
    await scene.alice_speaks()
    scene.relays.see(scene.world.participant(ALICE, track(muted=True)))
    assert await scene.on_air() == set()
    said = cmd.CaptionUtterance(UtteranceId("u1"), ALICE, 0, 900, "Good night.", "en")
    await scene.world.spaces.ask(SPACE, said)
    scene.relays.see(scene.world.participant(ALICE))
    await scene.world.spaces.ask(SPACE, replace(said, utterance=UtteranceId("u2"), start_ms=1000))
    assert [text.sender for text in scene.relays.said] == [ALICE_ID, ALICE_ID]
    tracks = [text.attributes.get("lk.transcribed_track_id") for text in scene.relays.said]
    assert tracks == ["TR_1", None]


async def test_a_bug_in_the_call_leaves_the_live_space_alive(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(scene.relays, "send_text", fails)
    monkeypatch.setattr(EngineRoom, "relay_lost", fails)
    scene.world.rooms.draft(SPACE, Draft(UtteranceId("u1"), ALICE, "Good", 0, 0, 400, "en"))
    said = cmd.CaptionUtterance(UtteranceId("u1"), ALICE, 0, 900, "Good evening.", "en")
    await scene.world.spaces.ask(SPACE, said)
    scene.world.rooms.room_lost(SPACE, OWN_ROOM, "the relay fell")
    await scene.alice_speaks()


async def test_a_draft_that_comes_to_nothing_is_taken_away(scene: Scene) -> None:
    draft = Draft(UtteranceId("u"), HOST, "Erm", 0, 0, 400, "en")
    scene.world.rooms.draft(SPACE, draft)
    for _ in range(2):
        scene.world.rooms.draft(SPACE, replace(draft, text=""))
    assert [text.text for text in scene.relays.said] == ["Erm", ""]


# --- the server ---------------------------------------------------------------------------------


async def test_what_the_server_did_not_do_is_tried_until_it_has(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "TRY_AGAIN", Backoff(0.001, 0.001))
    scene.server.is_away = True
    scene.relays.see(scene.world.participant(BOB, track(), may_publish=True))
    refused = ("permit", BOB_ID, False)
    await scene.world.until(lambda: scene.server.asked.count(refused) > 2)
    assert scene.relays.taken == {}
    scene.server.is_away = False
    await scene.world.until(lambda: refused in scene.server.done)


async def test_what_is_not_wanted_any_more_is_not_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "TRY_AGAIN", Backoff(0.001, 0.001))
    scene.server.is_away = True
    scene.relays.see(scene.world.participant(BOB, may_publish=True))
    await scene.world.until(lambda: ("permit", BOB_ID, False) in scene.server.asked)
    await scene.world.levels({BOB: SPEAKER})
    await scene.settled()
    scene.server.is_away = False
    scene.relays.see(scene.world.participant(BOB), scene.world.participant(ALICE, track()))
    assert await scene.on_air() == {ALICE}
    assert ("permit", BOB_ID, False) not in scene.server.done


async def test_who_comes_again_while_they_are_put_out_is_put_out_again(scene: Scene) -> None:
    scene.server.may_go.clear()
    stranger = RelayedParticipant("eve", "PA_1")
    scene.relays.see(stranger)
    await scene.world.until(lambda: scene.server.asked.count(("remove", "eve")) == 1)
    scene.relays.see(replace(stranger, sid="PA_2"))
    scene.server.may_go.set()
    await scene.world.until(lambda: scene.server.asked.count(("remove", "eve")) == 2)


async def test_an_end_is_remembered_over_a_restart(scene: Scene) -> None:
    world, now_ms = scene.world, scene.world.spaces.context.clock.now_ms()
    summary = summary_of(world.view)
    lately, long_ago = RoomId("!lately"), RoomId("!longago")
    ended = replace(summary, phase="ended", space=SpaceId("space0000000000b"), room=lately)
    world.recorder.summaries |= {
        SpaceId("b"): replace(ended, ended_at_ms=now_ms - 60_000),
        SpaceId("c"): replace(ended, ended_at_ms=now_ms - 3_600_000, room=long_ago),
        SpaceId("d"): replace(ended, ended_at_ms=now_ms, room=ROOM),
    }
    world.tasks.keep("rooms", world.rooms.run)
    await world.until(lambda: ("delete", room_name(lately)) in scene.server.asked)
    world.rooms.hint(room_name(lately))
    await world.until(lambda: scene.server.asked.count(("delete", room_name(lately))) == 2)
    assert ("delete", room_name(long_ago)) not in scene.server.asked
    assert ("delete", NAME) not in scene.server.asked, "a live space's room is not ended"


async def test_a_room_that_a_token_opens_after_the_end_is_ended_again(scene: Scene) -> None:
    await scene.world.spaces.ask(SPACE, cmd.EndSpace(HOST, 3_000, "over"))
    await scene.settled()
    assert scene.server.asked.count(("delete", NAME)) == 1
    scene.world.tasks.keep("rooms", scene.world.rooms.run)
    await scene.world.until(lambda: scene.server.asked.count(("delete", NAME)) == 2)
    scene.world.rooms.hint(NAME)
    await scene.world.until(lambda: scene.server.asked.count(("delete", NAME)) == 3)


async def test_devices_come_and_go_and_a_lost_relay_is_nobodys_end(scene: Scene) -> None:
    scene.relays.see(scene.world.participant(BOT), scene.world.participant(ALICE))
    assert scene.world.members.here == [(ALICE, "DEVICE")]
    assert scene.world.rooms.is_connected(SPACE, ALICE_ID)
    scene.world.rooms.room_lost(SPACE, OWN_ROOM, "the relay fell")
    assert scene.world.rooms.is_connected(SPACE, ALICE_ID)
    scene.relays.see(scene.world.participant(BOT))
    assert scene.world.members.went == [(ALICE, "DEVICE")]
    assert not scene.world.rooms.is_connected(SPACE, ALICE_ID)
