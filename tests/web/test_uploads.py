"""The upload form: who may, what is taken, and that the inbox only ever shows whole files."""

from __future__ import annotations

import re
import select
import socket
from pathlib import Path

import httpx
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.web.inbox import inbox_name
from tests.fakes.story import platform_of
from tests.web.conftest import Open

ROWS = b"phone\n+14155550100\n"
TOKEN = "test-operator-token"


def inbox(home: Path) -> list[Path]:
    folder = home / "files" / "inbox"
    return sorted(folder.iterdir()) if folder.exists() else []


def csrf(client: httpx.Client) -> dict[str, str]:
    page = client.get("/uploads").text
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found
    return {"csrf": found[1]}


def send(
    client: httpx.Client, data: dict[str, str], name: str = "leads.csv", content: bytes = ROWS
) -> httpx.Response:
    return client.post("/uploads", data=data, files={"file": (name, content)})


def test_a_file_arrives_whole_in_the_inbox(dsn: str, tmp_path: Path, open_web: Open) -> None:
    client = open_web(platform_of(dsn, tmp_path))
    answer = send(client, csrf(client))
    assert answer.status_code == 303
    (path,) = inbox(tmp_path)
    assert path.read_bytes() == ROWS
    assert path.name.endswith("-leads.csv")
    page = client.get(answer.headers["location"])
    assert path.name in page.text


@pytest.mark.parametrize(
    "name, content, status",
    [("leads.exe", ROWS, 400), ("leads.csv", b"", 400), ("leads.csv", b"x" * 200_000, 413)],
)
def test_refused_files_leave_nothing(
    dsn: str, tmp_path: Path, open_web: Open, name: str, content: bytes, status: int
) -> None:
    client = open_web(platform_of(dsn, tmp_path), upload_limit=100_000)
    assert send(client, csrf(client), name, content).status_code == status
    assert inbox(tmp_path) == []


def test_a_body_of_unannounced_length_is_cut_off(dsn: str, tmp_path: Path, open_web: Open) -> None:
    """Refused as soon as the limit is passed, not after all of it was taken in."""
    client = open_web(platform_of(dsn, tmp_path), upload_limit=100_000)
    head = (
        f'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{csrf(client)["csrf"]}\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    )
    body = f"{head}{'1' * 64 * 1024 * 1024}\r\n--x--\r\n".encode()
    status, sent = _post_chunked(client, body)
    assert status in (413, None)  # None: it hung up while we were still sending
    assert sent < len(body) / 2
    assert inbox(tmp_path) == []


def _post_chunked(client: httpx.Client, body: bytes) -> tuple[int | None, int]:
    """Status and bytes sent until the answer came or the connection was closed."""
    sent = 0
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address, timeout=20) as server:
        server.sendall(
            b"POST /uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n"
            + f"Cookie: {cookies}\r\n\r\n".encode()
        )
        for start in range(0, len(body), 65_536):
            if select.select([server], [], [], 0)[0]:
                break
            piece = body[start : start + 65_536]
            try:
                server.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            except OSError:
                return None, sent
            sent += len(piece)
        try:
            line = server.recv(100)
        except OSError:
            return None, sent
    return (int(line.split()[1]) if line else None), sent


def test_no_csrf_no_upload(dsn: str, tmp_path: Path, open_web: Open) -> None:
    client = open_web(platform_of(dsn, tmp_path))
    fields = csrf(client)
    assert send(client, {}).status_code == 403
    assert send(client, {"csrf": "0" * 64}).status_code == 403
    client.headers["Origin"] = "http://elsewhere.example"
    assert send(client, fields).status_code == 403
    client.headers.pop("Origin")
    client.headers["Sec-Fetch-Site"] = "cross-site"
    assert send(client, fields).status_code == 403
    client.headers.pop("Sec-Fetch-Site")
    client.cookies.clear()
    assert send(client, fields).status_code == 403
    assert inbox(tmp_path) == []


def test_only_operators_write_and_see_personal_data(
    dsn: str, tmp_path: Path, open_web: Open
) -> None:
    platform = platform_of(
        dsn, tmp_path, BULK_LOOKUP_ENV="production", BULK_LOOKUP_OPERATOR_TOKEN=TOKEN
    )
    client = open_web(platform)
    fields = csrf(client)
    assert "Operator token" in client.get("/uploads").text
    assert send(client, fields).status_code == 403
    assert send(client, {**fields, "operator_token": "wrong"}).status_code == 403
    assert client.get("/uploads/1/rejects").status_code == 403
    assert inbox(tmp_path) == []
    assert send(client, {**fields, "operator_token": TOKEN}).status_code == 303
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    sent = client.post("/uploads", files={"file": ("b.csv", ROWS)}, headers=bearer)
    assert sent.status_code == 303
    assert client.get("/uploads/1/rejects", headers=bearer).status_code == 404
    assert len(inbox(tmp_path)) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Authorization": "Bearer wrong"},
    ],
)
def test_this_machine_means_this_machine(
    dsn: str, tmp_path: Path, open_web: Open, headers: dict[str, str]
) -> None:
    """A rebound name or a proxy in between is not a person at this machine."""
    client = open_web(platform_of(dsn, tmp_path))
    assert client.get("/uploads/1/rejects").status_code == 404
    assert client.get("/uploads/1/rejects", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "given, ending",
    [
        ("../../etc/passwd.csv", "-passwd.csv"),
        ("C:\\Users\\me\\leads 1.XLSX", "-leads-1.xlsx"),
        (".hidden.csv", "-hidden.csv"),
        ("é.csv", "-upload.csv"),
        ("a" * 300 + ".tsv", "a" * 80 + ".tsv"),
    ],
)
def test_names_are_made_safe(given: str, ending: str) -> None:
    name = inbox_name(given)
    assert name.endswith(ending)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_other_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="kind of file"):
        inbox_name("leads.pdf")
