"""The tokens of calls: what ours say, and which are refused."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace

import jwt
import pytest

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit.tokens import (
    GOOD_FOR_S,
    LEEWAY_S,
    LENGTH_MAX,
    CallGrant,
    TokenRefused,
    TokenSigner,
    derived_secret,
)
from tests.support.edge import Clock

pytestmark = pytest.mark.unit

KEY, SECRET = "spaces", "a secret that is long enough for HS512, too: " + "x" * 32
GRANT = CallGrant(
    room="2gRh0yoPoLfQn1dk4ltyuRPWoFZJZwzuDaE2uM4abwA",
    identity="@alice:space.test:ALICEDEV",
    name="Alice",
    user=UserId("@alice:space.test"),
    space=SpaceId("space0000000000a"),
    join=True,
    can_publish=False,
    can_subscribe=True,
)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
def signer(clock: Clock) -> TokenSigner:
    return TokenSigner(KEY, SECRET, clock)


def made(claims: Mapping[str, object], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(dict(claims), secret, algorithm=algorithm)


def base(**more: object) -> Mapping[str, object]:
    return {"iss": KEY, "sub": "x", "exp": 1_800_000_100, "video": {"room": "r"}} | more


def test_a_token_says_what_it_was_issued_for(signer: TokenSigner, clock: Clock) -> None:
    read = signer.read(signer.issue(GRANT))
    assert read.expires_s == int(clock.now) + GOOD_FOR_S
    assert (read.room, read.identity, read.name) == (GRANT.room, GRANT.identity, GRANT.name)
    assert (read.user, read.space) == (GRANT.user, GRANT.space)
    assert (read.join, read.can_publish, read.can_subscribe) == (True, False, True)
    assert (read.admin, read.room_list, read.room_create) == (False, False, False)


def test_a_token_has_the_claims_that_livekits_clients_read(signer: TokenSigner) -> None:
    claims = signer.claims(signer.issue(GRANT))
    assert claims["iss"] == KEY
    assert claims["sub"] == GRANT.identity
    assert claims["video"] == {
        "room": GRANT.room,
        "roomJoin": True,
        "roomCreate": False,
        "canPublish": False,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canUpdateOwnMetadata": True,
    }


@pytest.mark.parametrize("name", ["Who? ~>", "?", "~~", ">>>", "Zoë\x7f", "\U0001f600?", "a?b"])
@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_element_call_can_read_a_token_whatever_a_name_is(
    signer: TokenSigner, name: str, before: str
) -> None:
    """It does so with `atob`, which has no `-` and no `_`."""
    token = signer.issue(replace(GRANT, name=before + name))
    assert not set("-_") & set(token.split(".")[1])
    assert signer.read(token).name == before + name


def test_a_token_of_room_service_is_read(signer: TokenSigner) -> None:
    """The form in which LiveKit's server libraries make them: no identity, no claims of ours."""
    token = made({"iss": KEY, "exp": 1_800_000_600, "video": {"roomAdmin": True, "room": "r"}})
    read = signer.read(token)
    assert (read.admin, read.room, read.join) == (True, "r", False)
    assert (read.user, read.space, read.identity) == (None, None, "")


def test_the_same_token_is_issued_again_within_one_second(signer: TokenSigner) -> None:
    assert signer.issue(GRANT) == signer.issue(GRANT)


def test_a_token_ends_after_an_hour(signer: TokenSigner, clock: Clock) -> None:
    token = signer.issue(GRANT)
    clock.now += GOOD_FOR_S + LEEWAY_S - 1
    signer.read(token)
    clock.now += 1
    with pytest.raises(TokenRefused, match="expired"):
        signer.read(token)


def test_a_token_of_tomorrow_is_refused(signer: TokenSigner, clock: Clock) -> None:
    with pytest.raises(TokenRefused, match="not valid yet"):
        signer.read(made(base(nbf=int(clock.now) + LEEWAY_S + 1)))


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (made(base(), secret="another secret, as long as needed"), "not signed"),
        (made(base(), algorithm="HS512"), "no token"),
        (made(base(), secret="", algorithm="none"), "no token"),
        (made(base(iss="other")), "another API key"),
        (made({"sub": "x", "exp": 1_800_000_100, "video": {}}), "another API key"),
        (made({"iss": KEY, "video": {"room": "r"}}), "until when"),
        (made(base(exp=True)), "until when"),
        (made(base(exp="1800000100")), "until when"),
        (made(base(exp=1e300)), "until when"),
        (made(base(exp=-1)), "until when"),
        (made(base(nbf="now")), "not valid yet"),
        (made({"iss": KEY, "exp": 1_800_000_100}), "no video grant"),
        (made(base(video=["roomJoin"])), "no video grant"),
        (made(base(video={"room": 7})), "room is no text"),
        (made(base(name={"a": 1})), "name is no text"),
        (made(base(**{"io.spacesbridge.user": ["@a:b"]})), "user is no text"),
        ("", "no token"),
        ("a.b.c", "no token"),
        ("ü.ü.ü", "no token"),
        ("\ud800", "no token"),
        (made(base())[:-4], "no token"),
        (made(base()) + "x" * LENGTH_MAX, "too long"),
    ],
)
def test_other_tokens_are_refused_with_a_reason(signer: TokenSigner, token: str, why: str) -> None:
    with pytest.raises(TokenRefused, match=why) as refused:
        signer.read(token)
    assert "\n" not in refused.value.text


def test_claims_that_were_changed_under_the_signature_are_refused(signer: TokenSigner) -> None:
    head, body, signature = signer.issue(GRANT).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["video"]["canPublish"] = True
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(TokenRefused, match="not signed"):
        signer.read(f"{head}.{forged}.{signature}")


def test_only_true_grants_anything(signer: TokenSigner) -> None:
    video = {"room": "r", "roomJoin": 1, "roomAdmin": "true", "canPublish": 1, "roomList": [1]}
    read = signer.read(made(base(video=video)))
    assert not any((read.join, read.admin, read.can_publish, read.room_list))


def test_the_derived_secret_is_the_same_after_a_restart_and_tells_nothing() -> None:
    one, other = derived_secret("as_token"), derived_secret("as_token2")
    assert one == derived_secret("as_token")
    assert one != other
    assert "as_token" not in one
    assert len(one) == 64
