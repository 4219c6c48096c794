"""Makes `.venv` and installs a requirements file into it, unless exactly that was done before.

    python3 -m deploy.install requirements.txt

A stamp in `.venv` holds a hash of the file, the files it includes and the Python. It is removed before anything is
changed and written when everything is done, so an interrupted installation is done again. Standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
_IDENTITY = f"{sys.version} {sys.base_prefix} {VENV}"


def main(name: str) -> int:
    requirements = ROOT / name
    with requirements.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make run` beside `make test`
        if _is_stamped(requirements):
            return 0
        print(f"Installing {name} into {VENV.name} (once, and again when it changes) …", flush=True)
        try:
            _install(requirements)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"The installation of {name} failed: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


def _install(requirements: Path) -> None:
    for stamp in VENV.glob(".installed-*"):
        stamp.unlink()
    if _read(VENV / ".made") != _IDENTITY or not (VENV / "bin" / "python").exists():
        _make_venv()
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location")
    subprocess.run(
        [VENV / "bin" / "python", "-m", "pip", "install", *options, "-r", requirements], cwd=ROOT, check=True
    )
    for file in _with_included(requirements):
        _stamp(file).write_text(_digest(file))


def _make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise OSError(f"{sys.executable} cannot make virtual environments; install its venv package (`python3-venv`).")
    venv.create(VENV, clear=True, symlinks=True, with_pip=True)
    (VENV / ".made").write_text(_IDENTITY)


def _is_stamped(requirements: Path) -> bool:
    return _read(_stamp(requirements)) == _digest(requirements) and (VENV / "bin" / "python").exists()


def _stamp(requirements: Path) -> Path:
    return VENV / f".installed-{requirements.stem}"


def _digest(requirements: Path) -> str:
    contents = "\n".join(file.read_text() for file in _with_included(requirements))
    return hashlib.sha256(f"{_IDENTITY}\n{contents}".encode()).hexdigest()


def _with_included(requirements: Path) -> list[Path]:
    lines = (line.split() for line in requirements.read_text().splitlines())
    included = [requirements.parent / words[1] for words in lines if words[:1] == ["-r"]]
    return [requirements, *(file for one in included for file in _with_included(one))]


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
