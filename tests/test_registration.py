"""The registration: what the homeserver must know, and what is said when it knows otherwise."""

import re
from pathlib import Path

import pytest

from spaces_bridge.config import Config
from spaces_bridge.config.schema import AppserviceConfig, HomeserverConfig
from spaces_bridge.registration import (
    is_of_before,
    mismatches,
    read_registration,
    refuse_mismatch,
    registration_for,
    text_of,
)
from spaces_bridge.startup import ExitCode, StartUpError

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[1] / "registration.yaml"


def config(domain: str = "home.test", **appservice: str) -> Config:
    return Config(
        homeserver=HomeserverConfig(domain=domain),
        appservice=AppserviceConfig.model_validate(appservice),
    )


def test_the_committed_example_is_what_the_generator_writes() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == text_of(registration_for(Config()))


def test_a_written_registration_reads_back_and_matches(tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"
    path.write_text(text_of(registration_for(config())))
    assert read_registration(path) == registration_for(config())
    refuse_mismatch(path, config())


@pytest.mark.parametrize(
    ("kind", "ours", "others"),
    [
        (
            "users",
            ["@spaces_a:home.test", "@spacesbot:home.test"],
            [
                "@spaces_a:homeXtest",
                "@spaces_:home.test",
                "@x@spaces_a:home.test",
                "@spacesbots:home.test",
            ],
        ),
        (
            "aliases",
            ["#spaces:home.test", "#spaces_jazz:home.test"],
            ["#spacesuit:home.test", "#spaces_:home.test", "#spaces:home.test.evil.test"],
        ),
    ],
)
def test_the_namespaces_hold_our_names_and_no_others(
    kind: str, ours: list[str], others: list[str]
) -> None:
    entries = registration_for(config())["namespaces"][kind]
    assert all(entry["exclusive"] for entry in entries)

    def held(name: str) -> bool:
        return any(re.match(entry["regex"], name) for entry in entries)

    assert [name for name in ours if not held(name)] == []
    assert [name for name in others if held(name)] == []


def test_the_homeserver_sends_ephemeral_events_and_does_not_rate_limit() -> None:
    registration = registration_for(config())
    assert registration["rate_limited"] is False
    assert registration["receive_ephemeral"] is True
    assert registration["de.sorunome.msc2409.push_ephemeral"] is True


def test_the_sender_is_a_mute_user_of_our_namespace_and_the_bot_is_another() -> None:
    registration = registration_for(config())
    sender = f"@{registration['sender_localpart']}:home.test"
    users = [entry["regex"] for entry in registration["namespaces"]["users"]]
    assert sender != "@spacesbot:home.test"
    assert any(re.match(regex, sender) for regex in users)
    assert registration["io.element.msc4190"] is True


def test_a_registration_of_before_names_what_it_lacks_and_says_that_rooms_stay() -> None:
    old = {**registration_for(config()), "sender_localpart": "spacesbot"}
    del old["io.element.msc4190"]
    assert is_of_before(old, config())
    assert not is_of_before(registration_for(config()), config())
    assert len(mismatches(old, config())) == 2


def test_every_mismatch_is_named_and_no_secret_is_shown() -> None:
    other = config(
        "other.test",
        address="http://bridge:1",
        as_token="one-token-nobody-should-see",
        bot_localpart="otherbot",
    )
    problems = "\n".join(mismatches(registration_for(other), config()))
    for name in (
        "`url`",
        "`as_token`",
        "namespaces.users",
        "appservice.address",
    ):
        assert name in problems
    assert "`id`" not in problems
    assert "one-token-nobody-should-see" not in problems


@pytest.mark.parametrize("text", ["", "- a list\n", "namespaces: [\n"])
def test_a_file_that_is_no_registration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "registration.yaml"
    path.write_text(text)
    with pytest.raises(StartUpError) as caught:
        refuse_mismatch(path, config())
    assert caught.value.code is ExitCode.CONFIG_INVALID


def test_odd_namespaces_are_told_as_missing_ones() -> None:
    broken = {**registration_for(config()), "namespaces": {"users": ["x"], "aliases": None}}
    assert len(mismatches(broken, config())) == 3
