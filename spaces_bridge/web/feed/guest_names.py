"""A guest's name: how it is checked, and the notice when it is hidden."""

from spaces_bridge.core.display_names import DisplayNames, refuse_name
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say
from spaces_bridge.core.text.names import clean_name
from spaces_bridge.web.feed.channel import Client


def name_from(text: str, space: LiveSpace, bot: str) -> str:
    """Return the cleaned name of a new guest; `bot` is the bot's user id. Raises Rejected."""
    name = clean_name(text)
    if not name:
        raise Rejected("bad_name", "That name has no letters. Choose another one.")
    refuse_name(space, name, bot)
    return name


def tell_if_hidden(client: Client, space: LiveSpace) -> None:
    """Notify a guest whose name is hidden, as somebody with a role has one like it by now."""
    you = client.you
    if you.guest and you.user is not None and DisplayNames(space).hides(you.user, you.name):
        text = "Somebody with a role here has a name like yours: others see you without a name."
        client.notice(say("name_hidden", text))
