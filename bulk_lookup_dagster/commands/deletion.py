"""Deleting uploads: a rehearsal unless told otherwise, then the database, then the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result

if TYPE_CHECKING:
    from bulk_lookup_dagster.services.deletion import Deletion
    from bulk_lookup_dagster.services.instance import Platform


def delete(
    upload_id: Annotated[
        int | None, typer.Argument(metavar="[UPLOAD]", help="Number of the upload.")
    ] = None,
    older_than: Annotated[
        int | None, typer.Option(metavar="DAYS", help="All uploads received longer ago.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only counted.")] = False,
    json: Json = False,
) -> None:
    """Delete an upload with its contacts and answers; claims and costs stay, marts follow."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.services.deletion import (
            delete_uploads,
            note_files_gone,
            old_uploads,
        )

        if (upload_id is None) == (older_than is None):
            raise InputError(
                "Say what to delete: an upload or an age.",
                fix="bulk-lookup delete UPLOAD, or bulk-lookup delete --older-than DAYS.",
            )
        platform = frame.open_platform()
        with frame.database(platform) as conn:
            chosen = [upload_id] if upload_id is not None else old_uploads(conn, older_than or 0)
            if not chosen:
                document = {"deleted": yes, "uploads": [], "counts": {}, "files": []}
                return Result(document, ["0 uploads are that old."])
            deletion = delete_uploads(conn, chosen, actor=frame.actor(), rehearse=not yes)
            files = _own_files(platform, deletion, remove=yes)
            if yes:
                _forget_partitions(platform, deletion)
                note_files_gone(conn, files)
        done, counts = deletion.upload_ids, deletion.counts
        document = {
            "deleted": yes,
            "uploads": done,
            "counts": dict(counts),
            "files": files,
        }
        lines = [f"{name.replace('_', ' ')}: {count:,}" for name, count in counts.items()]
        lines += [f"file: {name}" for name in files]
        many = f"{len(done)} upload{'' if len(done) == 1 else 's'}"
        lines.append(f"{many} deleted." if yes else f"{many}; nothing is deleted without --yes.")
        return Result(document, lines)

    frame.execute(action, json)


def _forget_partitions(platform: Platform, deletion: Deletion) -> None:
    from bulk_lookup_dagster.orchestration.vocabulary import UPLOAD_BATCHES
    from bulk_lookup_dagster.services.dagster_home import dagster_instance

    with dagster_instance(platform) as instance:
        for key in deletion.partitions:
            instance.delete_dynamic_partition(str(UPLOAD_BATCHES.name), key)


def _own_files(platform: Platform, deletion: Deletion, *, remove: bool) -> list[str]:
    """The deletion's files that lie in the platform's own folder; others are their owner's."""
    from bulk_lookup_dagster.services.files import open_files

    files = open_files(platform.environment)
    found = []
    for uri in deletion.files:
        path = files.path_of(uri)
        if path is not None and files.exists(path):
            found.append(uri)
            if remove:
                files.remove(path)
    return found
