"""The cryptography of SAS: what is agreed on, the commitment, the code to compare, the MACs.

Spec: Client-Server API, "Short Authentication String (SAS) verification". Diffie-Hellman and
HKDF are vodozemac's. Pure, but that a `Sas` makes a fresh key and serves once.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vodozemac import Curve25519PublicKey, EstablishedSas, Sas

from spaces_bridge.app.verification_ports import SasCode
from spaces_bridge.matrix.crypto.signatures import canonical_json
from spaces_bridge.matrix.verification.heard import (
    Accept,
    EphemeralKey,
    InvalidMessage,
    Mac,
    Start,
)
from spaces_bridge.matrix.verification.values import Exchange, Side

AGREEMENT: Final = "curve25519-hkdf-sha256"
HASH: Final = "sha256"
MAC: Final = "hkdf-hmac-sha256.v2"
OLD_MAC: Final = "hkdf-hmac-sha256"
"""Deprecated: its base64 is libolm's faulty one. Only for who does not know `MAC`."""
EMOJI: Final = "emoji"
DECIMAL: Final = "decimal"


class NothingInCommon(Exception):
    """The two sides have no key agreement, hash, MAC or SAS method in common."""


class KeyMismatch(Exception):
    """A MAC is wrong, or none is about a key that is known of the other side."""


@dataclass(frozen=True, slots=True)
class SasChoice:
    """What both sides use: the method of MACs, and how the code is shown (emoji, decimal)."""

    mac: str
    shown: tuple[str, ...]


def proposal(exchange: Exchange) -> dict[str, Any]:
    """Return the content of our `m.key.verification.start`."""
    return exchange.content(
        from_device=exchange.us.device,
        method="m.sas.v1",
        key_agreement_protocols=[AGREEMENT],
        hashes=[HASH],
        message_authentication_codes=[MAC, OLD_MAC],
        short_authentication_string=[EMOJI, DECIMAL],
    )


def chosen_from(start: Start) -> SasChoice:
    """Return what we choose of what the other side understands. Raises NothingInCommon."""
    mac = next((m for m in (MAC, OLD_MAC) if m in start.macs), None)
    shown = tuple(s for s in (EMOJI, DECIMAL) if s in start.shown)
    if AGREEMENT not in start.agreements or HASH not in start.hashes or mac is None or not shown:
        raise NothingInCommon
    return SasChoice(mac, shown)


def chosen_by(accept: Accept) -> SasChoice:
    """Return what the other side chose of our proposal. Raises NothingInCommon."""
    shown = tuple(s for s in (EMOJI, DECIMAL) if s in accept.shown)
    known = accept.agreement == AGREEMENT and accept.hash == HASH and bool(shown)
    if not known or accept.mac not in (MAC, OLD_MAC):
        raise NothingInCommon
    return SasChoice(accept.mac, shown)


def commitment(key: str, start: Mapping[str, Any]) -> str:
    """Return the commitment to a public key, given the content of the start it answers.

    Raises InvalidMessage for contents that have no canonical JSON.
    """
    try:
        covered = key.encode() + canonical_json(start)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage("start") from error
    return b64encode(hashlib.sha256(covered).digest()).decode().rstrip("=")


class SharedSecret:
    """The secret that both sides share once the keys are exchanged."""

    def __init__(self, exchange: Exchange, mac: str, established: EstablishedSas) -> None:
        self._exchange = exchange
        self._mac = mac
        self._established = established

    def code(self, starter: tuple[Side, str], accepter: tuple[Side, str]) -> SasCode:
        """Return the code that people compare; a side comes with its ephemeral public key."""
        parts = ["MATRIX_KEY_VERIFICATION_SAS"]
        for side, key in (starter, accepter):
            parts += [side.user, side.device, key]
        found = self._established.bytes("|".join([*parts, self._exchange.id]))
        one, two, three = found.decimals
        return SasCode(tuple(found.emoji_indices), (one, two, three))

    def macs_of_ours(self) -> dict[str, Any]:
        """Return the fields of our `m.key.verification.mac`."""
        keys = self._exchange.us.keys
        macs = {id_: self._mac_of(key, id_) for id_, key in keys.items()}
        return {"mac": macs, "keys": self._mac_of(",".join(sorted(keys)), "KEY_IDS")}

    def verified_by(self, heard: Mac) -> tuple[str, ...]:
        """Return the ids of the other side's keys whose MACs are right. Raises KeyMismatch.

        Keys that we do not know are passed over, as they may be newer than what we asked for; one
        wrong MAC of a known key, a wrong list, or no known key at all, verifies nothing.
        """
        known = self._exchange.them.keys
        self._expect(",".join(sorted(heard.macs)), "KEY_IDS", heard.ids)
        mine = [id_ for id_ in sorted(heard.macs) if id_ in known]
        for id_ in mine:
            self._expect(known[id_], id_, heard.macs[id_])
        if not mine:
            raise KeyMismatch
        return tuple(mine)

    def _mac_of(self, text: str, id_: str) -> str:
        info = self._info(self._exchange.us, self._exchange.them, id_)
        return self._calculated(text, info)

    def _expect(self, text: str, id_: str, mac: str) -> None:
        info = self._info(self._exchange.them, self._exchange.us, id_)
        expected = self._calculated(text, info)
        # unpadded is what the spec says; libolm's clients pad nothing either
        if not hmac.compare_digest(expected.encode(), mac.rstrip("=").encode()):
            raise KeyMismatch

    def _info(self, sender: Side, receiver: Side, id_: str) -> str:
        sides = f"{sender.user}{sender.device}{receiver.user}{receiver.device}"
        return f"MATRIX_KEY_VERIFICATION_MAC{sides}{self._exchange.id}{id_}"

    def _calculated(self, text: str, info: str) -> str:
        if self._mac == OLD_MAC:
            return self._established.calculate_mac_invalid_base64(text, info)
        return self._established.calculate_mac(text, info)


def agreed(exchange: Exchange, choice: SasChoice, ours: Sas, theirs: EphemeralKey) -> SharedSecret:
    """Return the shared secret; `ours` is used up. Raises InvalidMessage for what is no key."""
    try:
        established = ours.diffie_hellman(Curve25519PublicKey.from_base64(theirs.key))
    except ValueError as error:
        raise InvalidMessage("key") from error
    return SharedSecret(exchange, choice.mac, established)


def public_key(sas: Sas) -> str:
    """Return the ephemeral public key in unpadded base64."""
    return sas.public_key.to_base64()
