"""A client generated from openapi.json: made without a warning, and good for a day's work."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from tests.openapi.conftest import Server

pytestmark = pytest.mark.e2e
PACKAGE = "callsheet_client"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The importable package, generated."""
    folder = tmp_path_factory.mktemp("client")
    programs = Path(sys.executable).parent  # the generator formats its work with ruff, which it looks up on PATH
    done = subprocess.run(
        [programs / "openapi-python-client", "generate", "--path", ROOT / "openapi.json", "--fail-on-warning",
         "--meta", "none", "--output-path", folder / PACKAGE],
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield PACKAGE
    sys.path.remove(str(folder))


class Generated:
    """The generated client. `call("characters.create_character", …)` gives the parsed answer of a success."""

    def __init__(self, package: str, server: Server) -> None:
        self.models = importlib.import_module(f"{package}.models")
        self._package = package
        self._client = importlib.import_module(f"{package}.client").AuthenticatedClient(
            base_url=server.url, token=server.key, raise_on_unexpected_status=True
        )

    def __enter__(self) -> Generated:
        self._client.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.__exit__(*raised)

    def send(self, operation: str, *path: str, **options: Any) -> Any:
        module = importlib.import_module(f"{self._package}.api.{operation}")
        return module.sync_detailed(*path, client=self._client, **options)

    def call(self, operation: str, *path: str, **options: Any) -> Any:
        answer = self.send(operation, *path, **options)
        assert answer.status_code < 300, answer.content
        return answer.parsed


@pytest.fixture
def studio(package: str, server: Server) -> Iterator[Generated]:
    with Generated(package, server) as opened:
        yield opened


def test_it_carries_a_character_through_review(studio: Generated) -> None:
    models = studio.models
    project = studio.call("projects.list_projects", limit=1).data[0]
    assert project.status is models.ProjectStatus.ACTIVE
    wanted = models.NewCharacter(project_id=project.id, name="Mara Voss")
    character = studio.call("characters.create_character", body=wanted, idempotency_key="story").data
    assert character.status is models.AssetStatus.DRAFT
    again = studio.call("characters.create_character", body=wanted, idempotency_key="story").data
    assert again.id == character.id
    submission = models.CharacterChange(status="in_review")
    submitted = studio.call("characters.update_character", character.id, body=submission).data
    assert submitted.status is models.AssetStatus.IN_REVIEW
    decision = models.NewApproval(decision=models.Decision.APPROVED, note="Ship it.")
    studio.call("approvals.decide_character", character.id, body=decision)
    (approval,) = studio.call("approvals.list_character_approvals", character.id).data
    assert (approval.decision, approval.note) == (models.Decision.APPROVED, "Ship it.")
    assert approval.asset.id == character.id
    filters = models.ListCharactersFilters.from_dict({"status[in]": "approved,archived"})
    found = studio.call("characters.list_characters", filters=filters, sort="-created_at", total=True)
    assert [row.id for row in found.data] == [character.id]
    assert found.page.total == 1


def test_it_reads_a_refusal(studio: Generated) -> None:
    answer = studio.send("characters.get_character", "chr_01jd3q8v9w7x5y2m4n6p8r0s1t")
    assert (answer.parsed.status, answer.parsed.type_.value) == (404, "/problems/not-found")
