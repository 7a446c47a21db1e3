"""The Client-Server API as the bot's encryption device: keys, to-device messages, the key sync.

Spec: Client-Server API, "End-to-end encryption"; devices of an appservice from MSC4190; the sync
from MSC4186 (simplified sliding sync) with no rooms in it, because events come by transactions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.http import HomeserverApi, Json

SYNC_VERSION: Final = "unstable/org.matrix.simplified_msc3575"
SYNC_WAIT_S: Final = 30.0
"""Seconds for which the homeserver keeps a sync that has no news."""
SYNC_SLACK_S: Final = 30.0
DEVICE_NAME: Final = "Spaces bridge (encrypted chats)"
DEVICE_PREFIX: Final = "SPACES"
"""The beginning of the names of encryption devices; the device of room events is just that."""


class KeysApi:
    """The calls of the bot's encryption device. All raise RequestRefused and Away."""

    def __init__(self, api: HomeserverApi, user: UserId) -> None:
        self._api = api
        self.user = user
        self.device = ""
        """The device on whose behalf calls are made; empty until there is one."""

    async def call(
        self,
        method: str,
        path: Sequence[str],
        body: Json | None = None,
        *,
        version: str = "v3",
        query: Mapping[str, str] | None = None,
        within_s: float = 60.0,
    ) -> Any:  # noqa: ANN401 - JSON
        """Make one call as the bot's encryption device."""
        return await self._api.call(
            method,
            path,
            body,
            user=self.user,
            device=self.device,
            query=query,
            version=version,
            within_s=within_s,
        )

    # --- devices --------------------------------------------------------------------------------

    async def sender(self) -> str:
        """Return the user whom the homeserver takes the token for where a call names none."""
        return str((await self._api.call("GET", ["account", "whoami"]))["user_id"])

    async def own_devices(self) -> list[str]:
        """Return the names of the bot's devices."""
        answer = await self._api.call("GET", ["devices"], user=self.user, device=None)
        return [str(each["device_id"]) for each in answer["devices"]]

    async def make_device(self, device: str) -> None:
        """Make a device, or leave it as it is (MSC4190)."""
        body = {"display_name": DEVICE_NAME}
        await self._api.call("PUT", ["devices", device], body, user=self.user, device=None)

    async def delete_device(self, device: str) -> None:
        """Delete a device, if it is there (MSC4190)."""
        try:
            await self._api.call("DELETE", ["devices", device], {}, user=self.user, device=None)
        except RequestRefused as refusal:
            if refusal.status != 404:
                raise

    # --- keys -----------------------------------------------------------------------------------

    async def upload_keys(self, body: Json) -> None:
        """Publish device keys, one-time keys and fallback keys."""
        await self.call("POST", ["keys", "upload"], body)

    async def upload_cross_signing(self, body: Json) -> None:
        """Publish the bot's cross-signing keys; an appservice needs no password for that."""
        await self.call("POST", ["keys", "device_signing", "upload"], body)

    async def upload_signatures(self, body: Json) -> None:
        """Publish signatures. Raises RequestRefused also when the homeserver takes none."""
        answer = await self.call("POST", ["keys", "signatures", "upload"], body)
        if answer.get("failures"):
            raise RequestRefused(400, "M_INVALID_SIGNATURE", "the signatures are not taken")

    # --- to-device ------------------------------------------------------------------------------

    async def send_to_device(self, type_: str, txn: str, messages: Json) -> None:
        """Send to-device messages, once per transaction id."""
        await self.call("PUT", ["sendToDevice", type_, txn], {"messages": messages})

    async def sync(self, position: str, since: str) -> Json:
        """Wait for news: to-device messages behind `since`, and changes of devices.

        Asking with `since` deletes at the homeserver what came before it. `position`: of the
        connection; empty begins a new one.
        """
        query = {"timeout": str(int(SYNC_WAIT_S * 1000) if position else 0)}
        if position:
            query["pos"] = position
        to_device: dict[str, Any] = {"enabled": True, "limit": 100}
        if since:
            to_device["since"] = since
        body = {
            "conn_id": "keys",
            "lists": {},
            "extensions": {"e2ee": {"enabled": True}, "to_device": to_device},
        }
        answer: Json = await self.call(
            "POST",
            ["sync"],
            body,
            version=SYNC_VERSION,
            query=query,
            within_s=SYNC_WAIT_S + SYNC_SLACK_S,
        )
        return answer
