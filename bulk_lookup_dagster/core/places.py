"""Names of states and of the United States, each in one spelling.

Belongs here: lists of words. Does not: street lines (`core.addresses`).
"""

from __future__ import annotations

from bulk_lookup_dagster.core.text_folding import words

US = "us"
_US = frozenset(
    {"us", "usa", "u s", "u s a", "united states", "united states of america", "america"}
)
_STATES = (
    "al alabama|ak alaska|az arizona|ar arkansas|ca california|co colorado|ct connecticut|"
    "de delaware|dc district of columbia|fl florida|ga georgia|hi hawaii|id idaho|il illinois|"
    "in indiana|ia iowa|ks kansas|ky kentucky|la louisiana|me maine|md maryland|ma massachusetts|"
    "mi michigan|mn minnesota|ms mississippi|mo missouri|mt montana|ne nebraska|nv nevada|"
    "nh new hampshire|nj new jersey|nm new mexico|ny new york|nc north carolina|nd north dakota|"
    "oh ohio|ok oklahoma|or oregon|pa pennsylvania|ri rhode island|sc south carolina|"
    "sd south dakota|tn tennessee|tx texas|ut utah|vt vermont|va virginia|wa washington|"
    "wv west virginia|wi wisconsin|wy wyoming|pr puerto rico"
)
_CODES = {name: code for code, _, name in (one.partition(" ") for one in _STATES.split("|"))}
STATES = frozenset(_CODES.values())


def state_code(text: str) -> str:
    """A state's two letters; other regions as they are, folded."""
    folded = " ".join(words(text))
    return _CODES.get(folded, folded)


def country_code(text: str) -> str:
    """`us` for the United States in any words; other countries as they are, folded."""
    folded = " ".join(words(text))
    return US if folded in _US else folded
