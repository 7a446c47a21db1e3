"""The caption worker has no network: the kernel refuses it, and nothing waits to be sent."""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

import psutil
import pytest

from spaces_bridge.captions.messages import CODEC, Load
from spaces_bridge.captions.models import model_directory
from spaces_bridge.captions.process import COMMAND, worker_variables

pytestmark = pytest.mark.peers

_TRIES = """
import socket, subprocess, sys, threading
from spaces_bridge.captions.worker.no_network import refuse_network

def fails(family, kind=socket.SOCK_STREAM):
    try:
        socket.socket(family, kind).close()
    except PermissionError:
        return True
    return False

go, said = threading.Event(), []
def in_a_thread_of_before():
    go.wait()
    said.append(fails(socket.AF_INET))
thread = threading.Thread(target=in_a_thread_of_before)
thread.start()
assert not fails(socket.AF_INET)
hindered = refuse_network()
assert hindered == "", hindered
go.set()
thread.join()
kinds = [(socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET, socket.SOCK_STREAM),
         (socket.AF_INET6, socket.SOCK_DGRAM), (socket.AF_NETLINK, socket.SOCK_RAW),
         (socket.AF_PACKET, socket.SOCK_RAW)]
assert said == [True]
assert [kind for kind in kinds if not fails(*kind)] == []
assert not fails(socket.AF_UNIX)
child = "import socket; socket.socket(socket.AF_INET)"
assert subprocess.run([sys.executable, "-c", child], stderr=subprocess.DEVNULL).returncode == 1
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError as error:
    assert isinstance(error, PermissionError), error
print("held")
"""


def test_a_process_can_refuse_itself_every_network() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _TRIES], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("held\n", 0), ran.stderr


def test_the_worker_has_no_network_and_leaves_nothing_in_the_home_directory(
    model_cache: Path, tmp_path: Path
) -> None:
    # With `CI` in its environment onnxruntime hides what it does elsewhere.
    variables = worker_variables(os.environ | {"HOME": str(tmp_path)})
    assert "CI" not in variables
    load = CODEC.encode(Load(str(model_directory("base", model_cache)), "auto"))
    with subprocess.Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=variables) as ran:
        assert ran.stdin is not None
        assert ran.stdout is not None
        ran.stdin.write(load)
        ran.stdin.flush()
        assert ran.stdout.read(1)  # the model is loaded
        assert "Seccomp:\t2" in Path(f"/proc/{ran.pid}/status").read_text(encoding="ascii")
        assert psutil.Process(ran.pid).net_connections() == []
        ran.stdin.close()
    assert list(tmp_path.rglob("*")) == []
