"""Moves that people, hosts' clients and the homeserver may make, for property tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import Doubt, QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from tests.core.space_model import ROOM, SpaceModel
from tests.support.spaces import BEN, EVE, GUEST, HOST

CAT = UserId("@cat:example.org")
DAN = UserId("@dan:elsewhere.net")
ACCOUNTS = (HOST, BEN, CAT, DAN, EVE)
EVERYBODY = (*ACCOUNTS, GUEST)
CREATE = cmd.CreateSpace(
    SpaceId("space1"), "talk", "Talk", HOST, "Ada", 0, max_speakers=2, max_cohosts=2
)


@dataclass(frozen=True)
class Step:
    """What a move led to. `command`: it was a command of somebody's."""

    before: LiveSpace
    command: cmd.Command | None
    events: Sequence[ev.Event]


@dataclass(frozen=True)
class Move:
    """Something somebody does; `told` reads well in a failing example."""

    told: str
    act: Callable[[SpaceModel], object]
    command: cmd.Command | None = None

    def make(self, model: SpaceModel) -> Step:
        before, known = model.space, len(model.journal)
        self.act(model)
        return Step(before, self.command, model.journal[known:])

    def __repr__(self) -> str:
        return self.told


def opened() -> SpaceModel:
    """Live, everybody with an account there: Ben and Cat co-host, Cat muted, Dan is heard."""
    model = SpaceModel(CREATE)
    model.obey(cmd.AttachRoom(ROOM))
    for user in ACCOUNTS:
        model.joins(user)
    model.see_levels()
    model.obey(cmd.StartSpace(HOST, 1))
    for user in (BEN, CAT):
        model.obey(cmd.AppointCohost(HOST, user))
    model.obey(cmd.RequestToSpeak(DAN, 1))
    model.obey(cmd.ApproveSpeaker(HOST, DAN))
    model.settle()
    model.obey(cmd.OpenMicrophone(DAN))
    model.obey(cmd.MuteSpeaker(HOST, CAT))
    return model


def _obey(command: cmd.Command) -> Move:
    return Move(repr(command), lambda model: model.obey(command), command)


def _moved(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Move]:
    def move(chosen: tuple[object, ...]) -> Move:
        return Move(f"{name}{chosen}", lambda model: getattr(model, name)(*chosen))

    return st.tuples(*arguments).map(move)


WHO = st.sampled_from(ACCOUNTS)
ANYBODY = st.sampled_from(EVERYBODY)
MODERATOR = st.one_of(st.sampled_from([HOST, BEN, CAT]), WHO)
NOW = st.integers(0, 10**9)
WORD = st.sampled_from(["", "N", "https://example.org/"])

ABOUT_PEOPLE: st.SearchStrategy[cmd.Command] = st.one_of(
    st.builds(cmd.RequestToSpeak, WHO, NOW, st.just("N"), followed=st.booleans()),
    st.builds(cmd.RequestToSpeak, st.just(GUEST), NOW, st.just("Zoe"), st.just(True)),
    st.builds(cmd.CancelRequest, ANYBODY),
    st.builds(cmd.ApproveSpeaker, MODERATOR, ANYBODY),
    st.builds(cmd.BringSpeaker, MODERATOR, ANYBODY),
    st.builds(cmd.AcceptInvitation, ANYBODY),
    st.builds(cmd.DemoteSpeaker, MODERATOR, ANYBODY),
    st.builds(cmd.LeaveStage, ANYBODY),
    st.builds(cmd.MuteSpeaker, MODERATOR, ANYBODY),
    st.builds(cmd.UnmuteSpeaker, MODERATOR, ANYBODY),
    st.builds(cmd.SetVolume, MODERATOR, ANYBODY, st.sampled_from([None, 0, 80, 200, 201])),
    st.builds(cmd.AppointCohost, MODERATOR, ANYBODY),
    st.builds(cmd.DismissCohost, MODERATOR, ANYBODY),
    st.builds(cmd.HandOver, MODERATOR, ANYBODY),
    st.builds(
        cmd.RemovePerson, st.one_of(st.none(), MODERATOR), ANYBODY, WORD, blocked=st.booleans()
    ),
    st.builds(cmd.ReadmitPerson, st.one_of(st.none(), MODERATOR), ANYBODY),
    st.builds(cmd.OpenMicrophone, ANYBODY),
)
OTHERS: st.SearchStrategy[cmd.Command] = st.one_of(
    st.builds(cmd.ApproveNext, MODERATOR),
    st.builds(cmd.DenySpeaker, MODERATOR, ANYBODY),
    st.builds(cmd.ClearQueue, MODERATOR),
    st.builds(cmd.OrderQueue, MODERATOR, st.sampled_from(QueueOrder)),
    st.builds(cmd.DeclineInvitation, ANYBODY),
    st.builds(cmd.MuteAll, MODERATOR),
    st.builds(cmd.LockSpace, MODERATOR),
    st.builds(cmd.UnlockSpace, MODERATOR),
    st.builds(cmd.SetChat, MODERATOR, st.booleans()),
    st.builds(cmd.SetGuests, MODERATOR, st.sampled_from(GuestPolicy)),
    st.builds(cmd.CloseMicrophone, ANYBODY),
    st.builds(cmd.SuspectLoss, ANYBODY, st.sampled_from(Doubt)),
    st.builds(cmd.SetSpeakPolicy, MODERATOR, st.sampled_from(SpeakPolicy)),
    st.builds(cmd.SetCaptions, MODERATOR, st.booleans(), st.sampled_from(["", "en"])),
    st.builds(cmd.Reschedule, MODERATOR, NOW, NOW),
    st.builds(cmd.Retitle, MODERATOR, WORD),
    st.builds(cmd.NoteHostAway, WHO),
    st.builds(cmd.NoteHostBack, WHO),
    st.builds(cmd.WantReminder, WHO),
    st.builds(cmd.DropReminder, WHO),
    st.builds(cmd.EndSpace, st.one_of(st.none(), MODERATOR), NOW),
    st.builds(cmd.PassTime, NOW, st.sampled_from([0, 300_000, 10**9])),
    st.builds(cmd.React, ANYBODY, st.sampled_from(["👏", "❤️"])),
    st.builds(cmd.CountReactions, st.dictionaries(st.just("👏"), st.integers(-1, 9))),
    st.builds(cmd.SharePost, MODERATOR, WORD, NOW),
    st.builds(cmd.InvitePerson, ANYBODY, ANYBODY),
    st.builds(
        cmd.CaptionUtterance,
        st.just(UtteranceId("u")),
        ANYBODY,
        st.integers(0, 9),
        st.integers(10, 99),
        st.just("words"),
        st.just("en"),
    ),
)
COMMANDS: st.SearchStrategy[cmd.Command] = st.one_of(ABOUT_PEOPLE, ABOUT_PEOPLE, OTHERS)
LEVEL = st.sampled_from([None, 0, 9, 10, 50, 60, 90])
BY_CLIENTS = st.one_of(
    _moved("joins", WHO),
    _moved("leaves", WHO),
    st.builds(
        lambda by, user, level, seen: Move(
            f"{by} gives {user} {level} seen={seen}",
            lambda model: model.writes_level(by, user, level, seen=seen),
        ),
        MODERATOR,
        WHO,
        LEVEL,
        st.booleans(),
    ),
    st.builds(
        lambda by, user, ban: Move(
            f"{by} kicks {user} ban={ban}", lambda model: model.kicks(by, user, ban=ban)
        ),
        MODERATOR,
        WHO,
        st.booleans(),
    ),
    _moved("unbans", MODERATOR, WHO),
)
BY_HOMESERVER = st.one_of(
    _moved("carry_out"),
    _moved("carry_out"),
    _moved("settle"),
    _moved("see_levels"),
    _moved("see_room"),
    st.just(Move("refuse", lambda model: model.carry_out(refuse=True))),
)
MOVES: st.SearchStrategy[Move] = st.one_of(
    COMMANDS.map(_obey), COMMANDS.map(_obey), COMMANDS.map(_obey), BY_CLIENTS, BY_HOMESERVER
)
