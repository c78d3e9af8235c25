"""The asset of a step and its checks, made the same way for every step.

Put here: what all steps' assets share. Do not put here: a step's description, source and licence
(its own file), what is due, limits, caps (`engine`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.orchestration.checks import (
    expectations_check,
    history_check,
    pandera_check,
)
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.batch_frames import (
    block_partition,
    quarantine_limit,
    unknown_limit,
)
from bulk_lookup_dagster.services.history import drift_blocks, step_figures
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.runs import find_batch, plan_for_batch, run_step_of_batch
from bulk_lookup_dagster.services.step_frames import (
    all_answers,
    all_questions,
    answers_of_partition,
    questions_of_partition,
)
from bulk_lookup_dagster.services.steps import StepDefinition
from bulk_lookup_dagster.storage.database import connect

Figures = Callable[[Platform, str], Any]


def step_asset(step: StepDefinition, description: str, *deps: dg.AssetDep) -> dg.AssetsDefinition:
    """The asset of a step, named like its table; what was answered is never bought again.

    It depends on the batch's contacts, the steps upstream and `deps`, and names every vendor the
    step may ask among its kinds.
    """
    vendors = list(dict.fromkeys(offer.provider for offer in step.offers))

    @dg.asset(
        name=step.name,
        description=description,
        partitions_def=UPLOAD_BATCHES,
        deps=[*dict.fromkeys(("contacts", "subjects", *step.waits_for)), *deps],
        group_name=ENRICHMENT,
        owners=OWNERS,
        kinds={"postgres", *(name.partition("_")[0] for name in vendors[:2])},
        code_version="1",
        required_resource_keys={"platform", *vendors},
    )
    async def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        platform: Platform = context.resources.platform
        clients = {name: getattr(context.resources, name).client for name in vendors}
        with explained():
            with connect(platform.dsn, autocommit=True, name="bulk-lookup step") as conn:
                batch = find_batch(conn, context.partition_key)
                plan_id = plan_for_batch(conn, batch, platform.secret_key)
            report = RunReport()
            if plan_id is not None:
                report = await run_step_of_batch(
                    platform,
                    batch.batch_id,
                    plan_id,
                    step.name,
                    dagster_run_id=context.run.run_id,
                    clients=clients,
                )
        for provider, reason in report.stopped.items():
            context.log.warning(f"{provider} was not asked to the end: {reason}")
        if report.skipped_because:
            context.log.info(f"{report.skipped} skipped: {report.skipped_because}")
        for line in left_out_lines(report):
            context.log.info(f"Not asked: {line}")
        plan = {"plan": plan_id or "finished"}
        return dg.MaterializeResult(metadata=plan | report_metadata(report))

    return run


def left_out_lines(report: RunReport) -> list[str]:
    """Who else might have answered: how many questions, of whom, and why nobody asked."""
    return [
        f"{one.questions} of {one.provider} {one.operation}: {one.because}"
        for one in report.left_out
    ]


def report_metadata(report: RunReport) -> dict[str, Any]:
    """Counts, calls, cost, hit rate; nothing personal."""
    answered = sum(report.answered.values())
    return {
        "dagster/row_count": answered,
        "due": report.due,
        "calls": report.requests,
        "retries": report.retries,
        "cost": format_usd(report.spent_micros),
        "hit rate": round(report.answered["data"] / answered, 4) if answered else 0.0,
        "outcomes": dict(report.answered),
        "failed": dict(report.failed),
        "unknown": report.unknown,
        "accepted": report.accepted,
        "left due": dict(report.left_due),
        "pending elsewhere": report.pending_elsewhere,
        "skipped": report.skipped,
        "skipped because": report.skipped_because or "nothing was",
        "left out": left_out_lines(report),
        "slowest call (ms)": report.slowest_ms,
        "requests per second": report.rates,
    }


def step_checks(
    step: StepDefinition,
    schema: Callable[[], Any],
    columns: Sequence[str],
    *,
    numbers: Sequence[str] = (),
    figures: Figures | None = None,
) -> tuple[dg.AssetChecksDefinition, ...]:
    """The three checks of a step: rows against `schema`, the batch as a whole, its history.

    `columns` are those of the result table that the schema describes beside the shared ones;
    `numbers` those of them with numbers. `schema` is called in the check: pandera loads slowly.
    """

    return (
        pandera_check(
            step.name,
            frame=lambda platform, key: answers_of_partition(platform, key, step, columns, numbers),
            schema=schema,
            max_share=quarantine_limit,
            block=block_partition,
        ),
        expectations_check(
            step.name,
            frame=lambda platform, key: questions_of_partition(platform, key, step),
            suite=questions_suite(step.name),
            block=block_partition,
        ),
        history_check(
            step.name,
            figures=figures or (lambda platform, key: step_figures(platform, key, step)),
            blocks=drift_blocks,
            block=block_partition,
        ),
    )


def table_checks(
    step: StepDefinition,
    schema: Callable[[], Any],
    columns: Sequence[str],
    *,
    numbers: Sequence[str] = (),
) -> tuple[dg.AssetChecksDefinition, ...]:
    """The checks of a step that no batch leads to: all its rows, all its questions."""
    return (
        pandera_check(
            step.name,
            frame=lambda platform, _: all_answers(platform, step, columns, numbers),
            schema=schema,
            max_share=quarantine_limit,
        ),
        expectations_check(
            step.name,
            frame=lambda platform, _: all_questions(platform, step),
            suite=questions_suite(step.name),
        ),
    )


def questions_suite(name: str) -> Callable[[Any, Platform], dict[str, Any]]:
    """The expectations about the questions of a step; loaded in the check, as schemas are."""

    def suite(rows: Any, platform: Platform) -> dict[str, Any]:
        from bulk_lookup_dagster.expectations.answers import check_questions

        return check_questions(name, rows, max_unknown_share=unknown_limit(platform))

    return suite
