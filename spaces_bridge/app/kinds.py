"""The kinds of journal events and outbox tasks: the names under which they are stored.

A kind is data. It stands in every row of the journal and of the outbox, and says what the row's
body is; the name of the class says nothing to the database and may change at any time. Each class
says its own kind, as `stored_as`: `noun.participle` for what happened, `noun.verb` for what is to
be done. A kind never changes and is never given to something else: a new meaning gets a new kind,
and a migration turns old rows into new ones (step 5 did so with the class names of before).

Two more things of Python are data, because the bodies hold them: the names of the fields of these
classes and of the dataclasses inside them (`RoleLevels`, `ChatWords`), and the values of the enums
they use. Renaming one of those needs a migration too. `tests/recordings` holds a body of every
kind, and a test reads them all.
"""

from collections.abc import Mapping
from typing import Final, get_args

from spaces_bridge.app import tasks
from spaces_bridge.core import events

AnyEvent = events.Event | events.SpaceCreated

EVENTS: Final[Mapping[str, type[AnyEvent]]] = {
    cls.stored_as: cls for cls in (*get_args(events.Event), events.SpaceCreated)
}
TASKS: Final[Mapping[str, type[tasks.OutboxTask]]] = {
    cls.stored_as: cls for cls in get_args(tasks.OutboxTask)
}
