"""The errors of the outside world, as the app sees them."""


class AdapterError(Exception):
    """Something outside failed (homeserver, database, media worker); trying again may help."""


class StorageError(AdapterError):
    """The database could not be read or written."""


class JournalConflict(StorageError):
    """Another writer has written this place of the journal."""


class OfferRefused(AdapterError):
    """The media edge refuses an SDP offer. `code` is stable, `text` is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
