"""Text reduced to plain a-z and 0-9, whatever alphabet and accents it came in.

Belongs here: transliteration and folding. Does not: what a word means (`core.names`,
`core.companies`, `core.addresses`).
"""

from __future__ import annotations

import re
import unicodedata

_LATIN = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l"}
_LATIN |= {"ı": "i", "ħ": "h", "ŋ": "n"}
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya i yi ye g".split(
            " "
        ),
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(),
        strict=True,
    )
)
_TABLE = str.maketrans(_LATIN | _CYRILLIC | _GREEK)
_APOSTROPHES = re.compile(r"['`\u2018\u2019\u02bc]")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def fold(text: str) -> str:
    """Lower case without accents; letters of other alphabets transliterated where known."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    # First as it is: й and ё are letters of their own, not и and е with a mark.
    composed = unicodedata.normalize("NFKC", text).lower().translate(_TABLE)
    bare = unicodedata.normalize("NFKD", composed)
    return (
        "".join(mark for mark in bare if not unicodedata.combining(mark)).lower().translate(_TABLE)
    )


def words(text: str) -> list[str]:
    """Folded words; apostrophes join (`o'brien`), everything else that is no letter parts them."""
    folded = fold(text)
    if folded.isascii() and folded.replace(" ", "").isalpha():
        return folded.split()
    plain = _NOT_PLAIN.sub(" ", _APOSTROPHES.sub("", folded)).split()
    # Letters of an alphabet without a table would vanish; two such names must not look alike.
    return plain or folded.split()
