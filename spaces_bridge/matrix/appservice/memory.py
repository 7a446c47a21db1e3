"""Memory that a large body took, given back."""

import ctypes
import gc


def give_back_memory() -> None:
    """Return what is free to the system: the C library keeps it otherwise, some hundred MB after
    one full transaction. Where there is no glibc, nothing happens.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
