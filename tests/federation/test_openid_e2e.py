"""Somebody of another homeserver is known by that homeserver's word, over real federation."""

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.matrix import OpenIdSettings, OpenIdVerifier
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.federation.twins import Twins

pytestmark = pytest.mark.e2e

LOOPBACK = ("127.0.0.0/8", "::1/128")


async def test_each_server_speaks_for_its_own(twins: Twins) -> None:
    home, away = twins.home.homeserver, twins.away
    carl = MatrixUser(away.url, await away.register("carl"))
    ada = MatrixUser(home.url, await home.register("ada"))
    settings = OpenIdSettings(home.url, home.domain, LOOPBACK, str(twins.authority.root))
    verifier = OpenIdVerifier(settings)
    await verifier.start()
    try:
        await carl.start(follow=False)
        await ada.start(follow=False)
        foreign, own = await carl.openid_token(), await ada.openid_token()
        assert foreign["matrix_server_name"] == away.domain
        for token, user in ((foreign, carl), (own, ada)):
            server, secret = token["matrix_server_name"], token["access_token"]
            assert await verifier.verify(server, secret) == user.id
        # neither knows the other's tokens
        assert await verifier.verify(home.domain, foreign["access_token"]) is None
        assert await verifier.verify(away.domain, own["access_token"]) is None
    finally:
        await verifier.stop()
        await carl.stop()
        await ada.stop()


async def test_a_server_of_a_private_network_is_not_asked_unless_allowed(twins: Twins) -> None:
    home, away = twins.home.homeserver, twins.away
    verifier = OpenIdVerifier(OpenIdSettings(home.url, home.domain, (), str(twins.authority.root)))
    await verifier.start()
    try:
        with pytest.raises(AdapterError):
            await verifier.verify(away.domain, "any")
    finally:
        await verifier.stop()
