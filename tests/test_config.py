"""The config: the example is the schema, mistakes name their line, secrets are real ones."""

import os
import re
from datetime import UTC
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfoNotFoundError

import pytest
from pydantic import ValidationError

from spaces_bridge.bootstrap import app_settings
from spaces_bridge.config import PLACEHOLDER, Config, load
from spaces_bridge.config.example import (
    example_text,
    with_missing_keys,
    with_tokens,
    write_private,
)
from spaces_bridge.config.schema import MOST_WORKERS, NODE_SECRET_MIN, HostingConfig
from spaces_bridge.config.source import (
    is_usable_secret,
    keys_of,
    parse_document,
    sections,
    settings_from,
)
from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.roles import RoleLevels
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.media import options
from spaces_bridge.media.nodes.limits import SECRET_MIN
from spaces_bridge.media_assembly import worker_count
from spaces_bridge.startup import ExitCode, StartUpError

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[1] / "config.example.yaml"
PATH = Path("config.yaml")
AS_TOKEN, HS_TOKEN = "a-token-of-the-bridge-0001", "a-token-of-the-server-0002"


def settings(text: str, environ: dict[str, str] | None = None) -> Config:
    return settings_from(parse_document(text, PATH), PATH, environ or {})


def refusal(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(StartUpError) as caught:
        settings(text, environ)
    assert caught.value.code is ExitCode.CONFIG_UNREADABLE
    return caught.value.text


def complete_text() -> str:
    """The example as an admin fills it in."""
    text = example_text().replace("domain: example.com", "domain: home.test")
    text = text.replace("https://spaces.example.com", "https://spaces.home.test")
    completed = with_tokens(text, AS_TOKEN, HS_TOKEN, PATH)
    assert completed is not None
    return completed


def test_the_committed_example_is_what_the_schema_says() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example_text()


def test_the_example_loads_as_the_defaults() -> None:
    assert settings(example_text()) == Config()


def test_every_key_has_a_comment_and_every_section_a_title() -> None:
    for section in sections().values():
        assert section.__doc__
        for key, info in keys_of(section).items():
            assert info.description, key
            assert info.description.endswith((".", "}")), key


def test_no_line_of_the_example_is_too_long() -> None:
    assert max(map(len, example_text().splitlines())) <= 99


def test_a_config_never_changes_after_it_was_read() -> None:
    with pytest.raises(ValidationError):
        Config().web.port = 1  # type: ignore[misc]  # the point of the test


def test_an_unknown_key_names_its_line_and_the_nearest_key() -> None:
    text = refusal("homeserver:\n    domain: home.test\nmedia:\n    # a comment\n    prot: 1\n")
    assert text == "config.yaml line 5: there is no key `media.prot`. Did you mean port?"


def test_an_unknown_section_names_its_line_and_the_nearest_section() -> None:
    assert refusal("\nwebb:\n    port: 1\n") == (
        "config.yaml line 2: there is no section `webb`. Did you mean web?"
    )


def test_a_bad_value_names_its_line_and_all_of_them_are_told_at_once() -> None:
    text = refusal(
        "web:\n    port: many\nmedia:\n    addresses:\n    - 127.0.0.1\n    - nowhere\n"
    )
    first, second = text.splitlines()
    assert first.startswith("config.yaml line 2: `web.port`: ")
    assert second.startswith("config.yaml line 6: `media.addresses.1`: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web: {port: 1}\nweb: {port: 2}\n", "not valid YAML"),
        ("web: [1,\n", "not valid YAML"),
        ("- web\n", "must be sections with keys"),
        ("web: 3\n", "`web`: "),
        ("database: {url: 'mysql://x'}\n", "no other database"),
        ("homeserver: {address: localhost}\n", "write a whole address"),
        ("web: {public_url: 'https://x/y'}\n", "only scheme, host and port"),
        ("levels: {speaker: 60}\n", "cohost above speaker"),
        ("livekit: {url: 'https://sfu.example'}\n", "wss://"),
        ("livekit: {url: 'wss://'}\n", "wss://"),
        ("livekit: {url: 'wss://me:pw@sfu.example'}\n", "no query, fragment or password"),
        ("livekit: {api_secret: short}\n", "32 characters"),
        ("livekit: {api_key: 'a b'}\n", "livekit.api_key"),
        ("livekit: {stage: closed}\n", "'open' or 'strict'"),
        ("livekit: {server_url: 'sfu.example:7880'}\n", "http://127.0.0.1:7880"),
        ("livekit: {server_url: 'http://me:pw@sfu'}\n", "no query, fragment or password"),
        ("media: {engine: janus}\n", "'embedded' or 'livekit'"),
        ("media: {node_secret: short}\n", "32 characters"),
        ("media: {local_worker: false}\n", "set node_secret"),
        ("media: {workers: many}\n", "'auto'"),
        ("media: {workers: 0}\n", "greater than or equal to 1"),
        ("media: {workers: 4, port: 65533}\n", "choose a lower port"),
        (f"media: {{node_secret: {'s' * 32}}}\n", "set engine to livekit"),
        ("levels: {host: 100}\n", "less than or equal to 99"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(text: str, words: str) -> None:
    assert words.lower() in refusal(text).lower()


def test_a_refusal_never_repeats_a_secret() -> None:
    assert "hunter2" not in refusal("database: {url: 'mysql://me:hunter2@host/db'}\n")


def test_an_empty_section_keeps_its_defaults() -> None:
    assert settings("media:\nweb:\n    port: 8080\n").web.port == 8080


def test_a_path_prefix_has_one_form() -> None:
    for text, prefix in (("spaces/", "/spaces"), ("/", ""), ("/a/b", "/a/b")):
        assert settings(f"web: {{path_prefix: '{text}'}}").web.path_prefix == prefix
    config = settings("web: {public_url: 'https://home.test/', path_prefix: /spaces}")
    assert config.web.base_url == "https://home.test/spaces"


def test_every_key_can_be_set_by_environment() -> None:
    environ = {
        "SPACES_MEDIA__ADDRESSES": "192.0.2.1, 2001:db8::1",
        "SPACES_MEDIA__HOSTNAMES": "[127.0.0.1]",
        "SPACES_WEB__PORT": "8080",
        "SPACES_CAPTIONS__ENABLED": "false",
        "SPACES_HOSTING__PERMISSIONS": '{"*": host}',
        "SPACES_LOGGING__JSON": "true",
        "SPACES_UNRELATED": "not ours: no double underscore",
        "PATH": "/bin",
    }
    config = settings("web: {port: 1}", environ)
    assert [str(address) for address in config.media.addresses] == ["192.0.2.1", "2001:db8::1"]
    assert [str(name) for name in config.media.hostnames] == ["127.0.0.1"]
    assert config.web.port == 8080
    assert not config.captions.enabled
    assert config.hosting.permissions == {"*": "host"}
    assert config.logging.json_lines


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{AS_TOKEN}\n")
    config = settings("", {"SPACES_APPSERVICE__AS_TOKEN_FILE": str(secret)})
    assert config.appservice.as_token.get_secret_value() == AS_TOKEN
    assert AS_TOKEN not in repr(config)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SPACES_WEB__PROT": "1"}, "Did you mean SPACES_WEB__PORT?"),
        ({"SPACES_WEB__PORT": "many"}, "SPACES_WEB__PORT: `web.port`"),
        ({"SPACES_APPSERVICE__AS_TOKEN_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({"SPACES_WEB__PORT": "1", "SPACES_WEB__PORT_FILE": "/dev/null"}, "set the same key"),
        ({"SPACES_HOSTING__PERMISSIONS": "{a: ["}, "write a YAML list or map"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], words: str) -> None:
    assert words in refusal("", environ)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("domain: home.test", "domain: example.com"), ExitCode.DOMAIN_PLACEHOLDER, "domain"),
        (("spaces.home.test", "spaces.example.com"), ExitCode.CONFIG_INVALID, "public_url"),
        ((AS_TOKEN, PLACEHOLDER), ExitCode.CONFIG_INVALID, "appservice.as_token"),
        ((HS_TOKEN, "changeme"), ExitCode.CONFIG_INVALID, "appservice.hs_token"),
        (("admin_token: ''", "admin_token: changeme"), ExitCode.CONFIG_INVALID, "ops.admin_token"),
    ],
)
def test_placeholders_are_refused(
    tmp_path: Path, change: tuple[str, str], code: ExitCode, words: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(complete_text().replace(*change))
    with pytest.raises(StartUpError, match=words) as caught:
        load(path, {})
    assert caught.value.code is code


LIVEKIT = {
    "SPACES_MEDIA__ENGINE": "livekit",
    "SPACES_LIVEKIT__SERVER_URL": "https://sfu.test",
    "SPACES_LIVEKIT__API_SECRET": "s" * 32,
}


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({"SPACES_LIVEKIT__SERVER_URL": ""}, "`livekit.server_url` is not set"),
        ({"SPACES_LIVEKIT__API_SECRET": ""}, "`livekit.api_secret` is not set"),
        (
            {"SPACES_LIVEKIT__SERVER_URL": "", "SPACES_LIVEKIT__API_SECRET": ""},
            "`livekit.server_url` and `livekit.api_secret` are not set",
        ),
        ({"SPACES_LIVEKIT__ENABLED": "false"}, "`livekit.enabled` is off"),
    ],
)
def test_half_a_livekit_engine_is_refused(
    tmp_path: Path, lacking: dict[str, str], words: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(complete_text())
    with pytest.raises(StartUpError, match=words) as caught:
        load(path, LIVEKIT | lacking)
    assert caught.value.code is ExitCode.CONFIG_INVALID


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "sfu.localhost"])
def test_media_nodes_are_not_sent_to_their_own_machines(tmp_path: Path, host: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(complete_text())
    here = {"SPACES_LIVEKIT__SERVER_URL": f"http://{host}:7880"}
    nodes = {"SPACES_MEDIA__NODE_SECRET": "s" * 32}
    with pytest.raises(StartUpError, match=r"media nodes cannot reach.*`livekit\.url`") as caught:
        load(path, LIVEKIT | here | nodes)
    assert caught.value.code is ExitCode.CONFIG_INVALID
    named = {"SPACES_LIVEKIT__URL": "wss://people.test"}
    config = load(path, LIVEKIT | here | nodes | named)
    assert (config.sfu_url, config.node_sfu_url) == (f"ws://{host}:7880", "wss://people.test")
    assert load(path, LIVEKIT | named | nodes).node_sfu_url == "wss://sfu.test"
    assert load(path, LIVEKIT | here).node_sfu_url == ""  # there are none


def test_with_a_livekit_server_clients_are_sent_there(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(complete_text())
    assert load(path, LIVEKIT).call_url == "wss://sfu.test"
    named = {"SPACES_LIVEKIT__URL": "wss://people.test"}
    config = load(path, LIVEKIT | named)
    assert (config.call_url, config.sfu_url) == ("wss://people.test", "wss://sfu.test")
    assert config.call_service_url.endswith("/livekit")


def test_a_complete_config_loads_read_only(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(complete_text())
    path.chmod(0o400)
    config = load(path, {})
    assert config.bot_mxid == "@spacesbot:home.test"
    assert set(config.secrets) == {AS_TOKEN, HS_TOKEN}


def test_a_password_in_the_database_url_counts_as_a_secret() -> None:
    assert "pa55word" in settings("database: {url: 'postgres://me:pa55word@host/db'}").secrets


def test_the_addresses_of_calls_are_made_of_the_pages() -> None:
    config = settings("web: {public_url: 'https://home.test', path_prefix: /spaces}")
    assert config.call_service_url == "https://home.test/spaces/livekit"
    assert config.call_url == "wss://home.test/spaces/livekit"
    assert settings("web: {public_url: 'http://home.test'}").call_url == "ws://home.test/livekit"
    assert settings("livekit: {url: 'wss://sfu.test/x/'}").call_url == "wss://sfu.test/x"


def test_the_secret_of_calls_counts_as_one() -> None:
    secret = "a-secret-of-calls-that-is-long-enough"
    assert secret in settings(f"livekit: {{api_secret: {secret}}}").secrets


def test_the_secret_of_media_nodes_counts_as_one() -> None:
    secret = "a-secret-of-nodes-that-is-long-enough"
    config = settings(f"media: {{engine: livekit, local_worker: false, node_secret: {secret}}}")
    assert secret in config.secrets
    assert NODE_SECRET_MIN == SECRET_MIN, "the bridge and a node ask for the same"


def test_media_workers_are_a_number_or_one_for_each_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert worker_count(settings("")) == 1
    assert worker_count(settings("media: {workers: 3}")) == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(6)))
    assert worker_count(settings("media: {workers: auto}")) == 6
    assert worker_count(settings("media: {workers: auto, port: 65533}")) == 3
    assert MOST_WORKERS == options.MOST_WORKERS, "the bridge looks for as many as may be set"


def test_the_admin_token_counts_as_a_secret() -> None:
    assert (
        "a-token-of-the-admin-0003"
        in settings("ops: {admin_token: a-token-of-the-admin-0003}").secrets
    )


@pytest.mark.parametrize("secret", ["", "short", PLACEHOLDER, "<placeholder>", "changeme"])
def test_nobody_runs_with_such_a_secret(secret: str) -> None:
    assert not is_usable_secret(secret)


def test_your_own_domain_hosts_and_others_listen_unless_the_config_says_more() -> None:
    config = settings("homeserver: {domain: home.test}")
    assert config.permission_of("@a:home.test") == "host"
    assert config.permission_of("@a:elsewhere.test") == "listen"
    chosen = settings('hosting: {permissions: {"@me:a.test": admin, a.test: host, "*": listen}}')
    assert chosen.permission_of("@me:a.test") == "admin"
    assert chosen.permission_of("@you:a.test") == "host"
    assert chosen.permission_of("@you:b.test") == "listen"


def test_what_a_new_live_space_is_like_is_what_the_config_says() -> None:
    text = """
homeserver: {domain: example.com}
hosting: {max_speakers: 3, max_cohosts: 1, queue_order: airtime, min_followers: 2}
captions: {enabled: false, language: pt}
levels: {host: 80, cohost: 55, speaker: 5}
"""
    told = app_settings(settings(text))
    assert (told.max_speakers, told.max_cohosts, told.min_followers) == (3, 1, 2)
    assert (told.queue_order, told.captions, told.language) == (QueueOrder.AIRTIME, False, "pt")
    assert told.levels == RoleLevels(host=80, cohost=55, speaker=5)
    assert told.bot == "@spacesbot:example.com"


def test_missing_keys_are_added_with_their_comments_and_nothing_else_changes() -> None:
    text = complete_text()
    older = re.sub(r"    # Port to listen on\.\n    port: 29341\n", "", text)
    older = (
        older[: older.index("\n# Logs go")].replace("port: 29342", "port: 29342  # mine") + "\n"
    )
    newer = with_missing_keys(older, PATH)
    assert settings(newer) == settings(older)
    assert "    # Port to listen on.\n    port: 29341\n\n# Health" in newer
    assert "port: 29342  # mine" in newer
    remaining = iter(newer.splitlines())
    assert all(line in remaining for line in older.splitlines())
    assert with_missing_keys(newer, PATH) == newer


def test_a_section_on_one_line_is_left_as_it_is() -> None:
    text = "web: {port: 8080}\n"
    assert with_missing_keys(text, PATH).startswith(text)
    assert settings(with_missing_keys(text, PATH)) == settings(text)


def test_tokens_are_written_where_they_belong_and_comments_stay() -> None:
    text = "appservice:\n  as_token: 'old'   # keep me\n"
    completed = with_tokens(text, AS_TOKEN, HS_TOKEN, PATH)
    assert completed is not None
    assert f"  as_token: {AS_TOKEN}   # keep me\n" in completed
    assert f"  hs_token: {HS_TOKEN}\n" in completed


def test_tokens_that_find_no_place_are_not_forced_in() -> None:
    assert with_tokens("appservice: {id: spaces}\n", AS_TOKEN, HS_TOKEN, PATH) is None


def test_a_written_file_keeps_its_permissions_and_a_new_one_is_private(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    write_private(path, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    write_private(link, "b")
    assert link.is_symlink()
    assert path.read_text() == "b"
    assert path.stat().st_mode & 0o777 == 0o640
    assert {file.name for file in tmp_path.iterdir()} == {"config.yaml", "link.yaml"}


def test_a_machine_without_a_table_of_time_zones_knows_utc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(name: str) -> NoReturn:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("spaces_bridge.config.schema.ZoneInfo", nothing)
    monkeypatch.setattr("spaces_bridge.matrix.settings.ZoneInfo", nothing)
    assert HostingConfig().timezone == "UTC"
    with pytest.raises(ValidationError, match="tzdata"):
        HostingConfig(timezone="Europe/Berlin")
    assert MatrixSettings("http://hs", "x", "as", "hs", "https://pages").zone is UTC
