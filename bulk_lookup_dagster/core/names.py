"""Names of persons: taken apart, and whether two can be one person's.

Belongs here: rules about one name or two. Does not: lists of names (`core.name_words`), names of
companies (`core.companies`), weights (`matching`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bulk_lookup_dagster.core.name_words import FORMAL
from bulk_lookup_dagster.core.text_folding import words

_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir madam rev reverend hon capt captain sgt lt col"
    " herr frau fr father mme mlle sr.a dott ing".split()
)
_CREDENTIALS = frozenset("phd md dds dvm esq cpa rn mba jd do pe cfa pmp lpn np pa".split())
_GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii"}
_GENERATIONS |= {"iii": "iii", "iv": "iv", "2nd": "ii", "3rd": "iii", "4th": "iv"}
_PARTICLES = frozenset(
    "de del della der den di da do dos du la le van von bin ibn al el st".split()
)
_NOT_ALONE = _CREDENTIALS | frozenset(_GENERATIONS) | _PARTICLES
_ASIDE = re.compile(r"\([^)]*\)|\"[^\"]*\"|\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as it is compared. `given` are the full names `first` may stand for."""

    first: str = ""
    middle: str = ""
    last: str = ""
    generation: str = ""
    given: tuple[str, ...] = ()


def parse_name(name: str) -> PersonName:
    """A name in one piece: `Dr. Ann B. Smith Jr`, `Smith, Ann`, or one word, taken as last."""
    if "(" in name or '"' in name or "[" in name:
        name = _ASIDE.sub(" ", name)
    if "," in name:
        before, _, after = name.partition(",")
        ending = words(after)
        if ending and not set(ending) <= _CREDENTIALS | set(_GENERATIONS):
            return _assemble(_bare(ending), _bare(words(before)))
        name = name.replace(",", " ")
    tokens, generation = _bare(words(name))
    split = len(tokens) - 1
    while split > 1 and tokens[split - 1] in _PARTICLES:
        split -= 1
    return _assemble((tokens[:split], ""), (tokens[split:], generation))


def halves(name: str) -> tuple[str, str]:
    """Given and family names of a name in one piece, in its own spelling, without titles.

    One word alone is a family name; `Brook, Ada` is turned round.
    """
    text = _ASIDE.sub(" ", name)
    before, comma, after = text.partition(",")
    if comma and not set(words(after)) <= _CREDENTIALS | set(_GENERATIONS):
        return _written(after.split()), _written(before.split())
    tokens = _spelled(before.split())
    split = max(0, len(tokens) - 1)
    while split > 1 and _plain(tokens[split - 1]) in _PARTICLES:
        split -= 1
    return " ".join(tokens[:split]), " ".join(tokens[split:])


def _written(tokens: list[str]) -> str:
    return " ".join(_spelled(tokens))


def _spelled(tokens: list[str]) -> list[str]:
    """Without titles before and letters after, as `_bare` does with folded words."""
    while len(tokens) > 1 and _plain(tokens[0]) in _TITLES:
        tokens = tokens[1:]
    endings = _CREDENTIALS | set(_GENERATIONS)
    while len(tokens) > 1 and _plain(tokens[-1]) in endings:
        tokens = tokens[:-1]
    return tokens


def _plain(token: str) -> str:
    return "".join(words(token))


def split_name(first: str, last: str) -> PersonName:
    """A name in two fields; a field that holds the whole name is taken apart."""
    if not first or not last:
        whole = (first + last).strip()
        if " " in whole:
            return parse_name(whole)
    return _assemble(_bare(words(first)), _bare(words(last)))


def given_name(text: str) -> PersonName:
    """What a field of given names says by itself; with `family_name` it is `split_name`."""
    return _assemble(_bare(words(text)), ([], ""))


def family_name(text: str) -> PersonName:
    """What a field of family names says by itself."""
    return _assemble(([], ""), _bare(words(text)))


def depends_on_the_rest(half: str) -> bool:
    """Whether half a name could be read another way beside its other half (`Jr`, `van`, `Dr`)."""
    found = words(half)
    return not _NOT_ALONE.isdisjoint(found) or _TITLES.issuperset(found)


def full_names(first: str) -> tuple[str, ...]:
    """What a given name may be short for, itself included."""
    return (first, *FORMAL.get(first, ()))


def _bare(tokens: list[str]) -> tuple[list[str], str]:
    """Without titles before and letters after; the generation apart."""
    while len(tokens) > 1 and tokens[0] in _TITLES:
        tokens = tokens[1:]
    generation = ""
    while len(tokens) > 1 and (tokens[-1] in _GENERATIONS or tokens[-1] in _CREDENTIALS):
        generation = _GENERATIONS.get(tokens[-1], generation)
        tokens = tokens[:-1]
    return tokens, generation


def _assemble(given: tuple[list[str], str], family: tuple[list[str], str]) -> PersonName:
    names, before = given
    lasts, after = family
    first = names[0] if names else ""
    return PersonName(
        first,
        " ".join(names[1:]),
        "".join(lasts),
        after or before,
        full_names(first) if first else (),
    )
