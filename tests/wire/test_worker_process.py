"""What a worker gets of the control process's environment."""

import pytest

from spaces_bridge.wire.worker_process import worker_environment

pytestmark = pytest.mark.unit


def test_a_worker_gets_what_programs_need_its_own_and_nothing_else() -> None:
    of_control = {
        "PATH": "/bin",
        "TZ": "UTC",
        "PYTHONPATH": "/elsewhere",
        "SPACES_APPSERVICE__AS_TOKEN": "secret",
        "PGPASSWORD": "secret",
    }
    environment = worker_environment(of_control, OMP_NUM_THREADS="1")
    package, elsewhere = environment.pop("PYTHONPATH").split(":")
    assert elsewhere == "/elsewhere"
    assert package != ""
    assert environment == {
        "PATH": "/bin",
        "TZ": "UTC",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
