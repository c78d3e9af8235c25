"""Labelled synthetic contacts: people in households and firms, each seen several times, badly.

Belongs here: the population and what a record of it shows. Does not: spelling mistakes and
formats (`bench.contact_noise`), vocabulary (`bench.contact_words`), measuring (`bench.matching`).

A person lives in a household (address, land line, sometimes one mailbox), works for a firm
(switchboard, domain, address) and is recorded at home or at work, now or before moving: two
records of one person may share nothing but the name, and two people nearly everything. Whatever
the rates, the same seed gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from bench import contact_words as words
from bench.contact_noise import Noise

CHUNK = 250_000
Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Rates:
    """Shares of records (or of people, households, firms) something happens to."""

    repeats: float = 0.40  # people recorded more than once
    organisations: float = 0.12
    juniors: float = 0.03  # households whose father and son share a name
    at_work: float = 0.45  # people one meets mostly at work
    elsewhere: float = 0.12  # records of the other side of their life
    family_mailbox: float = 0.06
    role_mailbox: float = 0.12
    switchboard: float = 0.40
    land_line: float = 0.30
    chains: float = 0.04  # firms with several sites under one name and domain
    moved: float = 0.06
    recycled: float = 0.01
    placeholder: float = 0.01
    nameless: float = 0.03
    nickname: float = 0.12
    initial: float = 0.03
    swapped: float = 0.01
    typo: float = 0.05
    missing: float = 0.10
    formats: float = 0.30

    @classmethod
    def parse(cls, text: str) -> Rates:
        """From `typo=0.1,missing=0.3`; what is not named keeps its default."""
        pairs = dict(part.split("=", 1) for part in text.split(",") if part)
        unknown = set(pairs) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"no such rate: {', '.join(sorted(unknown))}")
        return cls(**{name: float(value) for name, value in pairs.items()})


class Population:
    """Who there is. Everything is an array of numbers; text is made per chunk of records."""

    def __init__(self, rows: int, seed: int, rates: Rates) -> None:
        self.rates = rates
        self.rng = np.random.default_rng(seed)
        self._entities(rows)
        self._households()
        self._firms()
        self._people()

    def _entities(self, rows: int) -> None:
        once = 1.0 - self.rates.repeats
        shares = [once, *(self.rates.repeats * share for share in (0.66, 0.21, 0.08, 0.05))]
        copies = self.rng.choice([1, 2, 3, 4, 6], size=rows, p=shares)
        count = int(np.searchsorted(np.cumsum(copies), rows)) + 1
        self.count = count
        owners = np.repeat(np.arange(count), copies[:count])[:rows]
        self.entity: Ints = self.rng.permutation(owners)
        self.is_firm: Flags = self.rng.random(count) < self.rates.organisations

    def _households(self) -> None:
        sizes = self.rng.choice([1, 2, 3, 4, 5], size=self.count, p=[0.35, 0.3, 0.15, 0.15, 0.05])
        homes = np.repeat(np.arange(self.count), sizes)[: self.count]
        self.household: Ints = homes
        self.member = np.arange(self.count) - np.searchsorted(homes, homes)
        self.home_count = int(homes[-1]) + 1
        # Some surnames are everybody's, most are few people's.
        common = self.rng.random(self.home_count) < 0.45
        rank = (self.rng.random(self.home_count) ** 2 * len(words.LAST)).astype(int)
        rare = self.rng.integers(0, len(words.RARE_LAST), self.home_count)
        self.home_last = np.where(common, rank, len(words.LAST) + rare)

    def _firms(self) -> None:
        self.firm_count = max(self.count // 9, 2)
        firms = np.arange(self.firm_count)
        self.firm_of: Ints = self.rng.integers(0, self.firm_count, self.count)
        chain = self.rng.random(self.firm_count) < self.rates.chains
        # A site of a chain has its predecessor's name and domain, not its address or phone.
        self.brand = np.maximum.accumulate(np.where(chain & (firms % 8 != 0), 0, firms))
        self.firm_word = self.rng.integers(0, len(words.ODD_WORDS), self.firm_count)
        self.firm_last = self.rng.integers(0, len(words.RARE_LAST), self.firm_count)
        self.firm_trade = self.rng.integers(0, len(words.TRADES), self.firm_count)
        self.firm_style = self.rng.integers(0, 4, self.firm_count)
        own = np.flatnonzero(self.is_firm)
        self.firm_of[own] = self.rng.permutation(self.firm_count)[
            np.arange(len(own)) % (self.firm_count)
        ]
        # One organisation per firm: those left over are people.
        self.is_firm[own[self.firm_count :]] = False

    def _people(self) -> None:
        draw = self.rng.random(self.count) ** 1.6
        female = self.rng.random(self.count) < 0.5
        spread = np.where(female, len(words.FEMALE), len(words.MALE))
        self.first = (draw * spread).astype(int)
        self.female = female
        self.generation = np.zeros(self.count, dtype=int)
        junior = (self.member == 1) & (
            self.rng.random(self.home_count)[self.household] < self.rates.juniors
        )
        where = np.flatnonzero(junior)
        self.first[where], self.female[where] = self.first[where - 1], self.female[where - 1]
        self.generation[where], self.generation[where - 1] = 1, 2
        self.at_work = self.rng.random(self.count) < self.rates.at_work
        self.middle = self.rng.integers(0, 26, self.count)


def contacts(rows: int, seed: int, rates: Rates | None = None) -> Iterator[pa.Table]:
    """Chunks of records in random order, columns as of an upload and three labels.

    `entity` is who it is, `household` and `firm` whom it is easily mistaken for.
    """
    rates = rates or Rates()
    people = Population(rows, seed, rates)
    for number, start in enumerate(range(0, rows, CHUNK)):
        owners = people.entity[start : start + CHUNK]
        yield Noise(people, np.random.default_rng([seed, number])).table(owners, start)
