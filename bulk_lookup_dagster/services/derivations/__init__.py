"""How contacts lead to further subjects: one derivation per kind, from columns and from answers.

A step that has answers to derive from adds its own sources to the kind here. Belongs here: the
registry. Does not: doing it (`services.subjects`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations.answers import (
    ADDRESS_OF_COMPANY,
    ADDRESS_OF_OWNER,
    EMAIL_FOUND,
    EMAIL_OF_PROFILE,
    PERSON_AT_DOMAIN,
)
from bulk_lookup_dagster.services.derivations.contacts import (
    ADDRESS_GIVEN,
    COMPANY_GIVEN,
    EMAIL_GIVEN,
    PERSON_GIVEN,
)
from bulk_lookup_dagster.services.derivations.derivation import Derivation, Source

COMPANY = Derivation("company", (COMPANY_GIVEN,))
PERSON = Derivation("person", (PERSON_GIVEN, PERSON_AT_DOMAIN))
EMAIL = Derivation("email", (EMAIL_GIVEN, EMAIL_OF_PROFILE, EMAIL_FOUND))
ADDRESS = Derivation("address", (ADDRESS_GIVEN, ADDRESS_OF_OWNER, ADDRESS_OF_COMPANY))

DERIVATIONS = (COMPANY, PERSON, EMAIL, ADDRESS)

__all__ = ["ADDRESS", "COMPANY", "DERIVATIONS", "EMAIL", "PERSON", "Derivation", "Source"]
