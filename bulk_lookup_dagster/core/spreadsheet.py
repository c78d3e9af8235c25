"""Text in cells that a spreadsheet program would run as a formula (F55).

Belongs here: making such text harmless in a CSV or XLSX cell, and getting it back exactly. Does
not: writing files. E.164 itself starts with a plus sign, so this touches real numbers.
"""

from __future__ import annotations

import re

ESCAPE = "'"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", ESCAPE)
# XML loses or refuses these; a workbook spells them _xHHHH_, and a literal "_xHHHH_" differently.
_LOST = r"\x00-\x08\x0b-\x1f\ufffe\uffff"
_NOT_IN_XML = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}[_{_LOST}])|[{_LOST}]")
_SPELLED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def neutralise(text: str) -> str:
    """The text as a cell may hold it: an apostrophe goes before what might be a formula."""
    return ESCAPE + text if text.startswith(_RISKY) else text


def restore(cell: str) -> str:
    """What `neutralise` was given."""
    return cell[1:] if cell.startswith(ESCAPE) else cell


def spell(text: str) -> str:
    """The text as the XML of a workbook holds it (ECMA-376, ST_Xstring)."""
    return _NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unspell(cell: str) -> str:
    """What `spell` was given; spreadsheet programs do this themselves, openpyxl does not."""
    return _SPELLED.sub(lambda found: chr(int(found[1], 16)), cell)
