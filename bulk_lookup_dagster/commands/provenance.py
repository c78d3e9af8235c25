"""Where values come from, and corrections: `why`, `pin`, `unpin`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result

if TYPE_CHECKING:
    from bulk_lookup_dagster.services.provenance import Known

Contact = Annotated[int, typer.Argument(metavar="CONTACT", help="Number of the contact.")]
Field = Annotated[
    str, typer.Argument(metavar="FIELD", help="For example name, line_type or STEP.COLUMN.")
]
Note = Annotated[str, typer.Option(help="Why, for those who look later.")]


def why(contact: Contact, field: Field, json: Json = False) -> None:
    """Where a contact's value came from, what else was known, and why this one won."""

    def action() -> Result:
        from bulk_lookup_dagster.services.provenance import why as explain

        with frame.database() as conn:
            found = explain(conn, contact, field)
        headers = ("", "value", "from", "paid", "fetched", "expires", "certain", "licence", "why")
        lines = frame.table(headers, [_row(one) for one in found.known])
        if not found.known:
            lines = [f"Nothing is known of {field}, and nobody was asked."]
        if (golden := found.golden) is not None:
            whose = "a pin" if golden.pinned else f"contact {golden.contact_id}, {golden.rule}"
            lines += [f"Golden contact {golden.golden_id}: {golden.value or 'nothing'} ({whose})"]
        return Result(asdict(found), lines)

    frame.execute(action, json)


def _row(one: Known) -> tuple[str, ...]:
    from bulk_lookup_dagster.core.money import format_usd

    return (
        "*" if one.won else "",
        one.value or "-",
        f"{one.step} {one.origin} {one.operation}".strip(),
        "-" if one.paid_micros is None else format_usd(one.paid_micros),
        "-" if one.fetched_at is None else f"{one.fetched_at:%Y-%m-%d}",
        "-" if one.expires_at is None else f"{one.expires_at:%Y-%m-%d}",
        "-" if one.confidence is None else f"{one.confidence:g}",
        one.licence_class or "-",
        one.why,
    )


def pin(
    contact: Contact,
    field: Annotated[
        str, typer.Argument(metavar="FIELD|STEP", help="A contact's field, or a step.")
    ],
    value: Annotated[
        str | None,
        typer.Argument(metavar="[VALUE|PROVIDER]", help="What is right, or who; nothing = none."),
    ] = None,
    note: Note = "",
    json: Json = False,
) -> None:
    """Let a person's correction win over every provider, also after merging."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.services.pins import pin_answer, pin_field
        from bulk_lookup_dagster.services.steps import STEPS

        with frame.database() as conn:
            if field not in {step.name for step in STEPS}:
                pin_field(conn, contact, field, value, actor=frame.actor(), note=note)
            elif value is None:
                raise InputError(
                    f"Whose answer of {field} is right?", fix=f"pin {contact} {field} PROVIDER."
                )
            else:
                pin_answer(conn, contact, field, value, actor=frame.actor(), note=note)
        document = {"contact": contact, "field": field, "value": value}
        return Result(document, [f"{field} of contact {contact} is pinned: {value or 'none'}."])

    frame.execute(action, json)


def unpin(
    contact: Contact,
    field: Annotated[str, typer.Argument(metavar="FIELD|STEP", help="What was pinned.")],
    json: Json = False,
) -> None:
    """Take a correction back."""

    def action() -> Result:
        from bulk_lookup_dagster.services.pins import unpin as take_back

        with frame.database() as conn:
            gone = take_back(conn, contact, field, actor=frame.actor())
        said = f"{field} of contact {contact}: {gone} pin{'' if gone == 1 else 's'} taken back."
        return Result({"contact": contact, "field": field, "unpinned": gone}, [said])

    frame.execute(action, json)
