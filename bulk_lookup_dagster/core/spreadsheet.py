"""Text in cells that a spreadsheet program would run as a formula (F55).

Belongs here: making such text harmless in a CSV or XLSX cell, and getting it back exactly. Does
not: writing files. E.164 itself starts with a plus sign, so this touches real numbers.
"""

from __future__ import annotations

ESCAPE = "'"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", ESCAPE)


def neutralise(text: str) -> str:
    """The text as a cell may hold it: an apostrophe goes before what might be a formula."""
    return ESCAPE + text if text.startswith(_RISKY) else text


def restore(cell: str) -> str:
    """What `neutralise` was given."""
    return cell[1:] if cell.startswith(ESCAPE) else cell
