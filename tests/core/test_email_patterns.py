"""F34: guesses of addresses for names of every kind, and what is never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.email_patterns import guesses
from bulk_lookup_dagster.core.subjects import email_of

DOMAIN = "acorn.example"
_LATIN = st.text("abcdefghijklmnopqrstuvwxyzàéîöüßñç'- ", min_size=1, max_size=20)


def local_parts(first: str, last: str, domain: str = DOMAIN) -> list[str]:
    return [guess.email.partition("@")[0] for guess in guesses(first, last, domain)]


@pytest.mark.parametrize(
    "first,last,best",
    [
        ("Ada", "Brook", "ada.brook"),
        ("ADA", "brook", "ada.brook"),
        ("Dr. Ada", "Brook PhD", "ada.brook"),
        ("Zoë", "Müller", "zoe.muller"),
        ("Bjørn", "Strauß", "bjorn.strauss"),
        ("Miles", "O'Brien", "miles.obrien"),
        ("Jean-Luc", "Picard", "jean.picard"),
        ("Ludwig", "van Beethoven", "ludwig.vanbeethoven"),
        ("María del Carmen", "López García", "maria.lopezgarcia"),
        ("Иван", "Петров", "ivan.petrov"),
        ("Άννα", "Παππά", "anna.pappa"),
    ],
)
def test_f34_the_likeliest_address_of_a_name(first: str, last: str, best: str) -> None:
    assert local_parts(first, last)[0] == best


@pytest.mark.parametrize(
    "first,last", [("Madonna", ""), ("", "Madonna"), ("Madonna", "Madonna"), ("madonna", "MADONNA")]
)
def test_f34_one_word_is_never_doubled(first: str, last: str) -> None:
    assert local_parts(first, last) == ["madonna"]


@pytest.mark.parametrize(
    "first,last",
    [
        ("明", "李"),
        ("محمد", "علي"),
        ("Ada", "李"),
        ("שרה", "Cohen"),
        ("", ""),
        ("1", "2"),
        ("…", "!"),
    ],
)
def test_f34_a_name_no_address_can_hold_is_not_guessed(first: str, last: str) -> None:
    assert local_parts(first, last) == []


@pytest.mark.parametrize("domain", ["gmail.com", "mail.yahoo.com", "", "no domain", "localhost"])
def test_a_mailbox_everybody_may_have_is_not_guessed(domain: str) -> None:
    assert local_parts("Ada", "Brook", domain) == []


@given(_LATIN, _LATIN)
def test_f34_every_guess_is_an_address_in_plain_letters(first: str, last: str) -> None:
    made = guesses(first, last, DOMAIN)
    assert len({guess.email for guess in made}) == len(made)
    for guess in made:
        assert guess.email.isascii()
        assert email_of(guess.email) == guess.email
        before, dot, after = guess.email.partition("@")[0].partition(".")
        assert not dot or before != after


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_text_makes_guessing_fail(first: str, last: str, domain: str) -> None:
    assert guesses(first, last, domain) == guesses(first, last, domain)


@given(_LATIN)
def test_f34_one_word_gives_at_most_one_guess(name: str) -> None:
    word = name.replace(" ", "").replace("-", "")
    assert len(guesses(word, word, DOMAIN)) <= 1
    assert len(guesses(word, "", DOMAIN)) <= 1
