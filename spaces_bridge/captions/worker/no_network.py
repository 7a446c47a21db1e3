"""No network for this process: Linux refuses it every socket but those of this machine.

A seccomp filter (seccomp(2)) that holds for all threads and children, and cannot be taken off
again. It needs no rights. Libraries that run here may have ideas of their own about whom to tell
what; none of them can.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from typing import Final, NamedTuple


class _Machine(NamedTuple):
    """An architecture as filters see it (linux/audit.h), and its numbers of system calls."""

    audit: int
    seccomp: int
    socket: int


_MACHINES: Final = {
    "x86_64": _Machine(audit=0xC000003E, seccomp=317, socket=41),
    "aarch64": _Machine(audit=0xC00000B7, seccomp=277, socket=198),
}
_IO_URING_SETUP: Final = 425  # everywhere; rings make sockets, too
_FOREIGN_CALLS: Final = 0x40000000  # of x32: from this number on

_PR_SET_NO_NEW_PRIVS: Final = 38
_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _AUDIT_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # in struct seccomp_data
_ALLOW: Final = 0x7FFF0000
_FAIL: Final = 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refuse_network() -> str:
    """Refuse this process the network from now on; return why that cannot be, or ""."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 1 << 32:
        return f"there is no filter for {sys.platform} on {platform.machine()}"
    lines = _filter(machine)
    program = _Program(len(lines), b"".join(lines))
    libc = ctypes.CDLL(None, use_errno=True)
    none = ctypes.c_ulong(0)
    refused = libc.prctl(
        _PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), none, none, none
    ) or libc.syscall(
        ctypes.c_long(machine.seccomp),
        ctypes.c_ulong(_SET_MODE_FILTER),
        ctypes.c_ulong(_ALL_THREADS),
        ctypes.byref(program),
    )
    return os.strerror(ctypes.get_errno()) if refused else ""


def _filter(machine: _Machine) -> list[bytes]:
    """Return the program: struct sock_filter's, each with how far to jump if true and if not."""
    return [
        _line(_LOAD, _AUDIT_AT),
        _line(_EQUAL, machine.audit, 0, 7),
        _line(_LOAD, _NUMBER_AT),
        _line(_AT_LEAST, _FOREIGN_CALLS, 5, 0),
        _line(_EQUAL, _IO_URING_SETUP, 4, 0),
        _line(_EQUAL, machine.socket, 0, 2),
        _line(_LOAD, _FIRST_ARGUMENT_AT),
        _line(_EQUAL, socket.AF_UNIX, 0, 1),
        _line(_RETURN, _ALLOW),
        _line(_RETURN, _FAIL | errno.EACCES),
    ]


def _line(code: int, value: int, if_true: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_not, value)
