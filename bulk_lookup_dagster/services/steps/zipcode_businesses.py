"""The step `zipcode_businesses`: which businesses a ZIP code has, by pages.

Google is asked first, Yelp about ZIP codes where Google lists nobody. A page is a question of its
own, so each is paid once and a run that ends goes on where it stopped. A search of Google that
fills its three pages is split: the ZIP code's corners are asked for, and each quarter is searched
and split in turn. What a request may still ask is bounded by the limit of its plan (`requests`).

Belongs here: which page follows which. Does not: shapes (`resources`), plans
(`services.discovery_plans`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.scopes import subjects_scope
from resources import google_places_records as google
from resources import yelp_records as yelp

MOST_REQUESTS = {
    google.PROVIDER: google.most_requests,
    yelp.PROVIDER: yelp.most_requests,
}

# Full: the last page a query has, with nothing left of it.
_FULL = f"page = {google.PAGES} AND found + skipped = {google.PAGE_SIZE}"
_GOOGLE_PAGES = f"""
    SELECT z.subject_id, z.operation, z.page, z.area, z.next_page, z.found, z.skipped, z.fetched_at
      FROM enrichment.zipcode_businesses z JOIN subject USING (subject_id)
     WHERE z.provider = '{google.PROVIDER}'
"""
_AREA = f"""
    SELECT DISTINCT subject_id, '{{}}'::jsonb AS params FROM ({_GOOGLE_PAGES}) pages
     WHERE {_FULL} AND operation <> 'zipcode_area'
       AND %(limit)s::int > {google.PAGES * google.PAGE_SIZE}
"""
# Quarters of an area that is narrower than a city block are not asked for.
_GOOGLE_MORE = f"""
    WITH pages AS ({_GOOGLE_PAGES}), coming AS (
        SELECT subject_id, fetched_at, area, page + 1 AS page, next_page AS token
          FROM pages WHERE next_page IS NOT NULL AND page < {google.PAGES}
         UNION ALL
        SELECT f.subject_id, f.fetched_at, concat_ws(',', round(q.south::numeric, 6),
               round(q.west::numeric, 6), round(q.north::numeric, 6), round(q.east::numeric, 6)),
               1, NULL
          FROM (SELECT * FROM pages WHERE {_FULL} AND operation <> 'zipcode_area') f
          LEFT JOIN pages z ON z.subject_id = f.subject_id AND z.operation = 'zipcode_area'
                               AND f.area IS NULL
         CROSS JOIN LATERAL (
               SELECT string_to_array(coalesce(f.area, z.area), ',')::float8[] AS c) corners
         CROSS JOIN LATERAL (
               SELECT (c[1] + c[3]) / 2 AS latitude, (c[2] + c[4]) / 2 AS longitude) middle
         CROSS JOIN LATERAL (VALUES
               (c[1], c[2], latitude, longitude), (c[1], longitude, latitude, c[4]),
               (latitude, c[2], c[3], longitude), (latitude, longitude, c[3], c[4])
               ) AS q (south, west, north, east)
         WHERE c[3] - c[1] > 0.001 AND %(limit)s::int > {google.PAGES * google.PAGE_SIZE}
    ), open AS (
        SELECT c.*, row_number() OVER (
                   PARTITION BY subject_id ORDER BY c.area NULLS FIRST, c.page) AS place
          FROM coming c
         WHERE NOT EXISTS (
               SELECT FROM pages d
                WHERE d.subject_id = c.subject_id AND d.operation = 'search_more'
                  AND d.page = c.page AND d.area IS NOT DISTINCT FROM c.area
                  AND d.fetched_at >= c.fetched_at)
    ), made AS (
        SELECT subject_id, count(*) AS requests, coalesce(sum(found), 0) AS found
          FROM pages GROUP BY subject_id
    )
    SELECT o.subject_id, jsonb_strip_nulls(jsonb_build_object(
               'page', o.page::text, 'token', o.token, 'area', o.area)) AS params
      FROM open o JOIN made m USING (subject_id)
     WHERE m.found < %(limit)s::int
       AND m.requests + o.place <= %({google.PROVIDER}_requests)s::int
"""
_YELP_MORE = f"""
    SELECT z.subject_id, jsonb_build_object('page', n::text) AS params
      FROM enrichment.zipcode_businesses z JOIN subject USING (subject_id)
     CROSS JOIN generate_series(2, least(%({yelp.PROVIDER}_requests)s::int,
                (least(z.total, {yelp.MOST}) + {yelp.PAGE_SIZE - 1}) / {yelp.PAGE_SIZE})) n
     WHERE z.provider = '{yelp.PROVIDER}' AND z.operation = 'search'
"""

ZIPCODE_BUSINESSES = StepDefinition(
    name="zipcode_businesses",
    title="Businesses of ZIP codes",
    subject_kind="zipcode",
    offers=(
        Offer(google.PROVIDER, "search"),
        Offer(yelp.PROVIDER, "search"),
        Offer(google.PROVIDER, "zipcode_area", slot="area", params_sql=_AREA),
        Offer(google.PROVIDER, "search_more", slot="google", params_sql=_GOOGLE_MORE, apart=True),
        Offer(yelp.PROVIDER, "search_more", slot="yelp", params_sql=_YELP_MORE, apart=True),
    ),
    partition="zipcode_request",
)


def discovery_scope(subject_ids: Sequence[int], limit: int) -> Scope:
    """Requests by their subjects; no more is asked once `limit` businesses of one are found."""
    requests: Mapping[str, int] = {
        f"{name}_requests": most(limit) for name, most in MOST_REQUESTS.items()
    }
    named = subjects_scope(subject_ids)
    return Scope(named.kind, {**named.parameters, "limit": limit, **requests})
