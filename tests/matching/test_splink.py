"""The model exported as Splink settings gives the engine's own scores, pair by pair."""

from __future__ import annotations

import pyarrow as pa
import pytest
from splink import DuckDBAPI, Linker

from bench.contacts import Rates, contacts
from bulk_lookup_dagster.matching import engine, keys, pairs
from bulk_lookup_dagster.matching.model import band_of, load_model
from bulk_lookup_dagster.matching.normalise import RAW
from bulk_lookup_dagster.matching.splink_settings import (
    NAMES,
    make_input,
    make_term_frequencies,
    splink_settings,
)

ROWS = 1_500


def test_splink_scores_every_pair_alike() -> None:
    rows = pa.concat_tables(contacts(ROWS, 23, Rates(typo=0.1, nickname=0.2, swapped=0.05)))
    model = load_model()
    with engine.session() as db:
        db.register("given", rows)
        shown = ", ".join(
            name if name in rows.column_names else f"NULL::TEXT {name}" for name in RAW
        )
        db.execute(
            f"CREATE TABLE raw AS SELECT id contact_id, id::TEXT row_hash, {shown} FROM given"
        )
        engine.prepare(db)
        pairs.make_frequencies(db)
        pairs.make_people(db, model, ROWS)
        make_input(db)
        api = DuckDBAPI(db)
        linker = Linker(api.register("input"), splink_settings(model, band_of(ROWS)))
        for name in NAMES:
            make_term_frequencies(db, name)
            rarity = api.register(f"tf_{name}")
            linker.table_management.register_term_frequency_lookup(rarity, name)
        found = linker.inference.predict(threshold_match_weight=-1_000)
        scores = {
            (min(a, b), max(a, b)): weight
            for a, b, weight in db.execute(
                f"SELECT contact_id_l, contact_id_r, match_weight FROM {found.physical_name}"
            ).fetchall()
        }
        keys.make_candidates(db)
        pairs.make_pairs(db, model, band_of(ROWS), keep_all=True)
        ours = {
            (a, b): score for a, b, score in db.execute("SELECT a, b, score FROM pairs").fetchall()
        }
    assert len(ours) > ROWS
    assert scores == pytest.approx(ours, abs=0.01)
