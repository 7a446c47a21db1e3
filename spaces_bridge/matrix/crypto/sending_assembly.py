"""Assemble what encrypts the bot's events. Nothing starts here."""

from collections.abc import Collection

from spaces_bridge.app.crypto_ports import CryptoStore
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.device_lists import DeviceLists, KeysEndpoint
from spaces_bridge.matrix.crypto.encrypted_rooms import RoomMembers, RoomStateReader
from spaces_bridge.matrix.crypto.encryption import Sending
from spaces_bridge.matrix.crypto.key_sharing import KeySharing
from spaces_bridge.matrix.crypto.olm_outbound import OlmAccount, OlmSender, ToDeviceSender
from spaces_bridge.matrix.crypto.outbound_sessions import OutboundSessions
from spaces_bridge.matrix.crypto.recipients import ShareKeysWith


def assemble_sending(
    account: OlmAccount,
    homeserver: KeysEndpoint,
    store: CryptoStore,
    queue: ToDeviceSender,
    reader: RoomStateReader,
    clock: Clock,
    policy: ShareKeysWith,
) -> Sending:
    """Return the parts that encrypt for others, joined together."""
    lists = DeviceLists(homeserver, store, clock)
    members = RoomMembers(reader)
    sessions = OutboundSessions(store, account, clock)
    olm = OlmSender(homeserver, store, account, queue, clock)
    keys = KeySharing(account, lists, members, sessions, olm, queue, clock, policy)
    return Sending(keys, sessions, members, lists, olm)


async def follow(
    lists: DeviceLists, changed: Collection[UserId], left: Collection[UserId], is_gap: bool
) -> None:
    """Hand on what the key sync says of people's devices. Raises StorageError."""
    if is_gap:
        await lists.all_changed()
    await lists.changed(list(changed), list(left))
