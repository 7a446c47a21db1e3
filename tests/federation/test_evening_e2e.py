"""A whole evening with people of two homeservers, who have nothing but plain Matrix clients."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from functools import partial

import pytest

from spaces_bridge.app.addresses import alias_localpart
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge_demo.deployment import Person
from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.combinations import COMBINATIONS, Combination
from tests.federation.federated_setup import FederatedSetup, id_of
from tests.federation.remote_person import RemotePerson
from tests.federation.twins import Twins
from tests.matrix.support import Bridge, eventually, room_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GRACE_MS = 1_500


class ModeratedSetup:
    """The people of the test, and the rooms that the bridge's admin has made for it."""

    def __init__(self, setup: FederatedSetup, ada: Person, lists: Person) -> None:
        self.setup = setup
        self.ada = ada
        self.admin = lists
        self.list_room = ""
        self.moderators_room = ""

    async def say(self, person: Person, space: LiveSpace, text: str) -> str:
        return await self.setup.say(person, room_of(space), f"!space {text}")


@pytest.fixture
async def moderated(
    twins: Twins, combination: Combination, database: str
) -> AsyncIterator[ModeratedSetup]:
    """A bridge with a policy list, a room for its moderators, and little patience for hosts."""
    async with AsyncExitStack() as people:
        account = await twins.home.homeserver.register(f"admin{combination}".replace("-", ""))
        bot = str(twins.home.settings().bot)
        admin = Person(twins.home.homeserver.url, account, bot)
        await people.enter_async_context(admin)
        list_room = await admin.create_room(preset="public_chat")
        moderators_room = await admin.create_room(preset="private_chat", invite=[bot])
        settings = twins.home.settings(
            room_version=combination.room_version,
            policy_lists=(list_room,),
            moderators_room=moderators_room,
        )
        async with Bridge(settings, database, host_grace_ms=GRACE_MS) as bridge:
            await bridge.connected()
            setup = FederatedSetup(twins, bridge, people)
            made = ModeratedSetup(setup, await setup.person("ada", met=True), admin)
            made.list_room, made.moderators_room = list_room, moderators_room
            try:
                yield made
            finally:
                await twins.heal()


@pytest.mark.parametrize("combination", COMBINATIONS, indirect=True, ids=str)
async def test_the_whole_evening(moderated: ModeratedSetup) -> None:
    setup, ada = moderated.setup, moderated.ada
    ben = await setup.person("ben", met=True)
    finn, gina = await setup.person("finn", met=True), await setup.remote("gina", met=True)

    # Followers on both servers; a live space for later.
    for follower in (finn, gina):
        assert "You follow" in await setup.say(follower, follower.dm, f"follow {ada.id}")
    answer = await setup.say(ada, ada.dm, "create Bread and roses --at in 2 hours")
    assert "event.ics" in answer
    made = setup.bridge.spaces.open()[-1]
    space = await setup.bridge.until(made.space, lambda s: s.room is not None, "no room")
    assert space.phase is Phase.SCHEDULED
    assert "Bread and roses" in await setup.say(gina, gina.dm, "live")
    await setup.join(space, ada)

    # The host starts: followers hear of it across servers.
    messages = [f.next_message(f.dm, "Bread and roses", setup.bot) for f in (finn, gina)]
    assert "is live" in await moderated.say(ada, space, "start")
    for message in messages:
        assert setup.bridge.settings.page(space.slug) in (await message)["content"]["body"]

    carl, dora = await setup.remote("carl", met=True), await setup.remote("dora", met=True)
    eve, hank = await setup.remote("eve"), await setup.person("hank")
    space = await setup.join(space, ben, carl, dora, eve, hank)
    card = await setup.bridge.card(space.space)
    await _cohosts(moderated, space, carl, ben)
    await _floor(moderated, space, dora, carl, card)
    await _kick(moderated, space, hank)
    await _applause(moderated, space, dora, card)
    await _shared_post(moderated, space, carl)
    await _report(moderated, space, dora, eve)
    await _server_rule(moderated, space, eve, dora)
    await _lost_host(moderated, space, ben)
    await _end(moderated, space, ben)


async def _cohosts(
    moderated: ModeratedSetup, space: LiveSpace, remote: Person, local: Person
) -> None:
    for person in (remote, local):
        await moderated.say(moderated.ada, space, f"cohost {person.id}")
        await moderated.setup.bridge.until(
            space.space, partial(_is_cohost, id_of(person)), "no co-host"
        )
    assert (await moderated.ada.levels(room_of(space)))[remote.id] == 60


def _is_cohost(user: UserId, space: LiveSpace) -> bool:
    return space.role(user) is Role.COHOST


async def _floor(
    moderated: ModeratedSetup, space: LiveSpace, dora: Person, carl: Person, card: str
) -> None:
    """A remote listener is given the floor; a remote co-host mutes her, and lifts it."""
    setup = moderated.setup
    # clients read back when a room is opened: so her server fetches what was said before
    await dora.timeline(room_of(space))
    asked = moderated.ada.next_prompt(dora)
    await dora.react(room_of(space), card, "🖐🏽")
    prompt = await asked
    await moderated.ada.react(prompt["room_id"], prompt["event_id"], "✅")
    await setup.offered(space, dora)
    await setup.open_microphone(space.space, dora)
    assert setup.heard(space.space) == {id_of(dora)}
    await moderated.say(carl, space, f"mute {dora.id}")
    assert setup.heard(space.space) == frozenset()
    assert await setup.refused_at_microphone(space.space, dora) == "muted"
    assert "❌" in await moderated.say(dora, space, f"unmute {dora.id}")
    await moderated.say(carl, space, f"unmute {dora.id}")
    await setup.open_microphone(space.space, dora)
    assert setup.heard(space.space) == {id_of(dora)}


async def _kick(moderated: ModeratedSetup, space: LiveSpace, hank: Person) -> None:
    """A kick from a plain client holds."""
    setup, room = moderated.setup, room_of(space)
    await setup.on_air(space, moderated.ada, hank)
    await moderated.ada.kick(room, hank.id)
    await setup.silenced(space.space, hank)
    await _banned(moderated, room, hank)
    with pytest.raises(MatrixError):
        await hank.join(room)


async def _banned(moderated: ModeratedSetup, room: str, person: Person) -> None:
    async def banned() -> bool:
        member = await moderated.ada.state(room, "m.room.member", person.id)
        return bool(member["membership"] == "ban")

    await eventually(banned, f"{person.id} is not banned")


async def _applause(moderated: ModeratedSetup, space: LiveSpace, dora: Person, card: str) -> None:
    clap = await dora.react(room_of(space), card, "👏🏿")
    await moderated.setup.bridge.until(
        space.space, lambda s: s.reactions.get("👏") == 1, "the applause was not counted"
    )

    async def gone() -> bool:
        events = {e["event_id"]: e for e in await moderated.ada.timeline(room_of(space))}
        return not events[clap]["content"]

    await eventually(gone, "the applause stays for ever")


async def _shared_post(moderated: ModeratedSetup, space: LiveSpace, carl: Person) -> None:
    url = "https://example.org/recipe"
    shown = moderated.ada.next_message(room_of(space), url, moderated.setup.bot)
    await moderated.say(carl, space, f"share {url}")
    post = (await shown)["event_id"]

    async def pinned() -> bool:
        state = await carl.state(room_of(space), "m.room.pinned_events")
        return post in state["pinned"]

    await eventually(pinned, "the post is not pinned on the other server")


async def _report(moderated: ModeratedSetup, space: LiveSpace, dora: Person, eve: Person) -> None:
    shown = moderated.admin.next_message(moderated.moderators_room, eve.id, moderated.setup.bot)
    await moderated.say(dora, space, f"report {eve.id} threatens people")
    assert "threatens people" in (await shown)["content"]["body"]
    [report] = await moderated.setup.bridge.storage.reports.listing(10)
    assert (report.reporter, report.reported) == (id_of(dora), id_of(eve))


async def _server_rule(
    moderated: ModeratedSetup, space: LiveSpace, eve: RemotePerson, dora: Person
) -> None:
    """A policy list names the other server: whoever is of it is out, also who speaks."""
    setup, room = moderated.setup, room_of(space)
    assert id_of(dora) in setup.heard(space.space)
    server = eve.id.partition(":")[2]
    rule = {"entity": server, "recommendation": "m.ban", "reason": "spam"}
    await moderated.admin.put_state(moderated.list_room, "m.policy.rule.server", rule, "rule")
    await _banned(moderated, room, eve)
    await setup.silenced(space.space, dora)
    with suppress(MatrixError):
        # her own server may believe that she never left: ours knows better
        await eve.try_to_join(setup.alias(space))
    await setup.settled()
    await _banned(moderated, room, eve)
    view = setup.bridge.view(space.space)
    assert {id_of(eve), id_of(dora)} <= view.removed.keys()


async def _lost_host(moderated: ModeratedSetup, space: LiveSpace, ben: Person) -> None:
    """The longest-serving co-host who is still there takes over."""
    setup, room = moderated.setup, room_of(space)
    told = ben.next_message(room, "takes over", setup.bot)
    await moderated.ada.leave(room)
    await told
    view = await setup.bridge.until(
        space.space, lambda s: s.host == id_of(ben), "nobody took over"
    )
    assert view.role(id_of(ben)) is Role.HOST
    assert (await ben.levels(room))[ben.id] == 90


async def _end(moderated: ModeratedSetup, space: LiveSpace, ben: Person) -> None:
    setup, room = moderated.setup, room_of(space)
    assert "has ended" in await moderated.say(ben, space, "end")

    async def over() -> bool:
        live = await ben.state(room, "io.spacesbridge.live")
        name = await ben.state(room, "m.room.name")
        return bool(live["state"] == "ended" and name["name"].endswith("(ended)"))

    await eventually(over, "the room does not say that it has ended")
    assert setup.heard(space.space) == frozenset()
    domain = setup.bridge.settings.domain
    directory = (await ben.request("GET", f"directory/room/%23spaces:{domain}"))["room_id"]

    async def unlisted() -> bool:
        child = await ben.state(str(directory), "m.space.child", room)
        return not child

    await ben.join(f"#spaces:{domain}")
    await eventually(unlisted, f"the directory lists {alias_localpart(space.slug)} still")
