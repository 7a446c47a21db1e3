"""Block lists and policy lists: who may not come in, and who may again."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.policy_book import PolicyBook, matches
from spaces_bridge.app.records import Block, PolicyRule
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, UserId
from tests.app.support import SPACE, cohost, enter, now, seat, settled
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM

pytestmark = pytest.mark.unit
LIST = RoomId("!list")
TROLL = UserId("@troll:evil.example:8448")


class Lists:
    """Both stores, in memory; `broken` ones raise."""

    def __init__(self) -> None:
        self.blocks: dict[tuple[UserId, str], Block] = {}
        self.broken = False

    async def put(self, block: Block) -> None:
        self.blocks[block.host, block.target] = block

    async def drop(self, host: UserId, target: str) -> bool:
        if self.broken:
            raise StorageError("away")
        return self.blocks.pop((host, target), None) is not None

    async def all(self) -> list[Block]:
        return list(self.blocks.values())


class Rules:
    """The policy lists' store, in memory."""

    def __init__(self) -> None:
        self.rules: dict[tuple[RoomId, str, str], PolicyRule] = {}

    async def put(self, rule: PolicyRule) -> None:
        self.rules[rule.room, rule.kind, rule.key] = rule

    async def drop(self, room: RoomId, kind: str, key: str) -> bool:
        return self.rules.pop((room, kind, key), None) is not None

    async def replace(self, room: RoomId, rules: Sequence[PolicyRule]) -> None:
        self.rules = {(r.room, r.kind, r.key): r for r in rules}

    async def all(self) -> list[PolicyRule]:
        return list(self.rules.values())


class Door:
    """A live space whose door is kept."""

    def __init__(self, recorder: Recorder) -> None:
        self.lists, self.rules = Lists(), Rules()
        self.keeper = BanListService(self.lists, self.rules, recorder)
        self.spaces = Spaces(replace(recorder.world(), doorkeeper=self.keeper))
        self.keeper.attend(self.spaces)

    async def block(self, target: str, by: UserId = HOST) -> None:
        await self.keeper.block(HOST, target, by, "")
        await settled(self.spaces)

    @property
    def removed(self) -> set[UserId]:
        return set(now(self.spaces).removed)


@pytest.fixture
async def door(recorder: Recorder) -> AsyncIterator[Door]:
    """Live, with the host, Ben and a troll of another server in the room."""
    door = Door(recorder)
    await door.keeper.load()
    await door.spaces.create(CREATE)
    await door.spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    people = {HOST: "Ada", BEN: "Ben", TROLL: "Troll"}
    await door.spaces.ask(SPACE, cmd.ObserveRoom({HOST: 90}, people))
    await door.spaces.ask(SPACE, cmd.StartSpace(HOST, 10_000))
    yield door
    await door.keeper.stop()
    await door.spaces.stop()


def rule(kind: str, entity: str, key: str = "k", reason: str = "spam") -> PolicyRule:
    return PolicyRule(LIST, kind, key, entity, reason)


async def test_a_block_shows_out_who_is_in_and_whoever_comes_later(door: Door) -> None:
    await seat(door.spaces, TROLL)
    await door.spaces.ask(SPACE, cmd.OpenMicrophone(TROLL))
    await door.block(TROLL)
    assert door.removed == {TROLL}
    assert not now(door.spaces).on_air
    assert now(door.spaces).removed[TROLL].blocked
    await door.block("@*:elsewhere.net")
    await enter(door.spaces, EVE)
    await settled(door.spaces)
    assert door.removed == {TROLL, EVE}


async def test_the_host_is_never_shut_out_of_their_own_space(door: Door) -> None:
    await door.block("*")
    assert door.removed == {BEN, TROLL}


async def test_a_pattern_is_no_longer_than_an_id(door: Door) -> None:
    with pytest.raises(Rejected) as refusal:
        await door.keeper.block(HOST, "@" + "ä" * 128, HOST, "")
    assert refusal.value.code == "long_user"
    assert not door.lists.blocks


async def test_cohosts_block_one_by_one_and_not_each_other(door: Door) -> None:
    await cohost(door.spaces, BEN)
    for target, code in (
        ("@*:evil.example", "pattern_by_host"),
        ("@trol?:x", "pattern_by_host"),
        (HOST, "too_high"),
        (BEN, "too_high"),
    ):
        with pytest.raises(Rejected) as refusal:
            await door.keeper.block(HOST, target, BEN, "")
        assert refusal.value.code == code
    await door.block(TROLL, by=BEN)
    assert door.removed == {TROLL}


async def test_unblocking_lets_in_whom_it_kept_out_and_nobody_else(door: Door) -> None:
    await door.block("@*:evil.example*")
    await door.spaces.ask(SPACE, cmd.RemovePerson(HOST, UserId("@rude:evil.example")))
    assert await door.keeper.unblock(HOST, "@*:evil.example*")
    await settled(door.spaces)
    assert door.removed == {UserId("@rude:evil.example")}
    assert not await door.keeper.unblock(HOST, "@rude:evil.example")
    await settled(door.spaces)
    assert not door.removed


async def test_who_is_kept_out_by_something_else_too_stays_out(door: Door) -> None:
    await door.block(TROLL)
    await door.keeper.learn(rule("server", "evil.example"))
    assert await door.keeper.unblock(HOST, TROLL)
    await settled(door.spaces)
    assert door.removed == {TROLL}


async def test_a_host_who_unbans_in_any_client_unblocks_and_a_cohost_does_not(door: Door) -> None:
    await door.block(TROLL)
    unban = cmd.ObserveMember(TROLL, joined=False, unbanned=True, by=BEN)
    await door.spaces.ask(SPACE, unban)
    await enter(door.spaces, TROLL)
    await settled(door.spaces)
    assert door.removed == {TROLL}
    await door.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, unbanned=True, by=HOST))
    await door.keeper.stop()
    assert not door.lists.blocks
    await enter(door.spaces, TROLL)
    await settled(door.spaces)
    assert not door.removed


async def test_an_unban_that_cannot_be_stored_leaves_the_block(door: Door) -> None:
    await door.block(TROLL)
    door.lists.broken = True
    await door.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, unbanned=True, by=HOST))
    await door.keeper.stop()
    assert door.keeper.verdict(HOST, TROLL) is not None


async def test_nothing_turns_in_circles_while_somebody_keeps_unbanning(
    door: Door, recorder: Recorder
) -> None:
    await door.keeper.learn(rule("user", TROLL))
    for round_ in range(1, 4):
        await settled(door.spaces)
        await door.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, banned=True))
        await door.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, unbanned=True))
        await settled(door.spaces)
        assert len(recorder.wished("person.ban")) == round_
        await enter(door.spaces, TROLL)
    await settled(door.spaces)
    assert len(recorder.wished("person.ban")) == 4


async def test_policy_lists_name_people_and_servers_and_take_it_back(door: Door) -> None:
    await door.keeper.learn(rule("server", "EVIL.example"))
    await settled(door.spaces)
    assert door.removed == {TROLL}
    assert now(door.spaces).removed[TROLL].reason == "spam"
    assert door.keeper.banned_servers() == ["EVIL.example"]
    await door.keeper.unlearn(LIST, "server", "k")
    assert door.keeper.verdict(HOST, TROLL) is None
    await door.keeper.unlearn(LIST, "server", "k")
    await door.keeper.relearn(LIST, [rule("user", BEN, reason="")])
    await settled(door.spaces)
    assert BEN in door.removed
    verdict = door.keeper.verdict(HOST, BEN)
    assert verdict is not None
    assert verdict.reason == "by a policy list"


async def test_what_is_stored_holds_after_a_restart(door: Door, recorder: Recorder) -> None:
    await door.block(TROLL)
    await door.keeper.learn(rule("user", "@b?n:*"))
    again = BanListService(door.lists, door.rules, recorder)
    await again.load()
    for user in (TROLL, BEN):
        assert again.verdict(HOST, user) is not None
    assert again.verdict(EVE, TROLL) is None


async def test_ghosts_of_guests_are_no_accounts_and_lookalikes_are(door: Door) -> None:
    await door.keeper.learn(rule("user", "@spaces_*"))
    await door.spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    lookalike = UserId("@spaces_0123456789abcdef:evil.example")
    await enter(door.spaces, GUEST, lookalike)
    await settled(door.spaces)
    assert door.removed == {lookalike}


async def test_a_new_hosts_block_list_holds_at_once(door: Door) -> None:
    await door.keeper.block(BEN, TROLL, BEN, "")
    assert not door.removed
    await door.spaces.ask(SPACE, cmd.HandOver(HOST, BEN))
    await door.spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 90}))
    await settled(door.spaces)
    assert door.removed == {TROLL}


@pytest.mark.parametrize(
    ("glob", "text", "fits"),
    [
        ("@a:b", "@A:B", True),
        ("@a*:b", "@abc:b", True),
        ("@a*:b", "@abc:b.c", False),
        ("@a?:b", "@ab:b", True),
        ("@a?:b", "@a:b", False),
        ("@[ab]*", "@[ab]c", True),
        ("@[ab]*", "@ac", False),
        ("*", "a\nb", True),
        ("a.c", "abc", False),
    ],
)
def test_globs_are_those_of_the_spec(glob: str, text: str, fits: bool) -> None:
    assert matches(glob, text) is fits


def test_hostile_patterns_cost_no_more_than_others() -> None:
    pattern, victim = "@" + "*a" * 100 + "*!", "@" + "a" * 250
    # backtracking would take centuries
    assert not any(matches(pattern, f"{victim}{n}") for n in range(100))


def test_thousands_of_rules_are_asked_in_one_step() -> None:
    book = PolicyBook(rule("user", f"@spam{n}:x", key=str(n)) for n in range(20_000))
    assert book.rule_against(UserId("@spam19999:x")) is not None
    assert book.rule_against(UserId("@ham:x")) is None
    book.put(rule("user", "@other:x", key="7"))
    assert book.rule_against(UserId("@spam7:x")) is None
    book.replace(LIST, [rule("room", "x"), rule("server", "[::1]", key="v6")])
    assert book.rule_against(UserId("@other:x")) is None
    assert book.rule_against(UserId("@a:[::1]:8448")) is not None
    assert [r.kind for r in book.rules()] == ["room", "server"]
