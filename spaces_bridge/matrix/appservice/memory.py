"""Give back the memory that a large body took."""

import ctypes
import gc


def give_back_memory() -> None:
    """Return free memory to the system.

    The C library keeps it otherwise, some hundred MB after one full transaction. Where there is
    no glibc, nothing happens.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
