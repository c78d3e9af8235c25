"""Models of matching: try one in shadow, put it in force, write it as Splink settings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result
from bulk_lookup_dagster.core.errors import InputError

if TYPE_CHECKING:
    from bulk_lookup_dagster.matching.model import Model


def shadow(
    model: Annotated[Path, typer.Argument(metavar="MODEL.json", help="The model to try.")],
    json: Json = False,
) -> None:
    """Match everything with a model and report what it would merge and split; changes nothing."""

    def action() -> Result:
        from bulk_lookup_dagster.matching.shadow import run_shadow

        tried = _read(model)
        with frame.database() as conn:
            report = run_shadow(conn, tried)
        return Result(asdict(report), [
            f"{report.merges:,} merges and {report.splits:,} splits; {report.unchanged:,} golden"
            " contacts stay as they are.",
            *(f"merges {', '.join(map(str, ids))}" for ids in report.would_merge),
            *(f"splits {golden_id}" for golden_id in report.would_split),
            f"To use it: bulk-lookup matching activate {report.model_version}",
        ])  # fmt: skip

    frame.execute(action, json)


def activate(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A model that ran in shadow.")],
    json: Json = False,
) -> None:
    """Put a model in force; the next run matches everything with it."""

    def action() -> Result:
        from bulk_lookup_dagster.matching.shadow import activate as put_in_force

        with frame.database() as conn:
            put_in_force(conn, version)
        return Result({"active": version}, [f"{version} is in force from the next run."])

    frame.execute(action, json)


def export_splink(
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("splink.json"),
    records: Annotated[
        int | None,
        typer.Option(min=1, help="Records to be matched, for the prior; default: those known."),
    ] = None,
    json: Json = False,
) -> None:
    """Write the model in force as settings for Splink; what comes next: docs/matching.md."""

    def action() -> Result:
        import orjson

        from bulk_lookup_dagster.matching import runs
        from bulk_lookup_dagster.matching.model import band_of
        from bulk_lookup_dagster.matching.splink_settings import splink_settings

        with frame.database() as conn:
            model = runs.active_model(conn)
            known = conn.execute("SELECT count(*) FROM matching.records").fetchone()
        band = band_of(records or (known[0] if known else 0))
        written = splink_settings(model, band)
        out.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))
        document = {"file": str(out), "model_version": model.version, "band": band}
        return Result(document, [f"{out}: model {model.version}, up to 2^{band} records."])

    frame.execute(action, json)


def _read(path: Path) -> Model:
    from pydantic import ValidationError

    from bulk_lookup_dagster.matching.model import Model

    try:
        return Model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", fix="Name a file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(
            f"{path} is no model: {where}: {first['msg']}.",
            fix="Start from bulk_lookup_dagster/matching/models/contacts-1.json.",
        ) from error
