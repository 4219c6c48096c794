"""What failed too often is tried again: supervisord itself gives up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.control import Control
from deploy.programs import Plan
from tests.support.waiting import wait_until

CONFIGURATION = """
[supervisord]
logfile = /dev/null
logfile_maxbytes = 0
[unix_http_server]
file = {plan.control_socket}
username = callsheet
password = {plan.password}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:hopeless]
command = false
startretries = 0
[program:well]
command = sleep 600
"""


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    plan = Plan(tmp_path, tmp_path / "c", tmp_path / "hold")
    plan.configuration.write_text(CONFIGURATION.format(plan=plan))
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", plan.configuration],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    made = Control(plan)
    wait_until(made.is_up, 20, "the supervisor does not answer")
    yield made
    supervisor.terminate()
    supervisor.wait(20)


def test_it_tries_again_what_was_given_up(control: Control) -> None:
    tried = wait_until(control.start_those_given_up, 20, "nothing was given up")

    assert tried == ["hopeless"]
    assert control.start_time("hopeless:hopeless") >= control.start_time("well:well")


def test_it_is_given_up_and_tried_for_ever(control: Control) -> None:
    for _ in range(3):
        wait_until(control.start_those_given_up, 20, "it was not tried again")
