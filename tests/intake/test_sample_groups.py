"""The sample holds what confuses matching, and matching tells it apart."""

from __future__ import annotations

import random
from itertools import count

import pytest

from bulk_lookup_dagster.intake import sample_groups
from bulk_lookup_dagster.intake.sample import sample_rows
from tests.matching.test_pitfalls import match

TOGETHER = {"_nickname"}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("group", sample_groups.GROUPS, ids=lambda group: group.__name__)
def test_each_group_is_what_it_says(group: sample_groups.Group, seed: int) -> None:
    numbers = count(4155550142)
    rows = [
        {"name": name or None, "phone": phone, "company": company or None, "email": mail or None,
         "city": city or None}
        for name, phone, company, mail, city, *_ in group(
            random.Random(seed), lambda: str(next(numbers))
        )
    ]  # fmt: skip
    clusters, why = match(*rows)
    if group.__name__ in TOGETHER:
        assert len(clusters) == 1
    else:
        assert len(clusters) == len(rows)
        assert not [verdict for verdict in why.values() if verdict.startswith("auto")]


def test_a_sample_of_the_demos_size_has_every_group() -> None:
    rows = list(sample_rows(2_000))
    assert len(rows) == 2_000
    names = " ".join(row[0] for row in rows)
    assert "Sr." in names
    assert "Jr." in names
    companies = [row[2] for row in rows]
    assert sum(company.endswith("Bakery LLC") for company in companies) >= 6
    assert sum(company.endswith("Logistics Inc") for company in companies) >= 6
