"""A whole evening with people of two homeservers, who have nothing but plain Matrix clients."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from functools import partial

import pytest

from spaces_bridge.app.addresses import alias_localpart
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge_demo.house import Person
from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.combinations import COMBINATIONS, Combination
from tests.federation.remote_person import RemotePerson
from tests.federation.town import FederatedTown, id_of
from tests.federation.twins import Twins
from tests.matrix.support import Bridge, eventually, room_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GRACE_MS = 1_500


class Evening:
    """The people of the evening, and the rooms that the bridge's admin has made for it."""

    def __init__(self, town: FederatedTown, ada: Person, lists: Person) -> None:
        self.town = town
        self.ada = ada
        self.admin = lists
        self.list_room = ""
        self.moderators_room = ""

    async def say(self, person: Person, space: LiveSpace, text: str) -> str:
        return await self.town.say(person, room_of(space), f"!space {text}")


@pytest.fixture
async def evening(twins: Twins, combination: Combination, database: str) -> AsyncIterator[Evening]:
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
            town = FederatedTown(twins, bridge, people)
            made = Evening(town, await town.person("ada", met=True), admin)
            made.list_room, made.moderators_room = list_room, moderators_room
            try:
                yield made
            finally:
                await twins.heal()


@pytest.mark.parametrize("combination", COMBINATIONS, indirect=True, ids=str)
async def test_the_whole_evening(evening: Evening) -> None:
    town, ada = evening.town, evening.ada
    ben = await town.person("ben", met=True)
    finn, gina = await town.person("finn", met=True), await town.remote("gina", met=True)

    # Followers on both servers; a live space for later.
    for follower in (finn, gina):
        assert "You follow" in await town.say(follower, follower.dm, f"follow {ada.id}")
    answer = await town.say(ada, ada.dm, "create Bread and roses --at in 2 hours")
    assert "event.ics" in answer
    made = town.bridge.spaces.open()[-1]
    space = await town.bridge.until(made.space, lambda s: s.room is not None, "no room")
    assert space.phase is Phase.SCHEDULED
    assert "Bread and roses" in await town.say(gina, gina.dm, "live")
    await town.join(space, ada)

    # The host starts: followers hear of it across servers.
    letters = [f.next_message(f.dm, "Bread and roses", town.bot) for f in (finn, gina)]
    assert "is live" in await evening.say(ada, space, "start")
    for letter in letters:
        assert town.bridge.settings.page(space.slug) in (await letter)["content"]["body"]

    carl, dora = await town.remote("carl", met=True), await town.remote("dora", met=True)
    eve, hank = await town.remote("eve"), await town.person("hank")
    space = await town.join(space, ben, carl, dora, eve, hank)
    card = await town.bridge.card(space.space)
    await _cohosts(evening, space, carl, ben)
    await _floor(evening, space, dora, carl, card)
    await _kick(evening, space, hank)
    await _applause(evening, space, dora, card)
    await _shared_post(evening, space, carl)
    await _report(evening, space, dora, eve)
    await _server_rule(evening, space, eve, dora)
    await _lost_host(evening, space, ben)
    await _end(evening, space, ben)


async def _cohosts(evening: Evening, space: LiveSpace, remote: Person, local: Person) -> None:
    for person in (remote, local):
        await evening.say(evening.ada, space, f"cohost {person.id}")
        await evening.town.bridge.until(
            space.space, partial(_is_cohost, id_of(person)), "no co-host"
        )
    assert (await evening.ada.levels(room_of(space)))[remote.id] == 60


def _is_cohost(user: UserId, space: LiveSpace) -> bool:
    return space.role(user) is Role.COHOST


async def _floor(
    evening: Evening, space: LiveSpace, dora: Person, carl: Person, card: str
) -> None:
    """A remote listener is given the floor; a remote co-host mutes her, and lifts it."""
    town = evening.town
    # clients read back when a room is opened: so her server fetches what was said before
    await dora.timeline(room_of(space))
    asked = evening.ada.next_prompt(dora)
    await dora.react(room_of(space), card, "🖐🏽")
    prompt = await asked
    await evening.ada.react(prompt["room_id"], prompt["event_id"], "✅")
    await town.offered(space, dora)
    await town.open_microphone(space.space, dora)
    assert town.heard(space.space) == {id_of(dora)}
    await evening.say(carl, space, f"mute {dora.id}")
    assert town.heard(space.space) == frozenset()
    assert await town.refused_at_microphone(space.space, dora) == "muted"
    assert "❌" in await evening.say(dora, space, f"unmute {dora.id}")
    await evening.say(carl, space, f"unmute {dora.id}")
    await town.open_microphone(space.space, dora)
    assert town.heard(space.space) == {id_of(dora)}


async def _kick(evening: Evening, space: LiveSpace, hank: Person) -> None:
    """A kick from a plain client holds."""
    town, room = evening.town, room_of(space)
    await town.on_air(space, evening.ada, hank)
    await evening.ada.kick(room, hank.id)
    await town.silenced(space.space, hank)
    await _banned(evening, room, hank)
    with pytest.raises(MatrixError):
        await hank.join(room)


async def _banned(evening: Evening, room: str, person: Person) -> None:
    async def banned() -> bool:
        member = await evening.ada.state(room, "m.room.member", person.id)
        return bool(member["membership"] == "ban")

    await eventually(banned, f"{person.id} is not banned")


async def _applause(evening: Evening, space: LiveSpace, dora: Person, card: str) -> None:
    clap = await dora.react(room_of(space), card, "👏🏿")
    await evening.town.bridge.until(
        space.space, lambda s: s.reactions.get("👏") == 1, "the applause was not counted"
    )

    async def gone() -> bool:
        events = {e["event_id"]: e for e in await evening.ada.timeline(room_of(space))}
        return not events[clap]["content"]

    await eventually(gone, "the applause stays for ever")


async def _shared_post(evening: Evening, space: LiveSpace, carl: Person) -> None:
    url = "https://example.org/recipe"
    shown = evening.ada.next_message(room_of(space), url, evening.town.bot)
    await evening.say(carl, space, f"share {url}")
    post = (await shown)["event_id"]

    async def pinned() -> bool:
        state = await carl.state(room_of(space), "m.room.pinned_events")
        return post in state["pinned"]

    await eventually(pinned, "the post is not pinned on the other server")


async def _report(evening: Evening, space: LiveSpace, dora: Person, eve: Person) -> None:
    shown = evening.admin.next_message(evening.moderators_room, eve.id, evening.town.bot)
    await evening.say(dora, space, f"report {eve.id} threatens people")
    assert "threatens people" in (await shown)["content"]["body"]
    [report] = await evening.town.bridge.storage.reports.listing(10)
    assert (report.reporter, report.reported) == (id_of(dora), id_of(eve))


async def _server_rule(
    evening: Evening, space: LiveSpace, eve: RemotePerson, dora: Person
) -> None:
    """A policy list names the other server: whoever is of it is out, also who speaks."""
    town, room = evening.town, room_of(space)
    assert id_of(dora) in town.heard(space.space)
    server = eve.id.partition(":")[2]
    rule = {"entity": server, "recommendation": "m.ban", "reason": "spam"}
    await evening.admin.put_state(evening.list_room, "m.policy.rule.server", rule, "rule")
    await _banned(evening, room, eve)
    await town.silenced(space.space, dora)
    with suppress(MatrixError):
        # her own server may believe that she never left: ours knows better
        await eve.try_to_join(town.alias(space))
    await town.settled()
    await _banned(evening, room, eve)
    view = town.bridge.view(space.space)
    assert {id_of(eve), id_of(dora)} <= view.removed.keys()


async def _lost_host(evening: Evening, space: LiveSpace, ben: Person) -> None:
    """The longest-serving co-host who is still there takes over."""
    town, room = evening.town, room_of(space)
    told = ben.next_message(room, "takes over", town.bot)
    await evening.ada.leave(room)
    await told
    view = await town.bridge.until(space.space, lambda s: s.host == id_of(ben), "nobody took over")
    assert view.role(id_of(ben)) is Role.HOST
    assert (await ben.levels(room))[ben.id] == 90


async def _end(evening: Evening, space: LiveSpace, ben: Person) -> None:
    town, room = evening.town, room_of(space)
    assert "has ended" in await evening.say(ben, space, "end")

    async def over() -> bool:
        live = await ben.state(room, "io.spacesbridge.live")
        name = await ben.state(room, "m.room.name")
        return bool(live["state"] == "ended" and name["name"].endswith("(ended)"))

    await eventually(over, "the room does not say that it has ended")
    assert town.heard(space.space) == frozenset()
    domain = town.bridge.settings.domain
    directory = (await ben.request("GET", f"directory/room/%23spaces:{domain}"))["room_id"]

    async def unlisted() -> bool:
        child = await ben.state(str(directory), "m.space.child", room)
        return not child

    await ben.join(f"#spaces:{domain}")
    await eventually(unlisted, f"the directory lists {alias_localpart(space.slug)} still")
