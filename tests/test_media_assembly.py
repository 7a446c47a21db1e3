"""The sound as it is put together: what its parts say of themselves."""

import os
import signal
from pathlib import Path

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media_assembly import LocalRelay
from spaces_bridge.web.http.metric_table import keys_of
from tests.support.stage import options, until

pytestmark = pytest.mark.peers


async def test_an_sfu_clients_numbers_and_its_death_are_seen(tmp_path: Path) -> None:
    tasks = TaskSupervisor()
    relay = LocalRelay(WorkerStage(options(tmp_path), tasks=tasks), tmp_path, tasks)
    with pytest.raises(AdapterError, match="SFU client"):
        await relay.check()
    relay.start()
    try:
        await until(lambda: relay.metrics().keys() == keys_of("relays"))
        await relay.check()
        assert relay.metrics()["client_up"] == 1.0
        assert relay.client.pid is not None
        os.kill(relay.client.pid, signal.SIGKILL)
        await until(lambda: relay.metrics()["client_restarts"] == 1.0)
        with pytest.raises(AdapterError, match="restarted"):
            await relay.check()
        assert relay.metrics() == {"client_up": 0.0, "client_restarts": 1.0}
        await until(lambda: relay.metrics().keys() == keys_of("relays"))
        await relay.check()
    finally:
        await relay.stop()
