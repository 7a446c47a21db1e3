"""What remote speakers do with their microphones, as an SFU shows it. Pure.

A microphone opens by its owner's own act: a track that is published or unmuted opens once. After
that it stays shut, whatever the floor, until its owner has muted it and unmutes it again.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Final

from spaces_bridge.app.relay_ports import RelayedParticipant
from spaces_bridge.app.remote_ports import RemoteMember
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.names import device_identity, member_identity, sender_identity

USED_MAX: Final = 500
"""Tracks of one live space of which is remembered that they have opened once."""


class TrackState(Enum):
    """The state of a remote speaker's unmuted track."""

    OPENING = auto()
    """The live space is asked to open the microphone."""
    OPEN = auto()
    SHUT = auto()
    """It has opened once, or was refused: only another act of its owner opens it."""


class OpenedTracks:
    """The acts of one live space that have opened a microphone, by their tracks; bounded."""

    def __init__(self) -> None:
        self._used = OrderedDict[str, None]()

    def __contains__(self, sid: str) -> bool:
        return sid in self._used

    def use(self, sid: str) -> None:
        """Note that the act was used."""
        self._used[sid] = None
        if len(self._used) > USED_MAX:
            self._used.popitem(last=False)

    def renew(self, sids: Iterable[str]) -> None:
        """Forget the acts of tracks that are muted: unmuting will be another one."""
        for sid in sids:
            self._used.pop(sid, None)


def owner_of(
    participant: RelayedParticipant, members: Iterable[RemoteMember]
) -> RemoteMember | None:
    """Return whose device a participant is, by the names that MSC4195 gives it; None: nobody's.

    The SFU says which names there are: `members` are those alone who have named that SFU.
    """
    for member in members:
        names = (
            device_identity(member.user, member.device),
            member_identity(member.user, member.device, member.member),
            sender_identity(member.user, member.member),
        )
        if participant.identity in names:
            return member
    return None


def tracks_of(
    participants: Iterable[RelayedParticipant], members: Iterable[RemoteMember]
) -> tuple[Mapping[str, UserId], frozenset[str]]:
    """Return the unmuted tracks of these members with their users, and the muted tracks."""
    unmuted: dict[str, UserId] = {}
    muted = set[str]()
    known = tuple(members)
    for participant in participants:
        member = owner_of(participant, known)
        if member is None:
            continue
        for track in participant.tracks:
            if track.is_muted:
                muted.add(track.sid)
            else:
                unmuted[track.sid] = member.user
    return unmuted, frozenset(muted)
