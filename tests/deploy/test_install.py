"""The virtual environment: made once, made again after an interruption or a change."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy import install


class Pip:
    """Stands for `pip install`: counts, and fails when told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    def __call__(self, command: list[Any], **_options: Any) -> None:
        self.calls += 1
        if self.fails:
            raise subprocess.CalledProcessError(1, [str(part) for part in command])


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    made = Pip()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr("deploy.install.subprocess.run", made)
    monkeypatch.setattr("deploy.install.venv.create", _make_venv)
    (tmp_path / "requirements.txt").write_text("one==1\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\ntwo==2\n")
    return made


def _make_venv(path: Path, **_options: Any) -> None:
    (path / "bin").mkdir(parents=True, exist_ok=True)
    (path / "bin" / "python").touch()


def test_it_installs_once(pip: Pip) -> None:
    assert install.main("requirements.txt") == 0
    assert install.main("requirements.txt") == 0

    assert pip.calls == 1


def test_it_installs_again_when_the_requirements_change(pip: Pip, tmp_path: Path) -> None:
    install.main("requirements-dev.txt")

    (tmp_path / "requirements.txt").write_text("one==1.1\n")
    install.main("requirements-dev.txt")

    assert pip.calls == 2


def test_the_development_requirements_include_the_others(pip: Pip) -> None:
    install.main("requirements-dev.txt")
    install.main("requirements.txt")

    assert pip.calls == 1


def test_it_installs_again_after_a_failure(pip: Pip, capsys: pytest.CaptureFixture[str]) -> None:
    pip.fails = True
    assert install.main("requirements.txt") == 1
    assert "The installation of requirements.txt failed" in capsys.readouterr().err

    pip.fails = False
    assert install.main("requirements.txt") == 0
    assert pip.calls == 2


def test_it_makes_the_environment_again_for_another_python(pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    install.main("requirements.txt")
    monkeypatch.setattr(install, "_IDENTITY", "another Python")

    install.main("requirements.txt")

    assert pip.calls == 2
