"""Policy lists of real rooms keep people and whole servers out, on a real Synapse."""

import logging
from functools import partial
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e

BAN = "m.ban"


def id_of(person: MatrixUser) -> UserId:
    return UserId(person.id)


def rule(entity: str, recommendation: str = BAN) -> dict[str, object]:
    return {"entity": entity, "recommendation": recommendation, "reason": "spam"}


async def new_list(keeper: MatrixUser) -> tuple[str, str]:
    """A policy list, by id and alias."""
    name = keeper.id[1:].partition(":")[0]
    room = await keeper.create_room(preset="public_chat", room_alias_name=f"list-{name}")
    return room, f"#list-{name}:localhost"


async def followed(bridge: Bridge, keeper: MatrixUser, listed: str) -> None:
    """The bridge reads the list."""

    async def joined() -> bool:
        try:
            member = await keeper.state(listed, "m.room.member", bridge.settings.bot)
        except MatrixError:
            return False
        return bool(member["membership"] == "join")

    await eventually(joined, "the bot is not in the list")


async def until_membership(reader: MatrixUser, room: str, user: str, wanted: str) -> None:
    async def check() -> bool:
        try:
            return bool((await reader.state(room, "m.room.member", user))["membership"] == wanted)
        except MatrixError:
            return False

    await eventually(check, f"the membership of {user} is not {wanted}")


async def until_denied(reader: MatrixUser, room: str, servers: list[str]) -> None:
    async def check() -> bool:
        try:
            content = await reader.state(room, "m.room.server_acl")
        except MatrixError:
            return False
        return content == {"allow": ["*"], "allow_ip_literals": True, "deny": servers}

    await eventually(check, f"not just {servers} are denied")


async def test_a_rule_added_while_somebody_speaks_silences_and_bans_until_it_is_taken_back(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben, keeper = [await settle(name) for name in ("ada", "ben", "keeper")]
    listed, alias = await new_list(keeper)
    async with Bridge(setup.settings(policy_lists=(alias,)), tmp_path / "db") as bridge:
        await followed(bridge, keeper, listed)
        space = await bridge.live(ada, "Listed", [ben])
        room, id_ = room_of(space), space.space
        await ada.set_level(room, ben.id, 10)
        await bridge.until(id_, lambda s: s.may_speak(id_of(ben)), "no floor")
        await bridge.spaces.ask(id_, cmd.OpenMicrophone(id_of(ben)))
        event = await keeper.put_state(listed, "m.policy.rule.user", rule(ben.id), "ben")
        await until_membership(ada, room, ben.id, "ban")
        after = await bridge.until(id_, lambda s: id_of(ben) in s.removed, "not removed")
        assert not after.on_air
        assert after.removed[id_of(ben)].reason == "spam"
        assert ("end_listening", id_, ben.id) in bridge.sound.calls

        await keeper.redact(listed, event)
        await eventually(
            lambda: bridge.ban_lists.verdict(id_of(ada), id_of(ben)) is None, "it counts still"
        )
        await ada.request("POST", f"rooms/{room}/unban", {"user_id": ben.id})
        await bridge.until(id_, lambda s: not s.removed, "removed still")
        await ben.join(room)
        await bridge.joined(id_, ben)


@pytest.mark.parametrize(
    ("type_", "recommendation"),
    [
        ("m.policy.rule.user", "org.matrix.msc4204.takedown"),
        ("org.matrix.mjolnir.rule.user", "org.matrix.mjolnir.ban"),
        ("m.room.rule.user", BAN),
    ],
)
async def test_what_lists_said_before_the_start_and_with_names_of_old_counts(
    setup: LiveSetup, tmp_path: Path, settle: Settle, type_: str, recommendation: str
) -> None:
    ada, ben, keeper = [await settle(name) for name in ("ada", "ben", "keeper")]
    listed, _ = await new_list(keeper)
    said = rule(f"{ben.id[:5]}*:localhost", recommendation)
    await keeper.put_state(listed, type_, said, "x")
    async with Bridge(setup.settings(policy_lists=(listed,)), tmp_path / "db") as bridge:
        await followed(bridge, keeper, listed)
        space = await bridge.live(ada, "Known before")
        await ben.join(room_of(space))
        await until_membership(ada, room_of(space), ben.id, "ban")
        await keeper.put_state(listed, type_, {}, "x")
        await eventually(
            lambda: bridge.ban_lists.verdict(id_of(ada), id_of(ben)) is None, "it counts still"
        )
    # a list that the admin no longer names counts no longer, and one more rule is not heard
    await keeper.put_state(listed, type_, said, "x")
    async with Bridge(setup.settings(policy_lists=(listed,)), tmp_path / "db") as bridge:
        await eventually(
            lambda: bridge.ban_lists.verdict(id_of(ada), id_of(ben)) is not None, "not read"
        )
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        await eventually(
            lambda: bridge.ban_lists.verdict(id_of(ada), id_of(ben)) is None, "it counts still"
        )


async def test_whole_servers_are_kept_out_by_the_room_itself_and_never_ours(
    setup: LiveSetup, tmp_path: Path, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    ada, ben, keeper = [await settle(name) for name in ("ada", "ben", "keeper")]
    listed, alias = await new_list(keeper)
    async with Bridge(setup.settings(policy_lists=(alias,)), tmp_path / "db") as bridge:
        await followed(bridge, keeper, listed)
        space = await bridge.live(ada, "Servers", [ben])
        room = room_of(space)
        await keeper.put_state(listed, "m.policy.rule.server", rule("evil.example"), "1")
        await until_denied(ada, room, ["evil.example"])
        await keeper.put_state(listed, "m.policy.rule.server", rule("*"), "2")
        await keeper.put_state(listed, "m.policy.rule.server", rule("localhost"), "3")
        await keeper.put_state(listed, "m.policy.rule.user", rule("@spacesb*:localhost"), "4")
        await keeper.put_state(listed, "m.policy.rule.server", rule("*.evil.example"), "5")
        await until_denied(ada, room, ["*.evil.example", "evil.example"])
        assert caplog.text.count("about this bridge itself") >= 3
        assert not bridge.view(space.space).removed
        later = await bridge.live(ben, "A later one")
        await until_denied(ben, room_of(later), ["*.evil.example", "evil.example"])
        await keeper.put_state(listed, "m.policy.rule.server", {}, "1")
        await keeper.put_state(listed, "m.policy.rule.server", {}, "5")
        await until_denied(ada, room, [])


def caplog_says(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


async def test_a_list_that_cannot_be_joined_is_named_in_the_log(
    setup: LiveSetup, tmp_path: Path, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = await settle("keeper")
    closed = await keeper.create_room(preset="private_chat")
    caplog.set_level(logging.WARNING)
    lists = (closed, "#nowhere:localhost")
    async with Bridge(setup.settings(policy_lists=lists), tmp_path / "db"):
        for name in lists:
            warning = f"policy list {name} cannot be read"
            await eventually(partial(caplog_says, caplog, warning), "no warning")
