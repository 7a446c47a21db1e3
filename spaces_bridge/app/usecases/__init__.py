"""The use cases: what people ask for by a command, a reaction, the page or the admin API.

Each use case has one limit and one order of effects. Adapters translate what was asked and say
what came of it in their own words; the use cases and the core's rules decide whether it may be.
"""

from dataclasses import dataclass

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.ports import Reports
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.blocking import Blocking
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.app.usecases.creating import Creating, PermissionOf
from spaces_bridge.app.usecases.following import Following
from spaces_bridge.app.usecases.inviting import Inviting
from spaces_bridge.app.usecases.reporting import Reporting
from spaces_bridge.app.usecases.scheduling import Scheduling
from spaces_bridge.app.usecases.sharing import Sharing
from spaces_bridge.core.ids import UserId


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases of one bridge; every adapter is given the same ones."""

    blocking: Blocking
    calling: Calling
    creating: Creating
    following: Following
    inviting: Inviting
    reporting: Reporting
    scheduling: Scheduling
    sharing: Sharing


def use_cases_of(
    spaces: Spaces, ban_lists: BanListService, reports: Reports, permission_of: PermissionOf
) -> UseCases:
    """Return the use cases over these live spaces; call it once for each bridge."""

    def bars(host: UserId, user: UserId) -> bool:
        return ban_lists.verdict(host, user) is not None

    calling = Calling(spaces, bars)
    ban_lists.watch(calling.lists_changed)
    return UseCases(
        blocking=Blocking(spaces, ban_lists),
        calling=calling,
        creating=Creating(spaces, permission_of),
        following=Following(spaces.context),
        inviting=Inviting(spaces),
        reporting=Reporting(spaces, reports),
        scheduling=Scheduling(spaces),
        sharing=Sharing(spaces),
    )
