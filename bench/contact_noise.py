"""What a record shows of a contact: context, missing values, spelling, formats.

Belongs here: turning numbers of a population into text, with mistakes. Does not: who there is
(`bench.contacts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench import contact_words as words

if TYPE_CHECKING:
    from bench.contacts import Flags, Ints, Population

Texts = np.ndarray[Any, np.dtype[Any]]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PHONES = ("({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "+1 {} {} {}", "1{}{}{}", "{}{}{} x12")


def blank(gone: Flags, values: Texts) -> Texts:
    """The values, without those that are gone."""
    left = values.astype(object)
    left[gone] = None
    return left


class Noise:
    """Makes one chunk of records; every draw comes from its own generator."""

    def __init__(self, people: Population, rng: np.random.Generator) -> None:
        self.people = people
        self.rates = people.rates
        self.rng = rng
        self.lasts = np.array(words.LAST + words.RARE_LAST, dtype=object)
        self.males = np.array(words.MALE, dtype=object)
        self.females = np.array(words.FEMALE, dtype=object)
        self.odd = np.array(words.ODD_WORDS, dtype=object)
        self.rare = np.array(words.RARE_LAST, dtype=object)
        self.trades = np.array(words.TRADES, dtype=object)

    def table(self, owners: Ints, start: int) -> pa.Table:
        """The records of `owners`."""
        size, people = len(owners), self.people
        firm = people.is_firm[owners]
        work = firm | (people.at_work[owners] ^ self.some(size, self.rates.elsewhere))
        company_of = people.firm_of[owners]
        # Without a name and at work, it would be the firm's record and not the person's.
        nameless = ~work & self.some(size, self.rates.nameless)
        first, last, full, split = self._names(owners, firm | nameless)
        columns: dict[str, Any] = {
            "id": np.arange(start, start + size),
            "name": blank(split, full),
            "first_name": blank(~split, first),
            "last_name": blank(~split, last),
            "company": self._companies(company_of, firm, work),
            "phone": self._phones(owners, firm, work),
            "email": self._emails(owners, firm, work),
            **self._addresses(owners, firm, work),
            "entity": owners,
            "household": np.where(firm, -1, people.household[owners]),
            "firm": company_of,
        }
        for name in ("website",):
            columns[name] = blank(~firm | self.some(size, 0.5), self._domains(company_of))
        return pa.table({name: pa.array(values) for name, values in columns.items()})

    def some(self, size: int, share: float) -> Flags:
        """A random choice of that share."""
        chosen: Flags = self.rng.random(size) < share
        return chosen

    def change(self, values: Texts, share: float, how: Callable[[str], str]) -> Texts:
        """Apply `how` to a share of the values that are there."""
        values = values.copy()
        for index in np.flatnonzero(self.some(len(values), share)):
            if values[index]:
                values[index] = how(values[index])
        return values

    def typo(self, text: str) -> str:
        """One letter dropped, doubled, exchanged or swapped with the next."""
        if len(text) < 3:
            return text
        at = int(self.rng.integers(1, len(text) - 1))
        letter = _LETTERS[int(self.rng.integers(0, 26))]
        return (
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + letter + text[at + 1 :],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )[int(self.rng.integers(0, 4))]

    def _nickname(self, name: str) -> str:
        known = words.NICKNAMES.get(name, "").split()
        return known[int(self.rng.integers(0, len(known)))] if known else name

    def _names(self, owners: Ints, gone: Flags) -> tuple[Texts, Texts, Texts, Flags]:
        people, rates, size = self.people, self.rates, len(owners)
        number = people.first[owners]
        first: Texts = np.where(
            people.female[owners],
            self.females[np.minimum(number, len(self.females) - 1)],
            self.males[np.minimum(number, len(self.males) - 1)],
        )
        last: Texts = self.lasts[people.home_last[people.household[owners]]]
        first = self.change(first, rates.nickname, self._nickname)
        first = self.change(first, rates.typo, self.typo)
        first = self.change(first, rates.initial, lambda name: name[0])
        last = self.change(last, rates.typo, self.typo)
        first, last = (np.array([text.title() for text in part], object) for part in (first, last))
        swapped = self.some(size, rates.swapped)
        first, last = np.where(swapped, last, first), np.where(swapped, first, last)
        split = self.some(size, 0.5)
        middle = np.array(list(_LETTERS.upper()), object)[people.middle[owners]]
        has_middle, titled = self.some(size, 0.15), self.some(size, 0.04)
        comma = self.some(size, 0.1)
        ends = np.array(["", " Jr", " Sr"], object)[
            np.where(self.some(size, 0.85), people.generation[owners], 0)
        ]
        first, last = blank(gone, first), blank(gone, last + ends)
        full = np.empty(size, dtype=object)
        for index in np.flatnonzero(~(gone | split)):
            given = first[index] + (f" {middle[index]}." if has_middle[index] else "")
            given = f"Dr. {given}" if titled[index] else given
            family = last[index]
            full[index] = f"{family}, {given}" if comma[index] else f"{given} {family}"
        return first, last, full, split

    def _companies(self, firms: Ints, firm: Flags, work: Flags) -> Texts:
        people, size = self.people, len(firms)
        brand = people.brand[firms]
        trade = self.trades[people.firm_trade[brand]]
        word, owner = self.odd[people.firm_word[brand]], self.rare[people.firm_last[brand]]
        styles = np.choose(
            people.firm_style[brand],
            [
                word + " " + owner + " " + trade,
                owner + " " + trade,
                owner + " & sons " + trade,
                owner + " " + word,
            ],
        )
        legal = np.array(words.LEGAL, object)[self.rng.integers(0, len(words.LEGAL), size)]
        named = np.array(
            [f"{style.title()} {form}".strip() for style, form in zip(styles, legal, strict=True)],
            object,
        )
        named = self.change(named, self.rates.typo, self.typo)
        shown = firm | (work & ~self.some(size, self.rates.missing))
        return blank(~shown, named)

    def _domains(self, firms: Ints) -> Texts:
        people = self.people
        brand = people.brand[firms]
        trade = self.trades[people.firm_trade[brand]]
        domain: Texts = self.rare[people.firm_last[brand]] + trade + ".com"
        return domain

    def _phones(self, owners: Ints, firm: Flags, work: Flags) -> Texts:
        people, rates, size = self.people, self.rates, len(owners)
        mobile = 2_000_000_000 + (owners * 7_919 + 13) % 3_999_999_979
        line = 6_000_000_000 + (people.household[owners] * 6_101 + 7) % 1_999_999_973
        board = 8_000_000_000 + (people.firm_of[owners] * 5_003 + 3) % 1_999_999_943
        number = np.where(~work & self.some(size, rates.land_line), line, mobile)
        number = np.where(firm | (work & self.some(size, rates.switchboard)), board, number)
        stranger = self.rng.integers(0, people.count, size)
        recycled = 2_000_000_000 + (stranger * 7_919 + 13) % 3_999_999_979
        number = np.where(self.some(size, rates.recycled), recycled, number)
        digits = number.astype("U10").astype(object)
        digits = self.change(digits, rates.typo / 3, self._other_digit)
        formats = np.where(
            self.some(size, rates.formats), self.rng.integers(0, len(_PHONES), size), 1
        )
        phones = np.array(
            [_PHONES[f].format(d[:3], d[3:6], d[6:]) for d, f in zip(digits, formats, strict=True)],
            object,
        )
        fake = np.array(words.PLACEHOLDERS, object)[self.rng.integers(0, 5, size)]
        phones = np.where(self.some(size, rates.placeholder), fake, phones)
        return blank(self.some(size, rates.missing), phones)

    def _other_digit(self, digits: str) -> str:
        at = int(self.rng.integers(3, 10))
        return digits[:at] + str(int(self.rng.integers(0, 10))) + digits[at + 1 :]

    def _emails(self, owners: Ints, firm: Flags, work: Flags) -> Texts:
        people, rates, size = self.people, self.rates, len(owners)
        number = people.first[owners]
        first = np.where(
            people.female[owners],
            self.females[np.minimum(number, len(self.females) - 1)],
            self.males[np.minimum(number, len(self.males) - 1)],
        )
        last = self.lasts[people.home_last[people.household[owners]]]
        domain, free = self._domains(people.firm_of[owners]), np.array(words.FREE, object)
        role = np.array(words.ROLES, object)[self.rng.integers(0, len(words.ROLES), size)]
        mailed = work & ~self.some(size, 0.2)  # some give their private address at work
        boxes, family = self.some(size, rates.role_mailbox), self.some(size, rates.family_mailbox)
        emails = np.empty(size, dtype=object)
        for index, owner in enumerate(owners):
            given, name = first[index], last[index].replace("'", "").replace("í", "i")
            if firm[index] or (mailed[index] and boxes[index]):
                emails[index] = f"{role[index]}@{domain[index]}"
            elif mailed[index]:
                emails[index] = f"{given[0]}{name}@{domain[index]}"
            elif family[index]:
                emails[index] = f"the{name}s{people.household[owner]}@{free[owner % 7]}"
            else:
                emails[index] = f"{given}.{name}{owner % 9_973}@{free[owner % 7]}"
        emails = self.change(emails, rates.typo / 2, self.typo)
        emails = self.change(emails, rates.formats / 6, lambda text: f"<{text.upper()}>")
        return blank(self.some(size, rates.missing * 1.5), emails)

    def _addresses(self, owners: Ints, firm: Flags, work: Flags) -> dict[str, Texts]:
        people, rates, size = self.people, self.rates, len(owners)
        # Homes are even and firms odd; who has moved was recorded under an older number.
        place = np.where(work, people.firm_of[owners] * 2 + 1, people.household[owners] * 2)
        moved = self.some(size, rates.moved) & ~firm
        place = np.where(moved, place + 2 * self.rng.integers(1, people.count, size), place)
        house = place * 7 % 9_871 + 1
        street = place * 31 % len(words.STREETS)
        kind, town = place * 13 % len(words.TYPES), place * 101 % len(words.PLACES)
        postal = 10_000 + (town * 700 + place // 60 % 700) % 89_999
        short, flat = self.some(size, 0.5), (place % 5 == 0) & self.some(size, 0.7)
        lines = np.array(
            [
                f"{h} {words.STREETS[s].title()} {words.TYPES[k][int(b)]}"
                + (f" Apt {p % 40 + 1}" if f else "")
                for h, s, k, b, f, p in zip(house, street, kind, short, flat, place, strict=True)
            ],
            object,
        )
        lines = self.change(lines, rates.typo, self.typo)
        towns = np.array([name for name, _ in words.PLACES], object)[town]
        states = np.array([state for _, state in words.PLACES], object)[town]
        gone, no_zip = self.some(size, rates.missing * 1.5), self.some(size, rates.missing)
        return {
            "street": blank(gone, lines),
            "city": blank(self.some(size, rates.missing / 2), towns),
            "state_region": blank(self.some(size, rates.missing / 2), states),
            "postal_code": blank(no_zip, postal.astype("U5").astype(object)),
        }
