import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.guard import guarded


@pytest.fixture
def server() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_what_is_still_watched_at_the_end_is_killed_and_removed(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").touch()

    with guarded() as guard:
        guard.watch("process", server.pid)
        guard.watch("directory", data)

    assert server.wait(5) == -9
    assert not data.exists()


def test_what_was_released_is_left_alone(server: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with guarded() as guard:
        guard.watch("process", server.pid)
        guard.watch("directory", tmp_path)
        guard.release("process", server.pid)
        guard.release("directory", tmp_path)

    assert server.poll() is None
    assert tmp_path.exists()


def test_a_process_that_has_ended_does_not_keep_the_rest_from_being_removed(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait(5)
    data = tmp_path / "data"
    data.mkdir()

    with guarded() as guard:
        guard.watch("process", ended.pid)
        guard.watch("directory", data)

    assert not data.exists()
