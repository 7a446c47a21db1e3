"""A homeserver whose admin changed its code: for some of its users no rule of any room counts.

What they send is signed and federated like everything else. The server stays honest towards what
others send, and for its other users: only so can it be seen that the *receiving* server refuses.
"""

from typing import Any

from spaces_bridge_demo.sabotage.saboteur import break_module

EVIL = "@evil"


def let_in(handlers: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """Events made here are not checked against the room's rules."""
    handler = handlers.EventAuthHandler
    check = handler.check_auth_rules_from_context

    async def check_honest_people(self: Any, event: Any, *others: Any, **named: Any) -> None:  # noqa: ANN401
        if not (event.sender.startswith(EVIL) and self._is_mine_id(event.sender)):
            await check(self, event, *others, **named)

    handler.check_auth_rules_from_context = check_honest_people


def let_redact(event_auth: Any) -> None:  # noqa: ANN401
    """Anything may be redacted."""
    check = event_auth.check_redaction

    def check_honest_people(version: Any, event: Any, *others: Any, **named: Any) -> Any:  # noqa: ANN401
        # False: nothing more has to be looked at.
        if event.sender.startswith(EVIL):
            return False
        return check(version, event, *others, **named)

    event_auth.check_redaction = check_honest_people


break_module("synapse.handlers.event_auth", let_in)
break_module("synapse.event_auth", let_redact)
