"""Canonical texts of subjects: one for all that mean the same, none for what identifies nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.subjects import (
    AddressKey,
    CompanyKey,
    PersonKey,
    company_domain,
    domain_of,
    email_of,
)


@pytest.mark.parametrize(
    "address, domain",
    [
        ("HTTPS://www.Acme.co.uk:80/x?y#z", "acme.co.uk"),
        ("acme.test", "acme.test"),
        ("münchen.de/kontakt", "xn--mnchen-3ya.de"),
        ("192.168.0.1", None),
        ("http://[::1", None),
        ("http://acme.test:99999", "acme.test"),
        ("acme", None),
        ("a..b.test", None),
        ("-a.test", None),
        (" ", None),
        (None, None),
    ],
)
def test_a_domain_is_the_host_of_an_address(address: str | None, domain: str | None) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    "address, company",
    [
        ("ann@acme.test", "acme.test"),
        ("ann@gmail.com", None),
        ("ann@uk.yahoo.com", None),
        ("https://www.facebook.com/acme", None),
        ("https://acme.wixsite.com", None),
        ("https://acme.test/@ann", "acme.test"),
    ],
)
def test_f38_a_mailbox_or_page_anybody_may_have_makes_no_company(
    address: str, company: str | None
) -> None:
    assert company_domain(address) == company


@pytest.mark.parametrize(
    "text, email",
    [
        (" Ann.Lee@ACME.Test ", "ann.lee@acme.test"),
        ("mailto:ann@acme.test", "ann@acme.test"),
        ("ann lee@acme.test", None),
        ("ann@acme.test/x", None),
        ("ann@", None),
        ("@acme.test", None),
        ("ann@acme|x.test", None),
        ("a" * 65 + "@acme.test", None),
    ],
)
def test_an_email_is_one_address_with_its_case_folded(text: str, email: str | None) -> None:
    assert email_of(text) == email


def test_a_company_is_known_by_its_domain_else_by_name_and_place() -> None:
    assert CompanyKey("ACME.test", "Acme", "94105").value == "acme.test"
    key = CompanyKey(name="  ACME |\t& Söhne ", postal_code="94105", country="US")
    assert key.value == "|acme & söhne|94105|us"
    assert CompanyKey.parse(key.value).name == "acme & söhne"
    assert CompanyKey.parse("acme.test") == CompanyKey("acme.test")


_PART = st.text(max_size=40)


@given(_PART, _PART, _PART, _PART)
def test_a_text_has_its_parts_again_and_is_its_own_canonical_form(
    first: str, last: str, domain: str, company: str
) -> None:
    value = PersonKey(first, last, domain, company).value
    assert value.count("|") == 3
    assert PersonKey.parse(value).value == value


def test_f57_a_text_that_does_not_fit_is_refused_never_cut() -> None:
    with pytest.raises(InputError, match="320"):
        _ = AddressKey("x" * 321).value


def test_a_person_known_by_an_address_alone_has_a_text_of_its_own() -> None:
    key = PersonKey(email="Ada@Acorn.Example")
    assert key.value == "||||ada@acorn.example"
    assert PersonKey.parse(key.value).email == "ada@acorn.example"
