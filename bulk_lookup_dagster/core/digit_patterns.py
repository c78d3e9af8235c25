"""What the first digits of a number already say about patterns that all of it must match.

Belongs here: libphonenumber's regular expressions over digits, followed digit by digit, in the
library's order. Does not: where the patterns come from (`core.numbering_plans`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

_DIGITS = frozenset("0123456789")
# Parts that follow each other: a set of digits, ("any of", sequences) or ("repeat", …).
_Sequence = tuple[Any, ...]


class RegionRules(NamedTuple):
    """A region's patterns for one length; of `types`, all patterns behind a kind must match."""

    lead: str | None
    general: str | None
    types: tuple[tuple[int, tuple[str, ...]], ...]


def settled(rules: Iterable[RegionRules], start: str, left: int) -> int | None:
    """The group of all numbers of `start` and `left` more digits; None where it depends."""
    for lead, general, types in rules:
        led = lead is None or begins(lead, start)
        if led is False:
            continue
        valid = general is not None and matches(general, start, left)
        if led is None or valid is None:
            return None
        for group, patterns in types if valid else ():
            answers = [matches(pattern, start, left) for pattern in patterns]
            if all(answers):
                return group
            if False not in answers:
                return None
        if lead is not None:
            return None
    return None


def matches(pattern: str, start: str, left: int) -> bool | None:
    """Whether all numbers of `start` and `left` more digits match, none does, or it depends."""
    rests = [rest for rest in _after(pattern, start) if _least(rest) <= left <= _most(rest)]
    if not rests:
        return False
    return True if any(map(_is_free, rests)) else None


def begins(pattern: str, start: str) -> bool | None:
    """Whether a match of the pattern stands at the start, does not, or might with more digits."""
    for end in range(len(start) + 1):
        if any(_least(rest) == 0 for rest in _after(pattern, start[:end])):
            return True
    return None if _after(pattern, start) else False


def _parts(parsed: Iterable[Any]) -> _Sequence:
    parts: _Sequence = ()
    for kind, value in parsed:
        if kind is ops.LITERAL:
            parts += (frozenset(chr(value)),)
        elif kind is ops.IN:
            parts += (frozenset().union(*map(_members, value)),)
        elif kind is ops.SUBPATTERN:
            parts += _parts(value[3])
        elif kind is ops.BRANCH:
            parts += (("any of", *map(_parts, value[1])),)
        elif kind is ops.MAX_REPEAT:
            parts += (("repeat", int(value[0]), int(value[1]), _parts(value[2])),)
        else:
            raise re.error(f"{kind} in a pattern of digits")
    return parts


def _members(item: tuple[Any, Any]) -> frozenset[str]:
    kind, value = item
    if kind is ops.LITERAL:
        return frozenset(chr(value))
    if kind is ops.RANGE:
        return frozenset(map(chr, range(value[0], value[1] + 1)))
    if (kind, value) == (ops.CATEGORY, ops.CATEGORY_DIGIT):
        return _DIGITS
    raise re.error(f"{kind} in a set of digits")


@lru_cache(maxsize=50_000)
def _after(pattern: str, start: str) -> frozenset[_Sequence]:
    """What may follow once `start` is read."""
    if not start:
        return frozenset((_parts(parser.parse(pattern)),))
    found = (_step(rest, start[-1]) for rest in _after(pattern, start[:-1]))
    return frozenset().union(*found)


def _step(parts: _Sequence, digit: str) -> frozenset[_Sequence]:
    if not parts:
        return frozenset()
    first, rest = parts[0], parts[1:]
    if isinstance(first, frozenset):
        return frozenset((rest,)) if digit in first else frozenset()
    if first[0] == "any of":
        return frozenset().union(*(_step(one + rest, digit) for one in first[1:]))
    _, least, most, inner = first
    found = _step(rest, digit) if least == 0 else frozenset()
    if most > 0:
        again = ("repeat", max(least - 1, 0), most - 1, inner)
        found |= _step((*inner, again, *rest), digit)
    return found


@cache
def _least(parts: _Sequence) -> int:
    return sum(_part_least(part) for part in parts)


def _part_least(part: Any) -> int:
    if isinstance(part, frozenset):
        return 1
    return min(map(_least, part[1:])) if part[0] == "any of" else part[1] * _least(part[3])


@cache
def _most(parts: _Sequence) -> int:
    return sum(_part_most(part) for part in parts)


def _part_most(part: Any) -> int:
    if isinstance(part, frozenset):
        return 1
    return max(map(_most, part[1:])) if part[0] == "any of" else part[2] * _most(part[3])


def _is_free(parts: _Sequence) -> bool:
    """Whether any digits do, as long as there are neither too many nor too few."""
    return all(
        part == _DIGITS if isinstance(part, frozenset) else _repeats_any(part) for part in parts
    )


def _repeats_any(part: tuple[Any, ...]) -> bool:
    return bool(part[0] == "repeat" and (part[2] == 0 or part[3] == (_DIGITS,)))
