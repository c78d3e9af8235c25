"""The audit with the real pip-audit against a stand-in of the vulnerability service on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from deploy.audit import UNREACHABLE, main, read

FINDING = {
    "id": "TEST-2026-1",
    "summary": "made up",
    "affected": [
        {
            "package": {"name": "made-up-broken", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


class _Service(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
        self.asked.append(name)
        body = json.dumps({"vulns": [FINDING]} if name == "made-up-broken" else {}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Stay quiet."""


@pytest.fixture
def service() -> Iterator[str]:
    _Service.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def audited(tmp_path: Path, url: str, *names: str) -> int:
    lock = tmp_path / "some.lock"
    pins = (f"{name}==1.0 \\\n    --hash=sha256:{'0' * 64}\n" for name in names)
    lock.write_text("".join(pins))
    return main(["--lock", str(lock), "--osv-url", url])


def test_a_known_vulnerability_ends_with_1_and_says_where_it_is_fixed(
    service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(tmp_path, service, "made-up-safe", "made-up-broken") == 1
    printed = capsys.readouterr().out
    assert "made-up-broken 1.0: TEST-2026-1, fixed in 2.0" in printed
    assert "1 known vulnerabilities" in printed
    assert "made-up-safe" not in printed


def test_without_findings_it_ends_with_0(
    service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(tmp_path, service, "made-up-safe") == 0
    assert capsys.readouterr().out == "1 packages, no known vulnerability\n"
    assert _Service.asked == ["made-up-safe"]


def test_a_service_nobody_reaches_is_told_and_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert audited(tmp_path, url, "made-up-safe") == 0
    assert capsys.readouterr().out == f"{UNREACHABLE}\n"


def test_a_service_that_answers_badly_was_reached(
    service: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_Service, "status", 400)
    assert audited(tmp_path, service, "made-up-safe") == 1
    assert "pip-audit failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "code,output,errors,told",
    [
        (1, "", "No module named pip_audit", "pip-audit failed: No module named pip_audit"),
        (0, "", "", "pip-audit failed: no output"),
        (0, "[]", "", "pip-audit failed"),
        (1, '{"dependencies": []}', "", "0 known vulnerabilities"),
        (0, '{"dependencies": [{"name": "x", "skip_reason": "why"}]}', "", "x: not checked: why"),
    ],
)
def test_what_was_not_wholly_checked_is_never_green(
    code: int, output: str, errors: str, told: str
) -> None:
    ended, said = read(code, output, errors)
    assert ended == 1
    assert told in said
