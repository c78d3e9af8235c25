"""Files in and out: upload, rejects, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result

UploadId = Annotated[int, typer.Argument(metavar="UPLOAD", help="Number of the upload.")]


def upload(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV, TSV or XLSX; a path or an s3:// address.")
    ],
    source: Annotated[str, typer.Option(help="Named source of the contacts.")] = "",
    region: Annotated[str, typer.Option(help="Region of numbers without country code.")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=HEADER, remembered for these headers.")
    ] = None,
    json: Json = False,
) -> None:
    """Take a file in, and plan its look-ups; the same file again adds nothing."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.core.money import format_usd
        from bulk_lookup_dagster.services.approvals import approve_automatically
        from bulk_lookup_dagster.services.files import local_copy
        from bulk_lookup_dagster.services.plans import make_plan
        from bulk_lookup_dagster.services.settings import load_settings
        from bulk_lookup_dagster.services.uploads import load_upload

        uri = file if "://" in file else Path(file).absolute().as_uri()
        if "://" not in file and not Path(file).is_file():
            raise InputError(f"There is no file {file}.", fix="Check its name.")
        platform = frame.open_platform()
        with frame.database(platform) as conn, local_copy(platform.environment, uri) as path:
            settings = load_settings(conn)
            report = load_upload(
                platform.dsn,
                platform.secret_key,
                path,
                uri=uri,
                source=source or settings.intake.source,
                default_region=region or settings.intake.default_region,
                mapping=_mapping(column),
                uploaded_by=frame.actor(),
                batch_rows=settings.intake.batch_rows,
            )
            plan = make_plan(conn, report.upload_id, settings, platform)
            approved = approve_automatically(conn, plan, platform.environment, settings)
        document = {
            "upload_id": report.upload_id,
            "already_loaded": report.already_loaded,
            "rows": report.row_count,
            "contacts": report.contact_count,
            "new_contacts": report.new_contact_count,
            "rejects": report.reject_count,
            "rejects_by_reason": dict(report.rejects_by_reason),
            "batches": [batch.partition_key for batch in report.batches],
            "plan_id": plan.plan_id,
            "plan_state": "approved" if approved else plan.state,
            "max_micros": plan.max_micros,
        }
        follow = "bulk-lookup run" if approved else f"bulk-lookup approve {plan.plan_id}"
        lines = [
            f"Upload {report.upload_id}: {report.row_count:,} rows, {report.contact_count:,}"
            f" contacts ({report.new_contact_count:,} new), {report.reject_count:,} refused.",
            f"Plan {plan.plan_id}: {plan.due:,} questions, at most {format_usd(plan.max_micros)},"
            f" {'approved' if approved else 'waits for approval'}. Next: {follow}",
        ]
        return Result(document, lines)

    frame.execute(action, json)


def _mapping(columns: list[str] | None) -> dict[str, str] | None:
    from bulk_lookup_dagster.core.errors import InputError

    if not columns:
        return None
    pairs = [column.partition("=") for column in columns]
    if not all(field and header for field, _, header in pairs):
        raise InputError("A column is given as FIELD=HEADER.", fix="Example: --column phone=Mobile")
    return {field: header for field, _, header in pairs}


def rejects(
    upload_id: UploadId,
    output: Annotated[Path | None, typer.Option(help="Write all of them to this CSV.")] = None,
    after: Annotated[int, typer.Option(help="Go on after this row.")] = 0,
    json: Json = False,
) -> None:
    """Show the refused rows of an upload with their reasons, a page at a time."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.services.browse import find_upload, list_rejects
        from bulk_lookup_dagster.services.reject_files import write_rejects

        with frame.database() as conn:
            if find_upload(conn, upload_id) is None:
                raise InputError(f"There is no upload {upload_id}.", fix="See: bulk-lookup status.")
            if output is not None:
                count = write_rejects(conn, upload_id, output)
                return Result({"file": str(output), "rejects": count}, [f"{count:,} in {output}"])
            page = list_rejects(conn, upload_id, after)
        names = ("row_number", "reason", "detail")
        lines = frame.table(names, [[row[name] for name in names] for row in page.rows])
        if page.next_key is not None:
            lines.append(f"More: bulk-lookup rejects {upload_id} --after {page.next_key}")
        return Result({"rejects": page.rows, "next_after": page.next_key}, lines)

    frame.execute(action, json)


def export(
    upload_id: Annotated[
        int | None, typer.Argument(metavar="[UPLOAD]", help="Number of the upload.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Contacts of all uploads, each once.")
    ] = False,
    kind: Annotated[str, typer.Option("--format", help="csv, tsv, xlsx or parquet.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="The file; default in the files folder.")] = (
        None
    ),
    where: Annotated[
        list[str] | None, typer.Option(help="line_type=mobile,landline or risk_level!=high.")
    ] = None,
    saved: Annotated[str, typer.Option(help="A filter saved as exports.saved.NAME.")] = "",
    columns: Annotated[str, typer.Option(help="Names with commas between; default all.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows.")] = None,
    json: Json = False,
) -> None:
    """Write contacts with what was looked up to a file: an upload's, or with --all everybody's."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.core.selection import Selection, parse_columns, parse_condition
        from bulk_lookup_dagster.services.exports import Wish, export_contacts, saved_filter
        from bulk_lookup_dagster.services.files import EXPORTS, Folder, open_files

        if (upload_id is None) is not everything:
            raise InputError(
                "Say what to export: an upload or all.",
                fix="bulk-lookup export UPLOAD, or bulk-lookup export --all.",
            )
        platform = frame.open_platform()
        name = "all" if upload_id is None else f"upload-{upload_id}"
        with frame.database(platform) as conn:
            texts = [*(saved_filter(conn, saved) if saved else ()), *(where or ())]
            conditions = tuple(map(parse_condition, texts))
            selection = Selection(conditions, parse_columns(columns), limit, saved)
            wish = Wish(kind, upload_id, selection)
            files, path = (
                (open_files(platform.environment), f"{EXPORTS}/{name}.{kind}")
                if output is None
                else (Folder(output.parent), output.name)
            )
            done = export_contacts(conn, wish, files, path, actor=frame.actor())
        place = files.shown(path)
        document: dict[str, Any] = {"file": place, "rows": done.row_count}
        return Result(document, [f"{done.row_count:,} rows in {place}"])

    frame.execute(action, json)
