"""The messages of the other side, read. Pure; whatever is odd is InvalidMessage.

Spec: Client-Server API, "Key verification framework" and "Verification messages specific to SAS".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.matrix.verification.limits import LIST_MAX, TEXT_MAX
from spaces_bridge.matrix.verification.values import PREFIX, SAS_METHOD


class InvalidMessage(Exception):
    """The message is not as the spec wants it."""


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a method. `content`: all of it, which the commitment is about.

    The lists are what the other side understands; they are empty for a method other than SAS.
    """

    device: str
    method: str
    content: Mapping[str, Any]
    agreements: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accept:
    """The answer to our start: what was chosen, and the commitment to a key that comes later."""

    agreement: str
    hash: str
    mac: str
    shown: tuple[str, ...]
    commitment: str


@dataclass(frozen=True, slots=True)
class EphemeralKey:
    """The ephemeral public key."""

    key: str


@dataclass(frozen=True, slots=True)
class Mac:
    """The MACs of the other side's keys, by key id, and the MAC of the list of those ids."""

    macs: Mapping[str, str]
    ids: str


@dataclass(frozen=True, slots=True)
class Done:
    """The other side is done."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The other side cancelled, for the reason that `code` names."""

    code: str


Heard = Start | Accept | EphemeralKey | Mac | Done | Cancel


def device_in(content: Mapping[str, Any]) -> str:
    """Return the device that a request or a start comes from. Raises InvalidMessage."""
    return _text(content, "from_device")


def methods_in(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the methods that a request offers. Raises InvalidMessage."""
    return _texts(content, "methods")


def heard_in(type_: str, content: Mapping[str, Any]) -> Heard:
    """Return what a message of this event type says. Raises InvalidMessage."""
    match type_.removeprefix(PREFIX):
        case "start":
            return _start(content)
        case "accept":
            return Accept(
                _text(content, "key_agreement_protocol"),
                _text(content, "hash"),
                _text(content, "message_authentication_code"),
                _texts(content, "short_authentication_string"),
                _text(content, "commitment"),
            )
        case "key":
            return EphemeralKey(_text(content, "key"))
        case "mac":
            return Mac(_macs(content), _text(content, "keys"))
        case "done":
            return Done()
        case "cancel":
            code = content.get("code")
            return Cancel(code[:TEXT_MAX] if isinstance(code, str) else "")
        case _:
            raise InvalidMessage(type_)


def _start(content: Mapping[str, Any]) -> Start:
    device, method = device_in(content), _text(content, "method")
    if method != SAS_METHOD:
        return Start(device, method, content)
    return Start(
        device,
        method,
        content,
        _texts(content, "key_agreement_protocols"),
        _texts(content, "hashes"),
        _texts(content, "message_authentication_codes"),
        _texts(content, "short_authentication_string"),
    )


def _macs(content: Mapping[str, Any]) -> dict[str, str]:
    macs = content.get("mac")
    if not isinstance(macs, Mapping) or not 0 < len(macs) <= LIST_MAX:
        raise InvalidMessage("mac")
    if not all(_is_text(value) for pair in macs.items() for value in pair):
        raise InvalidMessage("mac")
    return dict(macs)


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not _is_text(value):
        raise InvalidMessage(name)
    return value


def _texts(content: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = content.get(name)
    if not isinstance(values, list) or len(values) > LIST_MAX:
        raise InvalidMessage(name)
    if not all(_is_text(value) for value in values):
        raise InvalidMessage(name)
    return tuple(values)


def _is_text(value: object) -> bool:
    """Return whether the value is text that can stand in JSON: no lone surrogates in it."""
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
