"""Block lists, rules of policy lists, and reports."""

import asyncio
from dataclasses import replace

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.records import Block, OutboxEntry, PolicyRule, Report
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.storage.storage import Storage
from tests.storage.support import HOST, OTHER_SPACE, SPACE, effect, opened

pytestmark = pytest.mark.peers

HOSTILE = "\x00 \x1a0000 \ud800 '; SELECT 1; -- $1 ?1 % \\ \r\n \U0001f44b"
EVE = UserId("@eve:elsewhere.net")
LONGEST = "@" + "\x00" * 240 + ":example.org.a"
BLOCK = Block(HOST, EVE, HOST, "rude", 1)
LIST = RoomId("!list")
RULE = PolicyRule(LIST, "user", "rule:@eve", EVE, "spam")
REPORT = Report(0, SPACE, HOST, EVE, "slurs", "what was said", 1)


async def test_a_block_is_kept_replaced_and_dropped(storage: Storage) -> None:
    await storage.blocks.put(BLOCK)
    await storage.blocks.put(replace(BLOCK, target="@*:evil.example", by=EVE))
    later = replace(BLOCK, reason="ruder", at_ms=2)
    await storage.blocks.put(later)
    by_target = {block.target: block for block in await storage.blocks.all()}
    assert by_target == {
        EVE: later,
        "@*:evil.example": replace(BLOCK, target="@*:evil.example", by=EVE),
    }
    assert await storage.blocks.drop(HOST, EVE)
    assert not await storage.blocks.drop(HOST, EVE)
    assert not await storage.blocks.drop(EVE, "@*:evil.example")
    assert len(await storage.blocks.all()) == 1


async def test_odd_texts_in_blocks_come_back_as_they_were(storage: Storage) -> None:
    odd = [replace(BLOCK, target=t, reason=HOSTILE) for t in (HOSTILE, LONGEST, "\x1a0000")]
    for block in odd:
        await storage.blocks.put(block)
    assert sorted(await storage.blocks.all(), key=lambda b: b.target) == sorted(
        odd, key=lambda b: b.target
    )
    for block in odd:
        assert await storage.blocks.drop(HOST, block.target)


async def test_rules_are_kept_by_room_kind_and_key(storage: Storage) -> None:
    rules = storage.policy_rules
    others = [
        replace(RULE, kind="server"),
        replace(RULE, key="b"),
        replace(RULE, room=RoomId("!2")),
    ]
    for rule in (RULE, *others, replace(RULE, entity="@new:x")):
        await rules.put(rule)
    assert set(await rules.all()) == {replace(RULE, entity="@new:x"), *others}
    assert await rules.drop(LIST, "user", RULE.key)
    assert not await rules.drop(LIST, "user", RULE.key)
    assert set(await rules.all()) == set(others)


async def test_a_list_read_anew_replaces_itself_alone_in_one_go(storage: Storage) -> None:
    rules = storage.policy_rules
    elsewhere = replace(RULE, room=RoomId("!2"))
    await rules.put(elsewhere)
    await rules.put(replace(RULE, key="old"))
    new = [replace(RULE, key=str(n), entity=HOSTILE) for n in range(500)]
    await rules.replace(LIST, [*new, new[0]])
    assert set(await rules.all()) == {elsewhere, *new}
    await rules.replace(LIST, [])
    assert await rules.all() == [elsewhere]


async def test_readers_see_a_list_whole(storage: Storage) -> None:
    rules = [replace(RULE, key=str(n)) for n in range(50)]
    await storage.policy_rules.replace(LIST, rules)

    async def read() -> int:
        return len(await storage.policy_rules.all())

    seen = await asyncio.gather(
        *(read() for _ in range(10)),
        *(storage.policy_rules.replace(LIST, rules) for _ in range(3)),
        *(read() for _ in range(10)),
    )
    assert {count for count in seen if count is not None} == {50}


async def test_a_report_is_stored_once_per_cause_and_found_again(storage: Storage) -> None:
    first = await storage.reports.file(REPORT, "$event")
    assert await storage.reports.file(replace(REPORT, reason="again"), "$event") == first
    second = await storage.reports.file(replace(REPORT, space=OTHER_SPACE), "$other")
    assert await storage.reports.find(first) == replace(REPORT, id=first)
    assert await storage.reports.find(second + 1) is None
    newest = await storage.reports.listing(1)
    assert newest == [replace(REPORT, id=second, space=OTHER_SPACE)]
    assert [report.id for report in await storage.reports.listing(9)] == [second, first]


async def test_a_report_and_its_task_are_stored_together_or_not_at_all(url: str) -> None:
    def forgetful(number: int) -> OutboxEntry:
        raise StorageError(f"the disk is full at report {number}")

    async with opened(url) as storage:
        with pytest.raises(StorageError):
            await storage.reports.file(REPORT, "$lost", forgetful)
        assert await storage.reports.listing(9) == []
        number = await storage.reports.file(REPORT, "$event", lambda n: effect(f"report:{n}"))
        again = await storage.reports.file(REPORT, "$event", lambda n: effect(f"report:{n}"))
    async with opened(url) as storage:
        assert again == number
        assert [report.id for report in await storage.reports.listing(9)] == [number]
        rows = await storage.outbox.pending(0, 9)
        assert [row.effect.key for row in rows] == [f"report:{number}"]


async def test_reports_are_counted_by_person_and_live_space_since_a_time(
    storage: Storage,
) -> None:
    filed = [
        REPORT,
        replace(REPORT, at_ms=5),
        replace(REPORT, at_ms=6, space=OTHER_SPACE),
        replace(REPORT, at_ms=7, reporter=UserId(LONGEST), reported=HOST),
    ]
    for number, report in enumerate(filed):
        await storage.reports.file(report, f"$event{number}")
    assert await storage.reports.is_filed("$event0")
    assert not await storage.reports.is_filed("$event9")
    assert await storage.reports.filed_by(HOST, 1) == 2
    assert await storage.reports.filed_by(HOST, 0) == 3
    assert await storage.reports.filed_by(UserId(LONGEST), 6) == 1
    assert await storage.reports.filed_by(EVE, 0) == 0
    assert sorted(await storage.reports.reporters_in(SPACE, 1)) == sorted([HOST, LONGEST])
    assert await storage.reports.reporters_in(OTHER_SPACE, 6) == []


async def test_odd_reports_come_back_as_they_were(storage: Storage) -> None:
    odd = replace(REPORT, reason=HOSTILE, context=HOSTILE * 200, reported=UserId(LONGEST))
    ids = {await storage.reports.file(odd, source) for source in (HOSTILE, "x" * 10_000)}
    assert len(ids) == 2
    for report in ids:
        assert await storage.reports.find(report) == replace(odd, id=report)


async def test_many_at_once_file_one_report(storage: Storage) -> None:
    ids = await asyncio.gather(*(storage.reports.file(REPORT, "$event") for _ in range(20)))
    assert len(set(ids)) == 1


async def test_moderation_outlives_a_restart(url: str) -> None:
    async with opened(url) as storage:
        await storage.blocks.put(BLOCK)
        await storage.policy_rules.put(RULE)
        report = await storage.reports.file(REPORT, "$event")
    async with opened(url) as storage:
        assert await storage.blocks.all() == [BLOCK]
        assert await storage.policy_rules.all() == [RULE]
        assert await storage.reports.listing(9) == [replace(REPORT, id=report)]
