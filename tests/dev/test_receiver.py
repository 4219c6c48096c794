"""The demo receiver, called as a webhook's sender and as a browser would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import ROOT
from dev.receiver import create_receiver
from domain.webhooks.signing import new_secret, signed_headers

SECRET = new_secret()
BODY = {"id": "evt_1", "type": "asset.approved", "data": {"object": "character", "name": "Brother Sump"}}


@pytest.fixture
def secrets_file(tmp_path: Path) -> Path:
    file = tmp_path / "demo_receiver_secrets"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.fixture
def client(secrets_file: Path) -> FlaskClient:
    return create_receiver(secrets_file).test_client()


def send(
    client: FlaskClient,
    path: str = "/hooks/studio",
    *,
    secret: str = SECRET,
    body: Any = BODY,
    age: int = 0,
    message: str = "evt_1",
    tampered: bool = False,
) -> TestResponse:
    raw = json.dumps(body).encode()
    headers = signed_headers([secret], message, int(time.time()) - age, raw)
    return client.post(path, data=raw + b" " if tampered else raw, headers=headers, content_type="application/json")


def test_a_known_secret_verifies(client: FlaskClient) -> None:
    response = send(client)
    assert (response.status_code, response.json) == (200, {"received": True, "verified": True})
    [arrival] = client.get("/arrivals").get_json()["arrivals"]
    assert arrival["id"] == "evt_1"
    assert arrival["type"] == "asset.approved"
    assert arrival["name"] == "studio"
    assert arrival["verified"]
    assert arrival["body"] == BODY


def test_an_unknown_sender_is_received_but_not_believed(client: FlaskClient) -> None:
    response = send(client, secret=new_secret())
    assert response.status_code == 200
    assert response.get_json()["verified"] is False


@pytest.mark.parametrize("wrong", [{"tampered": True}, {"age": 600}, {"age": -600}, {"secret": new_secret()}])
def test_a_name_that_was_verified_once_must_stay_so(client: FlaskClient, wrong: dict[str, Any]) -> None:
    send(client)
    assert send(client, **wrong).status_code == 401
    assert send(client, "/hooks/other", **wrong).status_code == 200
    assert [arrival["verified"] for arrival in client.get("/arrivals").get_json()["arrivals"]] == [False, False, True]


@pytest.mark.parametrize("headers", [{}, {"webhook-id": "a", "webhook-timestamp": "x", "webhook-signature": "v1"}])
@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[" * 5000, b"null", b'"text"'])
def test_anything_at_all_is_received(client: FlaskClient, raw: bytes, headers: dict[str, str]) -> None:
    assert client.post("/hooks/odd", data=raw, headers=headers).status_code == 200
    assert client.get("/arrivals").get_json()["count"] == 1
    assert client.get("/?open=1").status_code == 200


def test_secrets_are_read_again_when_their_file_changes(tmp_path: Path) -> None:
    file, later = tmp_path / "secrets", new_secret()
    client = create_receiver(file).test_client()
    assert send(client, secret=later).get_json()["verified"] is False
    file.write_text(f"not a secret\n{later}\n")
    assert send(client, secret=later).get_json()["verified"] is True


def test_a_secret_added_on_the_page_verifies() -> None:
    client, secret = create_receiver(None).test_client(), new_secret()
    assert client.post("/secrets", data={"secret": f" {secret} "}).status_code == 303
    assert send(client, secret=secret).get_json()["verified"] is True


@pytest.mark.parametrize("text", ["", "nope", "whsec_", "whsec_a"])
def test_what_is_no_secret_is_refused_with_a_sentence(client: FlaskClient, text: str) -> None:
    response = client.post("/secrets", data={"secret": text})
    assert response.status_code == 422
    assert 'class="error"' in response.text


def test_a_failing_and_slow_receiver_can_be_played(client: FlaskClient) -> None:
    started = time.monotonic()
    assert send(client, "/hooks/studio?status=503&delay=0.2").status_code == 503
    assert time.monotonic() - started >= 0.2
    assert send(client, "/hooks/studio?status=hello").status_code == 400
    assert client.get("/arrivals").get_json()["count"] == 1


def test_attempts_of_one_message_are_counted(client: FlaskClient) -> None:
    for _ in range(2):
        send(client)
    send(client, message="evt_2")
    assert [arrival["attempt"] for arrival in client.get("/arrivals").get_json()["arrivals"]] == [1, 2, 1]
    assert "attempt 2" in client.get("/").text


def test_the_last_five_hundred_are_kept_until_they_are_cleared(client: FlaskClient) -> None:
    for number in range(503):
        send(client, message=f"evt_{number}")
    found = client.get("/arrivals").get_json()
    assert found["count"] == 500
    assert (found["arrivals"][0]["id"], found["arrivals"][-1]["id"]) == ("evt_502", "evt_3")
    assert client.delete("/arrivals").status_code == 204
    assert client.get("/arrivals").get_json() == {"arrivals": [], "count": 0}


def test_the_page_refreshes_escapes_and_needs_no_script(client: FlaskClient) -> None:
    send(
        client,
        "/hooks/x",
        body={"type": "<script>alert(1)</script>", "data": {"name": "</pre><b>"}},
        secret=new_secret(),
    )
    response = client.get("/?open=1")
    assert 'http-equiv="refresh" content="2"' in response.text
    assert "<script" not in response.text
    assert "</pre><b>" not in response.text
    assert "<details" in response.text
    assert "script-src" not in response.headers["Content-Security-Policy"]
    assert 'http-equiv="refresh"' not in client.get("/?paused=1").text
    assert "--accent" in client.get("/style.css").text


def test_other_sites_cannot_write_through_a_browser(client: FlaskClient) -> None:
    assert client.post("/clear", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_it_serves_and_stops_at_once_when_told_to(tmp_path: Path) -> None:
    environ = {**os.environ, "CALLSHEET_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "dev.receiver", "--port", "0"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{address}arrivals", timeout=5) as response:
            assert json.load(response) == {"arrivals": [], "count": 0}
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - asked < 2
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
