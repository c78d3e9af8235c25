"""What kind of file somebody handed in, told from its bytes, and its hash, in one pass.

Belongs here: kind, encoding, size, content hash, and refusing what is no table. Does not: rows
(`intake.readers`).
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

from bulk_lookup_dagster.core.errors import UploadRefused

_BLOCK = 1 << 20
MAX_LINE = 1 << 20
_TEXT_SUFFIXES = ("", ".csv", ".tsv", ".tab", ".txt")
_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file (.xls, .doc)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "an archive"),
    (b"7z\xbc\xaf", "an archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class FileFacts:
    """A file's kind (`text` or `xlsx`), encoding if text, size and hash."""

    path: Path
    kind: str
    encoding: str | None
    size_bytes: int
    content_hash: bytes


@dataclass(frozen=True)
class FileHash:
    """Size and hash of a file: its identity, even if it is refused."""

    size_bytes: int
    content_hash: bytes


def hash_file(path: Path) -> FileHash:
    """Read a file once, in blocks; nothing is kept."""
    digest, size = hashlib.blake2b(digest_size=32), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise UploadRefused(
            f"The file cannot be read: {error.strerror}.",
            fix="Check that it exists and that the platform's user may read it.",
            code="unreadable",
        ) from None
    return FileHash(size, digest.digest())


def inspect(path: Path, hashed: FileHash) -> FileFacts:
    """What the file is; raises `UploadRefused` with what to do when it is no table."""
    with path.open("rb") as file:
        start = file.read(_BLOCK)
    if not start.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise UploadRefused("The file is empty.", fix="Export it again.", code="empty_file")
    if start[:4] == b"PK\x03\x04":
        return _facts(path, "xlsx", None, hashed)
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            raise _not_a_table(what)
    encoding = _encoding(path, start)
    text = start.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    if text[:1] == "<" or text[:2] in ("[{", "{\n", '{"', "[\n"):
        raise _not_a_table("HTML, XML or JSON")
    return _facts(path, "text", encoding, hashed)


def _facts(path: Path, kind: str, encoding: str | None, hashed: FileHash) -> FileFacts:
    suffix = path.suffix.lower()
    fits = suffix == ".xlsx" or not suffix if kind == "xlsx" else suffix in _TEXT_SUFFIXES
    if not fits:
        found = "an Excel workbook or another zip archive" if kind == "xlsx" else "plain text"
        raise UploadRefused(
            f"The file is called {suffix} but holds {found}.",
            fix="Name it .xlsx for a workbook and .csv, .tsv or .txt for text.",
            code="wrong_extension",
        )
    return FileFacts(path, kind, encoding, hashed.size_bytes, hashed.content_hash)


def _encoding(path: Path, start: bytes) -> str:
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            _check_all(path, encoding)
            return encoding
    even, odd = start[0:4096:2].count(0), start[1:4096:2].count(0)
    if odd > len(start[:4096]) // 4 and not even:
        return _check_all(path, "utf-16-le")
    if even > len(start[:4096]) // 4 and not odd:
        return _check_all(path, "utf-16-be")
    if b"\x00" in start or _control_share(start) > 0.02:
        raise _not_a_table("binary data")
    if _decodes(path, "utf-8"):
        return "utf-8"
    return _check_all(path, "cp1252")


def _check_all(path: Path, encoding: str) -> str:
    if not _decodes(path, encoding):
        raise UploadRefused(
            "The file's character encoding is not one of UTF-8, UTF-16 and Windows-1252.",
            fix="Save it again as CSV UTF-8.",
            code="unknown_encoding",
        )
    return encoding


def _decodes(path: Path, encoding: str) -> bool:
    """Whether every byte fits, and no line is longer than anybody's row."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            try:
                text = decoder.decode(block)
            except UnicodeError:
                return False
            last = max(text.rfind("\n"), text.rfind("\r"))
            line = line + len(text) if last < 0 else len(text) - last - 1
            if line > MAX_LINE:
                raise UploadRefused(
                    f"A line is longer than {MAX_LINE:,} characters.",
                    fix="Check that the file is a table with one contact a line.",
                    code="line_too_long",
                )
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _control_share(start: bytes) -> float:
    control = len(start) - len(start.translate(None, bytes(set(range(32)) - {9, 10, 13})))
    return control / len(start)


def _not_a_table(what: str) -> UploadRefused:
    return UploadRefused(
        f"The file holds {what}, not a table.",
        fix="Export the contacts as CSV (UTF-8) or XLSX.",
        code="not_a_table",
    )
