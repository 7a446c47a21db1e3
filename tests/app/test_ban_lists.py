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


class BanListSetup:
    """A live space with its ban lists."""

    def __init__(self, recorder: Recorder) -> None:
        self.lists, self.rules = Lists(), Rules()
        self.keeper = BanListService(self.lists, self.rules, recorder)
        self.spaces = Spaces(replace(recorder.context(), ban_lists=self.keeper))
        self.keeper.attend(self.spaces)

    async def block(self, target: str, by: UserId = HOST) -> None:
        await self.keeper.block(HOST, target, by, "")
        await settled(self.spaces)

    @property
    def removed(self) -> set[UserId]:
        return set(now(self.spaces).removed)


@pytest.fixture
async def setup(recorder: Recorder) -> AsyncIterator[BanListSetup]:
    """Live, with the host, Ben and a troll of another server in the room."""
    setup = BanListSetup(recorder)
    await setup.keeper.load()
    await setup.spaces.create(CREATE)
    await setup.spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    people = {HOST: "Ada", BEN: "Ben", TROLL: "Troll"}
    await setup.spaces.ask(SPACE, cmd.ObserveRoom({HOST: 90}, people))
    await setup.spaces.ask(SPACE, cmd.StartSpace(HOST, 10_000))
    yield setup
    await setup.keeper.stop()
    await setup.spaces.stop()


def rule(kind: str, entity: str, key: str = "k", reason: str = "spam") -> PolicyRule:
    return PolicyRule(LIST, kind, key, entity, reason)


async def test_a_block_shows_out_who_is_in_and_whoever_comes_later(setup: BanListSetup) -> None:
    await seat(setup.spaces, TROLL)
    await setup.spaces.ask(SPACE, cmd.OpenMicrophone(TROLL))
    await setup.block(TROLL)
    assert setup.removed == {TROLL}
    assert not now(setup.spaces).on_air
    assert now(setup.spaces).removed[TROLL].blocked
    await setup.block("@*:elsewhere.net")
    await enter(setup.spaces, EVE)
    await settled(setup.spaces)
    assert setup.removed == {TROLL, EVE}


async def test_the_host_is_never_shut_out_of_their_own_space(setup: BanListSetup) -> None:
    await setup.block("*")
    assert setup.removed == {BEN, TROLL}


async def test_a_pattern_is_no_longer_than_an_id(setup: BanListSetup) -> None:
    with pytest.raises(Rejected) as refusal:
        await setup.keeper.block(HOST, "@" + "ä" * 128, HOST, "")
    assert refusal.value.code == "long_user"
    assert not setup.lists.blocks


async def test_cohosts_block_one_by_one_and_not_each_other(setup: BanListSetup) -> None:
    await cohost(setup.spaces, BEN)
    for target, code in (
        ("@*:evil.example", "pattern_by_host"),
        ("@trol?:x", "pattern_by_host"),
        (HOST, "too_high"),
        (BEN, "too_high"),
    ):
        with pytest.raises(Rejected) as refusal:
            await setup.keeper.block(HOST, target, BEN, "")
        assert refusal.value.code == code
    await setup.block(TROLL, by=BEN)
    assert setup.removed == {TROLL}


async def test_unblocking_lets_in_whom_it_kept_out_and_nobody_else(setup: BanListSetup) -> None:
    await setup.block("@*:evil.example*")
    await setup.spaces.ask(SPACE, cmd.RemovePerson(HOST, UserId("@rude:evil.example")))
    assert await setup.keeper.unblock(HOST, "@*:evil.example*")
    await settled(setup.spaces)
    assert setup.removed == {UserId("@rude:evil.example")}
    assert not await setup.keeper.unblock(HOST, "@rude:evil.example")
    await settled(setup.spaces)
    assert not setup.removed


async def test_who_is_kept_out_by_something_else_too_stays_out(setup: BanListSetup) -> None:
    await setup.block(TROLL)
    await setup.keeper.learn(rule("server", "evil.example"))
    assert await setup.keeper.unblock(HOST, TROLL)
    await settled(setup.spaces)
    assert setup.removed == {TROLL}


async def test_a_host_who_unbans_in_any_client_unblocks_and_a_cohost_does_not(
    setup: BanListSetup,
) -> None:
    await setup.block(TROLL)
    unban = cmd.ObserveMember(TROLL, joined=False, unbanned=True, by=BEN)
    await setup.spaces.ask(SPACE, unban)
    await enter(setup.spaces, TROLL)
    await settled(setup.spaces)
    assert setup.removed == {TROLL}
    await setup.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, unbanned=True, by=HOST))
    await setup.keeper.stop()
    assert not setup.lists.blocks
    await enter(setup.spaces, TROLL)
    await settled(setup.spaces)
    assert not setup.removed


async def test_an_unban_that_cannot_be_stored_leaves_the_block(setup: BanListSetup) -> None:
    await setup.block(TROLL)
    setup.lists.broken = True
    await setup.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, unbanned=True, by=HOST))
    await setup.keeper.stop()
    assert setup.keeper.verdict(HOST, TROLL) is not None


async def test_nothing_turns_in_circles_while_somebody_keeps_unbanning(
    setup: BanListSetup, recorder: Recorder
) -> None:
    await setup.keeper.learn(rule("user", TROLL))
    for round_ in range(1, 4):
        await settled(setup.spaces)
        await setup.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, banned=True))
        await setup.spaces.ask(SPACE, cmd.ObserveMember(TROLL, joined=False, unbanned=True))
        await settled(setup.spaces)
        assert len(recorder.enqueued("person.ban")) == round_
        await enter(setup.spaces, TROLL)
    await settled(setup.spaces)
    assert len(recorder.enqueued("person.ban")) == 4


async def test_policy_lists_name_people_and_servers_and_take_it_back(setup: BanListSetup) -> None:
    await setup.keeper.learn(rule("server", "EVIL.example"))
    await settled(setup.spaces)
    assert setup.removed == {TROLL}
    assert now(setup.spaces).removed[TROLL].reason == "spam"
    assert setup.keeper.banned_servers() == ["EVIL.example"]
    await setup.keeper.unlearn(LIST, "server", "k")
    assert setup.keeper.verdict(HOST, TROLL) is None
    await setup.keeper.unlearn(LIST, "server", "k")
    await setup.keeper.relearn(LIST, [rule("user", BEN, reason="")])
    await settled(setup.spaces)
    assert BEN in setup.removed
    verdict = setup.keeper.verdict(HOST, BEN)
    assert verdict is not None
    assert verdict.reason == "by a policy list"


async def test_what_is_stored_holds_after_a_restart(
    setup: BanListSetup, recorder: Recorder
) -> None:
    await setup.block(TROLL)
    await setup.keeper.learn(rule("user", "@b?n:*"))
    again = BanListService(setup.lists, setup.rules, recorder)
    await again.load()
    for user in (TROLL, BEN):
        assert again.verdict(HOST, user) is not None
    assert again.verdict(EVE, TROLL) is None


async def test_ghosts_of_guests_are_no_accounts_and_lookalikes_are(setup: BanListSetup) -> None:
    await setup.keeper.learn(rule("user", "@spaces_*"))
    await setup.spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    lookalike = UserId("@spaces_0123456789abcdef:evil.example")
    await enter(setup.spaces, GUEST, lookalike)
    await settled(setup.spaces)
    assert setup.removed == {lookalike}


async def test_a_new_hosts_block_list_holds_at_once(setup: BanListSetup) -> None:
    await setup.keeper.block(BEN, TROLL, BEN, "")
    assert not setup.removed
    await setup.spaces.ask(SPACE, cmd.HandOver(HOST, BEN))
    await setup.spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 90}))
    await settled(setup.spaces)
    assert setup.removed == {TROLL}


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
