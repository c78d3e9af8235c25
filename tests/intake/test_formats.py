from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest

from bulk_lookup_dagster.core.errors import UploadRefused
from bulk_lookup_dagster.intake.chunks import unpack
from bulk_lookup_dagster.intake.formats import hash_file, inspect
from bulk_lookup_dagster.intake.readers import open_table

ROWS = [["Näme", "Phone"], ["Zoë", "+44 20 7946 0958"], ["a, b; c", "two\nlines"]]


def rows_of(path: Path) -> list[list[str]]:
    facts = inspect(path, hash_file(path))
    with open_table(facts) as table:
        assert table.peek(2) == table.peek(2)
        chunks = [chunk.pack() for chunk in table.chunks(100, has_header=False)]
        return [row for chunk in chunks for row in unpack(chunk, table.delimiter).records]


def refusal(path: Path) -> UploadRefused:
    with pytest.raises(UploadRefused) as refused:
        rows_of(path)
    assert refused.value.fix
    return refused.value


def text(delimiter: str = ",", end: str = "\n") -> str:
    quoted = [[f'"{cell}"' for cell in row] for row in ROWS]
    return end.join(delimiter.join(row) for row in quoted) + end


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_told_from_the_content(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(text(delimiter).encode(encoding))
    assert rows_of(path) == ROWS


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_bytes_are_read_even_when_they_come_late(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(
        (
            text(";").replace("\u00e4", "a").replace("\u00eb", "e")
            + "x;y\n" * 400_000
            + "Jos\u00e9;1\n"
        ).encode(encoding)
    )
    assert rows_of(path)[-1] == ["José", "1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(tmp_path: Path, end: str) -> None:
    path = tmp_path / "file.tsv"
    path.write_bytes(text("\t", end).encode())
    assert rows_of(path) == ROWS


def test_a_workbooks_cells_are_what_a_person_sees(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Phone", "Name", "Score"], [4155552671, "Ada", 1.5], [4155552671.0, None, True]):
        sheet.append(row)
    book.create_sheet("second").append(["not", "read"])
    book.save(path)
    assert rows_of(path) == [
        ["Phone", "Name", "Score"],
        ["4155552671", "Ada", "1.5"],
        ["4155552671", "", "true"],
    ]


@pytest.mark.parametrize(
    "name,content,code",
    [
        ("a.csv", b"", "empty_file"),
        ("a.csv", b"\xef\xbb\xbf\r\n \n", "empty_file"),
        ("a.csv", bytes(range(256)) * 40, "not_a_table"),
        ("a.csv", b"%PDF-1.7 ...", "not_a_table"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "not_a_table"),
        ("a.csv", b'{"phone": "1"}', "not_a_table"),
        ("a.csv", b"<html><table></table>", "not_a_table"),
        ("a.xlsx", b"phone\n4155552671\n", "wrong_extension"),
        ("a.docx", b"phone\n4155552671\n", "wrong_extension"),
        ("a.csv", b"phone,name\n1,\x81\x8d\x8f\x90\xff\n", "unknown_encoding"),
        ("a.csv", b"phone,name\n" + b"1" * 1_200_000, "line_too_long"),
        ("a.csv", b'phone,name\n1,"' + b"never closed\n" * 20_000, "broken_table"),
        ("a.xlsx", b"PK\x03\x04 and nothing", "broken_workbook"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refusal(path).code == code


def test_a_zip_archive_is_no_workbook_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a.csv", "a.xlsx"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("leads.csv", "phone\n4155552671\n")
        assert refusal(path).code == "wrong_extension"


def test_f60_a_huge_line_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"phone\n")
        file.truncate(2 << 30)  # a sparse file: two gigabytes of NUL after the header
    assert refusal(path).code == "not_a_table"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UploadRefused) as refused:
        hash_file(tmp_path / "none.csv")
    assert refused.value.code == "unreadable"
