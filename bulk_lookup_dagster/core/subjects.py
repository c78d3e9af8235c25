"""What questions can be about: kinds of subjects, and the canonical text of those made of parts.

Two contacts that mean the same company get the same text, hence one subject and one paid answer.
Parts are joined by `|`; a text that would not fit is refused, never cut (F57).

Belongs here: canonical forms. Does not: who leads to which subject (`services.derivations`),
keyed hashes (`core.privacy`), phone numbers (`core.phone`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import astuple, dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.shared_domains import SHARED_DOMAINS

KINDS = (
    *("phone", "email", "company", "person", "address", "census_block", "zipcode", "day"),
    *("trust_hub", "point", "business"),
)
MAX_VALUE = 320

_BLANK = re.compile(r"[\s|]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")
_LOCAL = re.compile(r"[^\s@|\x00-\x1f\x7f<>()\[\],;:\\\"]{1,64}")


def tidy(text: str | None) -> str:
    """One part: compatibility forms unified, case folded, blanks and bars made single blanks."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    visible = "".join(" " if unicodedata.category(one) == "Cc" else one for one in folded)
    return _BLANK.sub(" ", visible).strip()


def domain_of(address: str | None) -> str | None:
    """The host of a web address or a bare domain, without `www.`; None where it is none."""
    text = (address or "").strip().casefold()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        host = host.rstrip(".").removeprefix("www.").encode("idna").decode()
    except ValueError:  # a port or an address in brackets that is none; UnicodeError is one too
        return None
    return host if len(host) <= 253 and _DOMAIN.fullmatch(host) else None


def email_of(text: str | None) -> str | None:
    """An e-mail address with its case folded and its domain in ASCII; None where it is none."""
    local, _, host = (text or "").strip().removeprefix("mailto:").rpartition("@")
    domain = domain_of(host) if "/" not in host else None
    local = unicodedata.normalize("NFKC", local).casefold()
    if domain is None or not _LOCAL.fullmatch(local):
        return None
    return f"{local}@{domain}"


def company_domain(address: str | None) -> str | None:
    """The domain of a web or e-mail address, unless everybody may have an address there."""
    text = (address or "").strip()
    domain = domain_of(text.rpartition("@")[2] if "@" in text and "/" not in text else text)
    if domain is None:
        return None
    parts = domain.split(".")
    parents = {".".join(parts[start:]) for start in range(len(parts) - 1)}
    return None if parents & SHARED_DOMAINS else domain


def _joined(parts: tuple[str, ...]) -> str:
    value = "|".join(parts)
    if len(value) > MAX_VALUE:
        raise InputError(f"A subject's text is longer than {MAX_VALUE} characters.")
    return value


class _Key:
    """Shared by the structured kinds: the text and back."""

    @property
    def value(self) -> str:
        """The canonical text."""
        parts: tuple[Any, ...] = astuple(self)  # type: ignore[call-overload]
        return _joined(tuple(tidy(part) for part in parts))

    @classmethod
    def parse(cls, value: str) -> Self:
        """The parts of a canonical text."""
        return cls(*value.split("|"))


@dataclass(frozen=True, slots=True)
class CompanyKey(_Key):
    """A company: its domain, or its name and where it is."""

    domain: str = ""
    name: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def value(self) -> str:
        """The domain alone where it is known: whatever the name is written like."""
        if self.domain:
            return _joined((tidy(self.domain),))
        return _joined(("", tidy(self.name), tidy(self.postal_code), tidy(self.country)))


@dataclass(frozen=True, slots=True)
class PersonKey(_Key):
    """A person at a company, known by its domain or else by its name; or whoever has an e-mail.

    `email` stands alone, for a person of whom nothing else is known.
    """

    first: str = ""
    last: str = ""
    domain: str = ""
    company: str = ""
    email: str = ""

    @property
    def value(self) -> str:
        """Four parts, or a fifth alone."""
        if self.email:
            return _joined(("", "", "", "", tidy(self.email)))
        parts = (self.first, self.last, self.domain, self.company)
        return _joined(tuple(tidy(part) for part in parts))


@dataclass(frozen=True, slots=True)
class AddressKey(_Key):
    """A postal address."""

    street: str
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class ZipcodeKey(_Key):
    """A request for the businesses of a ZIP code; `business_type` '' is any kind."""

    zipcode: str
    business_type: str = ""
