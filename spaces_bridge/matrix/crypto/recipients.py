"""Who gets the key of a room's messages, and who is told why not. Pure.

Spec: Client-Server API, "Reporting that decryption keys are withheld".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from spaces_bridge.app.crypto_ports import KnownDevice

ShareKeysWith = Literal["everybody", "cross_signed"]
"""Devices that may get keys: all in the room, or those that their owner has cross-signed."""

DEVICES_MAX: Final = 10_000
"""Devices of one room that get its keys; in larger crowds the rest cannot read the bot."""


class Withholding(StrEnum):
    """The code of a key that a device does not get. Spec: `m.room_key.withheld`."""

    NONE = ""
    """The device got the key."""
    UNVERIFIED = "m.unverified"
    """The device's owner has not cross-signed it, and the config wants that."""
    NO_OLM = "m.no_olm"
    """The device has no one-time key left, so no session could be set up with it."""


WORDS: Final = {
    Withholding.UNVERIFIED: "Your device is not verified by you. Verify it in its settings.",
    Withholding.NO_OLM: "Your device had no key left to set up a secure channel with it.",
}
"""What is said beside a code."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The devices of a room: those that get keys, and those that get `m.unverified` instead."""

    trusted: tuple[KnownDevice, ...] = ()
    untrusted: tuple[KnownDevice, ...] = ()
    left_out: int = field(default=0)
    """How many devices are beyond `DEVICES_MAX`."""


def recipients_of(devices: Iterable[KnownDevice], policy: ShareKeysWith) -> Recipients:
    """Return which of these devices get keys. The order decides who is beyond the bound."""
    trusted: list[KnownDevice] = []
    untrusted: list[KnownDevice] = []
    left_out = 0
    for device in devices:
        if len(trusted) + len(untrusted) >= DEVICES_MAX:
            left_out += 1
        elif policy == "everybody" or device.is_cross_signed:
            trusted.append(device)
        else:
            untrusted.append(device)
    return Recipients(tuple(trusted), tuple(untrusted), left_out)
