"""The catalogue: what the manifest and the last build say, searchable, and honest about its age."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
from pathlib import Path

import httpx
import pytest

from bulk_lookup_dagster.services.build_results import results_folder
from bulk_lookup_dagster.services.catalogue import PARSE, Catalogue, read_catalogue
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MartsBuild, ensure_manifest
from bulk_lookup_dagster.web import lineage
from tests.dbt.test_marts import MARTS
from tests.fakes.story import platform_of
from tests.web.conftest import Open


def section(page: str, slug: str) -> str:
    found = re.search(rf'<(section|div) [^>]*id="{slug}".*?</\1>', page, re.DOTALL)
    assert found, slug
    return html.unescape(found[0])


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/catalogue/(\w+)"', page)


def test_the_index_lists_every_model_by_layer_marts_first(web: httpx.Client) -> None:
    page = web.get("/catalogue").text
    known = read_catalogue(ensure_manifest()).models
    assert sorted(listed(page)) == sorted(one.name for one in known.values())
    assert listed(page)[: len(MARTS)] == sorted(MARTS)
    assert page.index("layer-marts") < page.index("layer-intermediate") < page.index("layer-stag")
    assert "ledger.claims" in section(page, "sources")
    assert "Questions of analysts" in section(page, "exposures")


@pytest.mark.parametrize(
    "text, first",
    [
        ("carrier", "mart_top_carriers"),
        ("CARRIER totals", "int_carrier_totals"),
        ("retry or permanent", None),
        ("<script>", None),
    ],
)
def test_a_search_finds_names_columns_and_descriptions(
    web: httpx.Client, text: str, first: str | None
) -> None:
    page = web.get("/catalogue", params={"q": text}).text
    found = listed(page)
    assert (found[0] if found else None) == first
    assert f'value="{html.escape(text)}"' in page
    assert "<script" not in page
    if text == "carrier":
        assert "dim_contacts" in found  # by its column
        assert "stg_plans" not in found


def test_every_models_page_opens(web: httpx.Client) -> None:
    for model in read_catalogue(ensure_manifest()).models.values():
        answer = web.get(f"/catalogue/{model.name}")
        assert answer.status_code == 200, model.name
        assert len(re.findall(r'<tr id="column-', answer.text)) == len(model.columns)
        assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|<script", answer.text)


def test_a_model_shows_columns_marks_tests_owner_and_sql(web: httpx.Client) -> None:
    page = web.get("/catalogue/dim_contacts").text
    row = page.split('id="column-masked_phone"')[1].split("</tr>")[0]
    assert "masked</span>" in row
    assert "text</td>" in row
    assert "Country prefix and last two digits" in row
    assert "licensed</span>" in page.split('id="column-carrier_name"')[1].split("</tr>")[0]
    key = page.split('id="column-contact_id"')[1].split("</tr>")[0]
    assert re.findall(r'class="check">([\w ]+)<.*?s-(\w+)">(\w+)<', key) == [
        ("unique", "done", "pass"),
        ("not null", "done", "pass"),
    ]
    assert "Analytics" in page
    assert "4 tests passed" in page
    assert "tests passed</span>" in page
    assert "expired values are gone" in section(page, "tests")
    sql = section(page, "sql")
    assert "ref('int_contacts')" in sql  # as written
    assert '."intermediate"."int_contacts"' in sql  # as the last build ran it


def test_columns_without_a_contract_get_their_type_from_the_database(web: httpx.Client) -> None:
    page = web.get("/catalogue/stg_claims").text
    assert "bigint</td>" in page.split('id="column-claim_id"')[1].split("</tr>")[0]


def test_a_model_leads_to_what_it_is_made_from_and_who_reads_it(web: httpx.Client) -> None:
    page = web.get("/catalogue/dim_contacts").text
    assert re.findall(r'href="/catalogue/(\w+)"', section(page, "upstream")) == ["int_contacts"]
    feeds = re.findall(r'href="/catalogue/(\w+)"', section(page, "downstream"))
    assert feeds == ["int_carrier_totals", "int_contact_totals"]
    assert "Questions of analysts" in section(page, "exposures")
    source = web.get("/catalogue/stg_claims").text
    assert "ledger.claims" in section(source, "upstream")


def test_the_picture_has_every_neighbour_and_lines_from_left_to_right() -> None:
    catalogue = read_catalogue(ensure_manifest())
    for model in catalogue.models.values():
        picture = lineage.draw(catalogue, model)
        titles = {box.title: box for box in picture.boxes}
        here = titles[model.name]
        assert here.here
        assert len(titles) == len(picture.boxes)
        for key in (*model.upstream, *model.downstream):
            (box,) = [box for title, box in titles.items() if _named(catalogue, key) == title]
            assert (box.x < here.x) == (key in model.upstream), key
        for line in picture.lines:
            start, end = re.match(r"M(\d+) .* (\d+) \d+$", line).groups()  # type: ignore[union-attr]
            assert int(start) < int(end)
        spots = {(box.x, box.y) for box in picture.boxes}
        assert len(spots) == len(picture.boxes)
        assert max(box.x for box in picture.boxes) + lineage.BOX_WIDTH <= picture.width
        assert max(box.y for box in picture.boxes) + lineage.BOX_HEIGHT <= picture.height


def _named(known: Catalogue, key: str) -> str:
    if key in known.models:
        return known.models[key].name
    return known.sources[key].name if key in known.sources else known.exposures[key].label


def test_a_test_that_failed_shows(
    marts_platform: Platform, build: MartsBuild, open_web: Open
) -> None:
    file = results_folder(marts_platform.environment.home) / "run_results.json"
    kept = file.read_text()
    document = json.loads(kept)
    (one,) = [
        each
        for each in document["results"]
        if each["unique_id"].startswith("test.bulk_lookup.unique_dim_contacts_contact_id")
    ]
    one["status"] = "fail"
    try:
        file.write_text(json.dumps(document))
        client = open_web(marts_platform)
        assert "1 of 4 tests did not pass" in client.get("/catalogue/dim_contacts").text
        assert "1 of 4 tests did not pass" in client.get("/catalogue").text
        file.write_text(kept[:100])  # as while a build writes it
        assert "not known here" in client.get("/catalogue/dim_contacts").text
    finally:
        file.write_text(kept)


def test_before_any_build_the_catalogue_is_there(dsn: str, tmp_path: Path, open_web: Open) -> None:
    client = open_web(platform_of(dsn, tmp_path))
    page = client.get("/catalogue/stg_claims")
    assert page.status_code == 200
    assert "not known here" in page.text
    assert "known once built" in page.text


def test_without_a_manifest_it_says_what_to_run(
    marts_platform: Platform, build: MartsBuild, open_web: Open, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    client = open_web(marts_platform, manifest=manifest)
    for content in (None, "{", "{}"):
        if content is not None:
            manifest.write_text(content)
        for path in ("/catalogue", "/catalogue/dim_contacts"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert PARSE in answer.text
            assert "No catalogue yet" in answer.text


def test_a_manifest_older_than_a_model_says_so(
    marts_platform: Platform, build: MartsBuild, open_web: Open, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    shutil.copy(ensure_manifest(), manifest)
    client = open_web(marts_platform, manifest=manifest)
    assert "Older than the models" not in client.get("/catalogue").text
    os.utime(manifest, (1, 1))
    for path in ("/catalogue", "/catalogue/dim_contacts"):
        page = client.get(path).text
        assert "Older than the models" in page
        assert PARSE in page


def test_the_dashboard_leads_there(web: httpx.Client) -> None:
    assert 'href="/catalogue"' in web.get("/").text
