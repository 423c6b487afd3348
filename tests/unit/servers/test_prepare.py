import subprocess
from pathlib import Path

import pytest

from tests.tools.prepare import services_forbidden


def test_no_service_may_start_while_a_package_is_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"

    with services_forbidden(policy):
        assert subprocess.run([policy, "rabbitmq-server", "start"], check=False).returncode == 101


def test_a_policy_that_was_absent_is_absent_again(tmp_path: Path) -> None:
    with services_forbidden(tmp_path / "policy-rc.d"):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_was_there_is_back_as_it_was_also_after_a_failure(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o700)

    with pytest.raises(subprocess.CalledProcessError), services_forbidden(policy):
        subprocess.run(["false"], check=True)

    assert policy.read_text() == "#!/bin/sh\nexit 104\n"
    assert policy.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == [policy]
