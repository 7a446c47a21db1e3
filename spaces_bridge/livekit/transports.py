"""What a homeserver announces to clients of calls, and what an admin has to add. Pure.

Sources: MSC4143 (`/rtc/transports`), MSC4195 (transports of type `livekit`), Synapse's
configuration manual, "matrix_rtc".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ENDPOINT: Final = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"

_TO_ADD: Final = """\
{what} homeserver.yaml and restart the homeserver (merge it into keys that are there):
experimental_features:
    msc4143_enabled: true
matrix_rtc:
    transports:
        - type: livekit
          url: {url}
          livekit_service_url: {service}
max_event_delay_duration: 24h    # who vanishes leaves the call
Older clients read .well-known/matrix/client of your domain:
"org.matrix.msc4143.rtc_foci": [{{"type": "livekit", "livekit_service_url": "{service}"}}]
An Element Call of your own may name it in its config.json instead:
"livekit": {{"livekit_service_url": "{service}"}}"""


@dataclass(frozen=True, slots=True)
class CallAddresses:
    """The addresses that a transport of ours has: the SFU's `url`, and the authoriser's."""

    url: str
    service: str


def advice(status: int, answer: Mapping[str, object], ours: CallAddresses) -> tuple[str, bool]:
    """Return what is to be said of the homeserver's answer, and whether it is a warning."""
    if status == 404:
        return _lacks("the homeserver does not tell clients where calls are", ours), True
    if status != 200:
        error = answer.get("error", f"status {status}")
        return f"the homeserver does not say where calls are ({error})", True
    transports = _transports(answer)
    if not transports:
        # clients take that for an answer, and look at no .well-known
        text = (
            "the homeserver tells clients that there are no calls anywhere, which is worse than "
        )
        return _lacks(f"{text}nothing", ours), True
    return _of_transports(transports, ours)


def _of_transports(
    transports: Sequence[Mapping[str, object]], ours: CallAddresses
) -> tuple[str, bool]:
    mine = next((t for t in transports if _is_ours(t, ours)), None)
    if mine is None:
        others = ", ".join(str(t.get("livekit_service_url") or t.get("url")) for t in transports)
        return (
            f"the homeserver sends calls elsewhere ({others}): Element Call will not come to live "
            f"spaces here. A homeserver has one place for all its calls; for this one:\n"
            + _to_add(ours, "Change in"),
            True,
        )
    lacking = [name for name in ("url", "livekit_service_url") if not mine.get(name)]
    if lacking:
        text = (
            f"the homeserver names this bridge for calls, but not its {lacking[0]}: some clients "
        )
        return f"{text}will not find it.\n{_to_change(lacking[0], mine, ours)}", True
    wrong = [n for n, v in _named(ours).items() if str(mine[n]) != v]
    if wrong:
        name = wrong[0]
        text = f"the homeserver names another {name} for calls than this bridge has: clients "
        if str(mine[name]).rstrip("/") == _named(ours)[name]:
            text = f"the homeserver's {name} for calls ends in a slash: some clients "
        return f"{text}will not find it.\n{_to_change(name, mine, ours)}", True
    if mine is not transports[0]:
        text = "the homeserver names this bridge for calls, but not first: Element Call takes the "
        return f"{text}first one. Put it first in `matrix_rtc.transports`.", True
    return "the homeserver tells clients that calls are here", False


def _named(ours: CallAddresses) -> Mapping[str, str]:
    return {"url": ours.url, "livekit_service_url": ours.service}


def _is_ours(transport: Mapping[str, object], ours: CallAddresses) -> bool:
    return any(str(transport.get(n, "")).rstrip("/") == v for n, v in _named(ours).items())


def _transports(answer: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    found = answer.get("rtc_transports")
    listed = found if isinstance(found, list) else []
    return [t for t in listed if isinstance(t, Mapping) and t.get("type") == "livekit"]


def _lacks(what: str, ours: CallAddresses) -> str:
    return f"{what}: Element Call finds no way into live spaces.\n{_to_add(ours)}"


def _to_change(name: str, mine: Mapping[str, object], ours: CallAddresses) -> str:
    return (
        f"Found: {name}: {mine.get(name) or 'nothing'}, wanted: {name}: {_named(ours)[name]}. If "
        "the file says so already, restart the homeserver.\n" + _to_add(ours, "Change (or add) in")
    )


def _to_add(ours: CallAddresses, what: str = "Add to") -> str:
    return _TO_ADD.format(what=what, url=ours.url, service=ours.service)
