"""The inbox: a file is asked for once it stands still, once, and none is starved."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

import dagster as dg
import pytest

from bulk_lookup_dagster.services.instance import Platform
from sensors.uploads import uploads_sensor


class Inbox:
    """The sensor over a real folder, tick by tick."""

    def __init__(self, platform: Platform) -> None:
        self.folder = platform.environment.home / "files" / "inbox"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._platform = platform
        self._cursor: str | None = None

    def put(self, name: str, text: str = "phone\n+14155552671\n") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def tick(self, cursor: str | None = None) -> list[str]:
        context = dg.build_sensor_context(
            cursor=cursor or self._cursor, resources={"platform": self._platform}
        )
        found = uploads_sensor(15).evaluate_tick(context)
        self._cursor = found.cursor
        uris = [
            request.run_config["ops"]["intake"]["config"]["uri"]
            for request in found.run_requests or []
        ]
        assert all(Path(unquote(uri.removeprefix("file://"))).is_file() for uri in uris)
        return [Path(unquote(uri)).name for uri in uris]


@pytest.fixture
def inbox(platform: Platform) -> Inbox:
    return Inbox(platform)


def test_a_file_is_asked_for_once_it_stood_still_and_only_once(inbox: Inbox) -> None:
    inbox.put("leads.csv")
    assert inbox.tick() == []
    assert inbox.tick() == ["leads.csv"]
    assert inbox.tick() == []


def test_a_file_still_being_written_is_left_alone(inbox: Inbox) -> None:
    path = inbox.put("leads.csv")
    for _ in range(3):
        assert inbox.tick() == []
        with path.open("a") as file:
            file.write("+14155552672\n")
    assert inbox.tick() == []
    assert inbox.tick() == ["leads.csv"]


def test_a_changed_file_is_asked_for_again(inbox: Inbox) -> None:
    path = inbox.put("leads.csv")
    inbox.tick()
    assert inbox.tick() == ["leads.csv"]
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert inbox.tick() == []
    assert inbox.tick() == ["leads.csv"]


def test_many_files_are_spread_over_ticks_and_none_is_starved(inbox: Inbox) -> None:
    names = {inbox.put(f"part-{place:02d}.csv").name for place in range(50)}
    inbox.tick()
    ticks = [inbox.tick() for _ in range(4)]
    assert [len(tick) for tick in ticks] == [20, 20, 10, 0]
    assert {name for tick in ticks for name in tick} == names


@pytest.mark.parametrize("name", [".hidden.csv", "~lock.csv", "half.csv.part", "notes.pdf"])
def test_what_is_no_upload_is_never_asked_for(inbox: Inbox, name: str) -> None:
    inbox.put(name)
    assert [inbox.tick() for _ in range(3)] == [[], [], []]


def test_names_with_blanks_and_accents_lead_to_the_file(inbox: Inbox) -> None:
    inbox.put("März leads (2).csv")
    inbox.tick()
    assert inbox.tick() == ["März leads (2).csv"]


@pytest.mark.parametrize("cursor", ['{"version": 1, "seen": {}}', "{}"])
def test_a_cursor_of_another_version_starts_afresh(inbox: Inbox, cursor: str) -> None:
    inbox.put("leads.csv")
    assert inbox.tick(cursor) == []
    assert inbox.tick() == ["leads.csv"]


def test_a_file_that_went_away_is_forgotten(inbox: Inbox) -> None:
    path = inbox.put("leads.csv")
    inbox.tick()
    path.unlink()
    assert inbox.tick() == []
    inbox.put("leads.csv")
    assert inbox.tick() == []
    assert inbox.tick() == ["leads.csv"]
