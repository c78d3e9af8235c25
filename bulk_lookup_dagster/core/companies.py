"""Names of companies: what is left of them when form and filler are gone.

Belongs here: rules about company names. Does not: names of persons (`core.names`).
"""

from __future__ import annotations

import re

from bulk_lookup_dagster.core.name_words import GIVEN_NAMES
from bulk_lookup_dagster.core.text_folding import fold, words

_LEGAL = frozenset(
    "inc incorporated llc llp lp ltd limited co corp corporation company companies gmbh ag kg ug"
    " sa sas sarl srl bv nv ab oy as aps plc pty pvt pc pllc spa kk group holding holdings".split()
)
_FILLER = frozenset("the a an and of".split())
_SHORT = {
    "intl": "international",
    "mfg": "manufacturing",
    "svc": "services",
    "svcs": "services",
    "assoc": "associates",
    "assocs": "associates",
    "bros": "brothers",
    "ctr": "center",
    "centre": "center",
    "dept": "department",
    "natl": "national",
    "univ": "university",
    "deli": "delicatessen",
    "mgmt": "management",
    "tech": "technologies",
    "st": "saint",
    "restaurants": "restaurant",
    "service": "services",
    "saint": "saint",
    "mt": "mount",
}
_TRADES = frozenset(
    "cafe coffee restaurant grill kitchen diner bistro brasserie trattoria ristorante pizzeria bar"
    " pub tavern hotel motel inn lodge resort deli delicatessen bakery market store shop shops"
    " house room garden steakhouse club salon spa studio gallery bank church school college"
    " university hospital clinic center centre pharmacy dental law attorneys insurance realty"
    " properties construction plumbing heating electric roofing landscaping logistics trucking auto"
    " automotive motors marketing consulting consultants solutions services systems software"
    " technologies labs laboratories media foods catering supply supplies equipment industries"
    " manufacturing enterprises associates partners brothers sons international foundation"
    " association society department office agency bureau travel security staffing printing"
    " cleaners cleaning furniture flooring painting hardware fitness veterinary".split()
)
COMPANY_MARKS = _TRADES | _LEGAL
"""Words that tell a company's name from a person's."""
_DOTTED = re.compile(r"\b(?:[a-z]\.){2,}")


def company_words(name: str) -> tuple[str, ...]:
    """Words that tell companies apart, in order; `(The) A. & B. Foods, L.L.C.` is `a b foods`."""
    folded = fold(name)
    if "." in folded:
        folded = _DOTTED.sub(lambda found: found[0].replace(".", ""), folded)
    found = [_SHORT.get(word, word) for word in words(folded.replace("&", " and "))]
    while len(found) > 1 and found[-1] in _LEGAL:
        found.pop()
    return tuple([word for word in found if word not in _FILLER] or found)


def is_company(name: str) -> bool:
    """Whether a name says that it is an organisation's: a trade, a legal form, a number."""
    found = words(name)
    if not COMPANY_MARKS.isdisjoint(found):
        return not (len(found) > 1 and found[0] in GIVEN_NAMES and found[-1] not in _LEGAL)
    return "&" in name or any(character.isdigit() for character in name)
