"""Subjects that stand in the contact as it was handed in: company, person, e-mail, address.

Belongs here: reading contact columns. Does not: reading answers (one module per step that has
them), canonical forms (`core.subjects`).
"""

from __future__ import annotations

from bulk_lookup_dagster.core.companies import is_company
from bulk_lookup_dagster.core.names import halves
from bulk_lookup_dagster.core.postal import normal_address
from bulk_lookup_dagster.core.subjects import (
    CompanyKey,
    PersonKey,
    company_domain,
    email_of,
    tidy,
)
from bulk_lookup_dagster.services.derivations.derivation import Source

GIVEN = "given"

_COLUMNS = "SELECT c.contact_id, NULL::bigint AS origin_claim_id, {columns}"
_FROM = " FROM scoped JOIN intake.contacts c USING (contact_id) WHERE c.erased_at IS NULL AND "


def _select(columns: str, wanted: str) -> str:
    return _COLUMNS.format(columns=columns) + _FROM + f"({wanted})"


def company_key(
    company: str | None,
    website: str | None,
    email: str | None,
    postal_code: str | None,
    country: str | None,
) -> str | None:
    """The company of a contact: its site, else its e-mail's domain, else its name and place.

    A mailbox everybody may have makes no company; a name alone is too little to know one by.
    """
    domain = company_domain(website) or company_domain(email)
    if domain:
        return CompanyKey(domain=domain).value
    if tidy(company) and tidy(postal_code):
        return CompanyKey("", company or "", postal_code or "", country or "").value
    return None


def both_names(first: str | None, last: str | None, name: str | None) -> tuple[str, str] | None:
    """Given and family name: as two columns have them, else of one column that holds a person."""
    if tidy(first) and tidy(last):
        return first or "", last or ""
    given, family = ("", "") if is_company(name or "") else halves(name or "")
    return (given, family) if tidy(given) and tidy(family) else None


def person_key(
    first: str | None,
    last: str | None,
    name: str | None,
    company: str | None,
    website: str | None,
    email: str | None,
) -> str | None:
    """A person at a company: both names, and the company's domain or name; else their e-mail."""
    domain = company_domain(website) or company_domain(email) or ""
    names = both_names(first, last, name)
    if names is None or not (domain or tidy(company)):
        address = email_of(email)
        return None if address is None else PersonKey(email=address).value
    return PersonKey(*names, domain, "" if domain else company or "").value


def address_key(
    street: str | None,
    city: str | None,
    state: str | None,
    postal_code: str | None,
    country: str | None,
) -> str | None:
    """A postal address in one spelling: a street, and a postal code or a city with its state."""
    key = normal_address(street, None, city, state, postal_code, country)
    return None if key is None else key.value


COMPANY_GIVEN = Source(
    GIVEN,
    _select(
        "c.company, c.website, c.email, c.postal_code, c.country",
        "c.website IS NOT NULL OR c.email IS NOT NULL OR c.company IS NOT NULL",
    ),
    company_key,
)
PERSON_GIVEN = Source(
    GIVEN,
    _select(
        "c.first_name, c.last_name, c.name, c.company, c.website, c.email",
        "c.last_name IS NOT NULL OR c.name IS NOT NULL OR c.email IS NOT NULL",
    ),
    person_key,
)
EMAIL_GIVEN = Source(GIVEN, _select("c.email", "c.email IS NOT NULL"), email_of)
ADDRESS_GIVEN = Source(
    GIVEN,
    _select("c.street, c.city, c.state_region, c.postal_code, c.country", "c.street IS NOT NULL"),
    address_key,
)
