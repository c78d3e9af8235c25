"""Raw contacts become records that can be compared. Raw values stay where they are.

Belongs here: which field becomes which value, in sets. Does not: what one value says
(`matching.reading`), keys (`matching.keys`).

What SQL can say plainly is SQL over whole columns. What it cannot (transliteration, nicknames,
the parts of a name) is asked of Python once per distinct value, and values are halved first where
the halves can be read each on its own: a million names are few given names and few surnames, a
million street lines few streets. Both the full and the incremental run come through here, so that
a record looks the same whichever made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from bulk_lookup_dagster.core.addresses import HOUSE_AND_REST
from bulk_lookup_dagster.matching.reading import (
    HALF,
    NAME_COLUMNS,
    read_city,
    read_company,
    read_family,
    read_given,
    read_line,
    read_name,
    read_street,
)

NORMALISER = 3
"""Raised by one when a rule here, in `core`, `comparisons` or `guard` changes.

Older records are then made again, and compared anew with all others."""
RAW = (
    "phone name first_name last_name company email website street house_number city postal_code"
    " birth_date person_id"
).split()
"""Columns of table `raw`, beside contact_id and row_hash."""
EXTRA = {
    "house_number": "street_number house_number housenumber".split(),
    "birth_date": "date_of_birth birth_date birthdate birthday dob".split(),
    "person_id": "soc_sec_id ssn social_security_number national_id person_id tax_id".split(),
}
"""Columns that uploads keep as extras, by the names people give them."""
_CHUNK = 20_000
_ROLES = (
    "info sales office contact admin support billing hello help service enquiries inquiries mail"
    " accounts accounting hr jobs careers marketing team reception orders webmaster postmaster"
    " noreply no-reply donotreply customerservice press legal finance bookings reservations"
).split()
_FREE = (
    "gmail.com googlemail.com icloud.com me.com mac.com aol.com msn.com mail.com proton.me"
    " protonmail.com ymail.com rocketmail.com yandex.ru mail.ru qq.com 163.com 126.com naver.com"
    " hanmail.net rediffmail.com zoho.com fastmail.com tutanota.com hey.com hushmail.com web.de"
    " comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net earthlink.net"
    " charter.net optonline.net frontier.com windstream.net centurylink.net juno.com"
    " rogers.com shaw.ca sympatico.ca telus.net btinternet.com sky.com virginmedia.com"
    " talktalk.net ntlworld.com t-online.de freenet.de arcor.de 1und1.de bluewin.ch orange.fr"
    " wanadoo.fr free.fr laposte.net sfr.fr libero.it virgilio.it tiscali.it alice.it"
    " telefonica.net ziggo.nl kpnmail.nl telenet.be skynet.be wp.pl o2.pl onet.pl interia.pl"
    " seznam.cz bigpond.com optusnet.com.au uol.com.br bol.com.br terra.com.br"
    " example.com example.net example.org example.test mail.example inbox.example"
).split()
"""Where everybody may have a mailbox, so that sharing the host says nothing; the last are the names
that RFC 2606 keeps for examples and tests."""
_FREE_FAMILIES = "yahoo hotmail outlook live gmx".split()
"""The same under many endings: yahoo.co.uk, hotmail.fr."""
_FLAGS = frozenset({"has_company", *HALF})
_WORD = "[A-Za-z][A-Za-z.'']*"
_WORDS_AND_LAST = f"^({_WORD}(?: {_WORD})*) ([A-Za-z][A-Za-z'']*)$"
_LAST_COMMA_REST = f"^({_WORD}(?: {_WORD})*), *({_WORD}(?: {_WORD})*)$"
_LEGAL_END = "(?i)([a-z0-9]),?(?: (?:inc|llc|ltd|co|corp|company|limited|corporation)[.]?)+$"


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _either(column: str, half: str = "") -> str:
    """A name's part as its whole or, where it was not read whole, its halves say it."""
    return (
        f"CASE WHEN n.contact_id IS NULL THEN {half or f'g.{column}'} ELSE n.{column} END"
        f" AS {column}"
    )


_PLAIN = f"""
    CREATE OR REPLACE TABLE plain AS
    WITH digits AS (
        SELECT *,
               right(CASE WHEN regexp_full_match(phone, '\\+?[0-9]*') THEN ltrim(phone, '+')
                          ELSE regexp_replace(regexp_replace(lower(phone), '(x|e|#).*$', ''),
                                              '[^0-9]', '', 'g') END, 10) AS digits,
               CASE WHEN contains(email, '<') THEN regexp_extract(lower(email), '<([^<>]*)>', 1)
                    ELSE lower(trim(email)) END AS mail
          FROM raw
    ), parts AS (
        SELECT *, coalesce(trim(first_name) <> '' AND trim(last_name) <> '', FALSE) AS in_two,
               CASE WHEN coalesce(first_name, last_name) IS NULL
                    THEN regexp_extract(name, '{_WORDS_AND_LAST}', ['given', 'family']) END AS ab,
               CASE WHEN coalesce(first_name, last_name) IS NULL
                    THEN regexp_extract(name, '{_LAST_COMMA_REST}', ['family', 'given']) END AS ba,
               regexp_extract(street, '^{HOUSE_AND_REST}$', ['house', 'rest']) AS line,
               split_part(split_part(mail, '@', 1), '+', 1) AS box,
               CASE split_part(mail, '@', 2) WHEN 'googlemail.com' THEN 'gmail.com'
                    ELSE split_part(mail, '@', 2) END AS host,
               regexp_extract(lower(website), '^(?:https?://)?(?:www\\.)?([^/:?#]+)', 1) AS web
          FROM digits
    )
    SELECT contact_id, row_hash, name,
           regexp_replace(company, '{_LEGAL_END}', '\\1') AS company_text,
           -- Two fields are read each on its own; one that is alone may hold the whole name.
           CASE WHEN in_two THEN first_name
                ELSE coalesce(nullif(ab.given, ''), nullif(ba.given, '')) END AS given_text,
           CASE WHEN in_two THEN last_name
                ELSE coalesce(nullif(ab.family, ''), nullif(ba.family, '')) END AS family_text,
           in_two, ba.family <> '' AS has_comma,
           CASE WHEN NOT in_two THEN first_name END AS first_name,
           CASE WHEN NOT in_two THEN last_name END AS last_name,
           nullif(left(lower(line.house), 20), '') AS house_text,
           nullif(line.rest, '') AS street_text,
           CASE WHEN coalesce(line.rest, '') = '' THEN street END AS line_text,
           nullif(trim(house_number), '') AS house_number, city AS city_text,
           CASE WHEN length(digits) >= 7
                 AND right(digits, 7) NOT IN ('1234567', '4567890', '3456789')
                 AND replace(right(digits, 7), right(digits, 1), '') <> '' THEN digits END AS phone,
           CASE WHEN box <> '' AND contains(host, '.') AND NOT contains(host, '@')
                THEN CASE host WHEN 'gmail.com' THEN replace(box, '.', '') ELSE box END
                     || '@' || host END AS email,
           coalesce(email IS NOT NULL AND box IN ({_quoted(_ROLES)}), FALSE) AS is_role,
           nullif(CASE WHEN contains(host, '.') AND host NOT IN ({_quoted(_FREE)})
                        AND split_part(host, '.', 1) NOT IN ({_quoted(_FREE_FAMILIES)}) THEN host
                       WHEN contains(web, '.') THEN web END, '') AS site,
           nullif(left(regexp_replace(upper(postal_code), '[^0-9A-Z]', '', 'g'),
                       CASE WHEN regexp_full_match(trim(postal_code), '[0-9]{{5}}-?[0-9]{{4}}')
                            THEN 5 ELSE 20 END), '') AS postal,
           nullif(left(regexp_replace(birth_date, '[^0-9]', '', 'g'), 8), '') AS birth_date,
           nullif(left(regexp_replace(upper(person_id), '[^0-9A-Z]', '', 'g'), 60), '')
               AS person_id
      FROM parts
"""
# A name was halved rightly when neither half could mean something else beside the other, and it is
# certainly a person's.
_HALVED = """
    coalesce(g.stands_alone AND f.stands_alone AND (p.has_comma OR p.company_text IS NOT NULL
             OR g.is_known OR f.is_known), FALSE)
"""
_NAMES = f"""
    SELECT DISTINCT p.name, p.first_name, p.last_name, p.company_text IS NOT NULL AS has_company
      FROM plain p
      LEFT JOIN given_values g ON g.given_text = p.given_text
      LEFT JOIN family_values f ON f.family_text = p.family_text
     WHERE NOT in_two AND coalesce(name, first_name, last_name) IS NOT NULL AND NOT {_HALVED}
"""
_RECORDS = f"""
    CREATE OR REPLACE TABLE records AS
    WITH whole AS (
        SELECT p.contact_id, n.* FROM plain p JOIN name_values n
            ON n.name IS NOT DISTINCT FROM p.name
           AND n.first_name IS NOT DISTINCT FROM p.first_name
           AND n.last_name IS NOT DISTINCT FROM p.last_name
           AND n.has_company = (p.company_text IS NOT NULL)
         WHERE NOT p.in_two
    )
    SELECT p.contact_id, p.row_hash,
           CASE WHEN n.kind IS NOT NULL THEN n.kind
                WHEN n.contact_id IS NULL AND coalesce(g.first, f.last) IS NOT NULL THEN 'person'
                WHEN c.company IS NULL THEN 'nameless' ELSE 'organisation' END AS kind,
           {_either("first")}, {_either("given")}, {_either("given_other")}, {_either("middle")},
           {_either("last", "f.last")},
           {_either("generation", "coalesce(f.generation, g.generation)")},
           coalesce(c.company, n.titled) AS company, p.phone, p.email, p.is_role, p.site,
           coalesce(p.house_text, l.house, p.house_number) AS house,
           coalesce(s.street, l.street) AS street, coalesce(s.unit, l.unit) AS unit, p.postal,
           t.city, p.birth_date, p.person_id
      FROM plain p
      LEFT JOIN whole n ON n.contact_id = p.contact_id
      LEFT JOIN given_values g ON g.given_text = p.given_text
      LEFT JOIN family_values f ON f.family_text = p.family_text
      LEFT JOIN company_values c ON c.company_text = p.company_text
      LEFT JOIN street_values s ON s.street_text = p.street_text
      LEFT JOIN line_values l ON l.line_text = p.line_text
      LEFT JOIN city_values t ON t.city_text = p.city_text
"""
_How = Callable[[str], tuple[Any, ...]]


def normalise(db: duckdb.DuckDBPyConnection) -> None:
    """Make table `records` from table `raw`."""
    db.execute(_PLAIN)
    for source, target, how in _by_value():
        query = f"SELECT DISTINCT {source}_text FROM plain WHERE {source}_text IS NOT NULL"
        _per_value(db, f"{source}_values", query, (f"{source}_text",), target, how)
    names = ("name", "first_name", "last_name", "has_company")
    _per_value(db, "name_values", _NAMES, names, NAME_COLUMNS, read_name)
    db.execute(_RECORDS)
    for table in ("plain", "name_values", *(f"{source}_values" for source, _, _ in _by_value())):
        db.execute(f"DROP TABLE {table}")


def _by_value() -> tuple[tuple[str, tuple[str, ...], _How], ...]:
    """Columns of text, what each becomes, and how."""
    given = ("first", "given", "given_other", "middle", "generation", *HALF)
    return (
        ("given", given, read_given),
        ("family", ("last", "generation", *HALF), read_family),
        ("company", ("company",), read_company),
        ("street", ("street", "unit"), read_street),
        ("line", ("house", "street", "unit"), read_line),
        ("city", ("city",), read_city),
    )


def _per_value(
    db: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    keys: Sequence[str],
    columns: Sequence[str],
    how: Callable[..., tuple[Any, ...]],
) -> None:
    """Table `table` of what `how` says about each row of `query`."""
    schema = pa.schema(
        [(name, pa.bool_() if name in _FLAGS else pa.string()) for name in (*keys, *columns)]
    )
    kinds = ", ".join(
        f"{name} {'BOOLEAN' if name in _FLAGS else 'VARCHAR'}" for name in schema.names
    )
    db.execute(f"CREATE OR REPLACE TABLE {table} ({kinds})")
    reader = db.cursor().execute(query)
    while rows := reader.fetchmany(_CHUNK):
        made = [row + how(*row) for row in rows]
        chunk = pa.Table.from_arrays(
            [pa.array(column, field.type) for column, field in zip(zip(*made), schema)],  # noqa: B905
            schema=schema,
        )
        db.register("chunk", chunk)
        db.execute(f"INSERT INTO {table} SELECT * FROM chunk")
        db.unregister("chunk")
