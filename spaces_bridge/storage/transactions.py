"""A transaction on one connection, the same for both databases."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from mautrix.util.async_db import Connection
from mautrix.util.async_db.aiosqlite import TxnConnection


@asynccontextmanager
async def transaction(connection: Connection) -> AsyncIterator[None]:
    """Commit at the end, or undo everything."""
    try:
        # mautrix's stub types `transaction` as a coroutine; it is a context manager.
        async with cast("AbstractAsyncContextManager[None]", connection.transaction()):
            yield
    except BaseException:
        # mautrix leaves the transaction open when COMMIT fails or the task is cancelled.
        wrapped = connection.wrapped
        if isinstance(wrapped, TxnConnection) and wrapped.in_transaction:
            await wrapped.rollback()
        raise
