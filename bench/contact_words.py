"""Words the made-up contacts are made of: given names, surnames, trades, streets, places.

Belongs here: vocabulary. Does not: what is done with it (`bench.contacts`). Surnames and half of
the company names are syllables, so that rare ones exist in any number.
"""

from __future__ import annotations

import itertools

MALE = """
james robert john michael david william richard joseph thomas christopher charles daniel matthew
anthony mark steven paul andrew joshua kenneth kevin brian timothy ronald george jason edward
jeffrey ryan jacob nicholas gary eric jonathan stephen larry justin scott brandon benjamin
samuel gregory alexander patrick frank raymond jack dennis jerry tyler aaron jose adam nathan
henry zachary douglas peter kyle noah ethan jeremy walter christian keith roger terry austin
sean gerald carl harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe logan
alan juan albert willie elijah wayne randy vincent mason roy ralph bobby russell philip eugene
marcus luca omar ravi hiroshi wei ahmed dmitri pedro anders mateo kwame tariq bogdan nikolai ivo
sven jamal rashid
""".split()
FEMALE = """
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra
margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie dorothy
rebecca sharon laura cynthia amy kathleen angela shirley brenda emma anna pamela nicole samantha
katherine christine helen debra rachel carolyn janet maria catherine heather diane olivia julie
joyce victoria ruth virginia lauren kelly christina joan evelyn judith andrea hannah megan
cheryl jacqueline martha madison teresa gloria sara janice ann kathryn abigail sophia frances
jean alice judy isabella julia grace amber denise danielle marilyn beverly charlotte natalie
theresa diana brittany doris kayla alexis lori erica priya mei fatima yuki ingrid chiara amara
zainab svetlana leila noor aiko beatriz solveig
""".split()
NICKNAMES = {
    "robert": "bob rob bobby",
    "william": "bill will billy",
    "james": "jim jimmy",
    "john": "jack johnny",
    "michael": "mike",
    "david": "dave",
    "richard": "rick dick rich",
    "joseph": "joe",
    "thomas": "tom",
    "christopher": "chris",
    "charles": "charlie chuck",
    "daniel": "dan danny",
    "matthew": "matt",
    "anthony": "tony",
    "steven": "steve",
    "andrew": "andy drew",
    "joshua": "josh",
    "kenneth": "ken",
    "timothy": "tim",
    "edward": "ed ted",
    "nicholas": "nick",
    "jonathan": "jon",
    "benjamin": "ben",
    "samuel": "sam",
    "gregory": "greg",
    "alexander": "alex",
    "patrick": "pat",
    "raymond": "ray",
    "lawrence": "larry",
    "elizabeth": "liz beth betsy",
    "patricia": "pat patty",
    "jennifer": "jen jenny",
    "barbara": "barb",
    "susan": "sue",
    "margaret": "peggy maggie meg",
    "katherine": "kate kathy katie",
    "rebecca": "becky",
    "deborah": "deb debbie",
    "stephanie": "steph",
    "samantha": "sam",
    "christine": "chris tina",
    "victoria": "vicky",
    "amanda": "mandy",
    "kimberly": "kim",
    "michelle": "shelly",
    "pamela": "pam",
    "cynthia": "cindy",
    "catherine": "cathy",
    "theresa": "terri",
    "virginia": "ginny",
}
LAST = """
smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez
gonzalez wilson anderson thomas taylor moore jackson martin lee perez thompson white harris
sanchez clark ramirez lewis robinson walker young allen king wright scott torres nguyen hill
flores green adams nelson baker hall rivera campbell mitchell carter roberts gomez phillips
evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers
gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward richardson
watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders
patel myers long ross foster jimenez muller garcía o'brien mcdonald d'angelo
""".split()
_SYLLABLES = (
    "bar bel bran cal car dal dor el fal gar hal jor kel lan lor mar mor nor or pel quin ran sal",
    "a e i o u an en in on ar er or al el",
    "berg by dale ding feld ford gate ham ko land ley ling man mere more nell ov ridge ry sen ski"
    " son stad ter ton va well wick witz wood worth",
)
RARE_LAST = [
    "".join(parts) for parts in itertools.product(*(group.split() for group in _SYLLABLES))
]
RARE_LAST += [name + end for name in RARE_LAST[::2] for end in ("s", "er")]
ODD_WORDS = """alpine apex atlas beacon blue bright cedar central city coastal cobalt compass copper
crescent crown delta eagle east ember evergreen falcon first foundry golden granite green harbor
heritage highland horizon iron juniper keystone lake liberty lighthouse lunar maple meridian
metro midwest mountain north oak ocean olive orchid pacific peak pioneer pine prairie premier
quality redwood ridge river royal sage sierra silver south spring standard star stone summit sun
superior timber titan tri-state trinity union united valley vertex vista west willow""".split()
TRADES = """plumbing heating electric roofing dental pediatrics law accounting insurance realty
construction landscaping logistics trucking auto marketing consulting software systems labs media
foods bakery coffee fitness pharmacy veterinary hardware furniture flooring painting security
staffing travel printing machining fabrication cleaning catering""".split()
LEGAL = ["", "", "Inc", "Inc.", "LLC", "L.L.C.", "Co", "Corp", "Corporation", "Ltd", "Group"]
STREETS = (
    """main oak pine maple cedar elm washington lake hill walnut park spring north ridge
church willow meadow mill jackson highland franklin river center jefferson lincoln sunset union
lakeview adams madison forest cherry dogwood laurel chestnut hickory prospect magnolia valley
sycamore poplar birch broadway""".split()
    + [word + "wood" for word in ODD_WORDS[::3]]
)
TYPES = [
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Road", "Rd"),
    ("Drive", "Dr"),
    ("Lane", "Ln"),
    ("Court", "Ct"),
    ("Boulevard", "Blvd"),
]
PLACES = [
    (f"{a}{b}".title(), state)
    for (a, b), state in zip(
        itertools.product(
            "spring clear green oak fair river lake brook ash cedar mill harbor".split(),
            "field view ville ton dale port wood burg land haven".split(),
        ),
        itertools.cycle("CA TX NY FL IL PA OH GA NC MI NJ VA WA AZ MA".split()),
        strict=False,
    )
]
FREE = ["gmail.com", "gmail.com", "gmail.com", "yahoo.com", "hotmail.com", "aol.com", "outlook.com"]
ROLES = ["info", "sales", "office", "contact", "admin", "support", "billing"]
PLACEHOLDERS = ["5555555555", "0000000000", "1234567890", "9999999999", "1111111111"]
