"""The settings document: every toggle, order, threshold, limit, interval and price override.

One typed, validated value. Belongs here: fields with their meaning, bounds and defaults. Does not:
secrets and addresses (see `core.variables`), storing and history (see `services.settings`).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from bulk_lookup_dagster.core.check_settings import CheckSettings
from bulk_lookup_dagster.core.document import Document
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.phone import is_region
from bulk_lookup_dagster.core.selection import parse_condition
from bulk_lookup_dagster.core.vendor_settings import ProviderName, ProviderSettings, Usd

ExportFormat = Literal["csv", "tsv", "xlsx", "parquet"]


def _is_cron(text: str) -> str:
    fields = text.split(" ")
    if len(fields) != len(_CRON_RANGES) or not all(map(_is_cron_field, fields, _CRON_RANGES)):
        raise ValueError("write minute, hour, day, month and weekday as numbers: 15 2 * * 1-5")
    return text


_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_CRON_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?")


def _is_cron_field(field: str, allowed: tuple[int, int]) -> bool:
    parts = [_CRON_PART.fullmatch(part) for part in field.split(",")]
    for part in parts:
        if part is None:
            return False
        first, last, _ = part.groups()
        low = allowed[0] if first is None else int(first)
        high = low if last is None else int(last)
        if not allowed[0] <= low <= high <= allowed[1]:
            return False
    return True


def _is_known_region(code: str) -> str:
    if not is_region(code):
        raise ValueError("write a region that gives out numbers, such as US or GB")
    return code


Cron = Annotated[str, Field(max_length=100), AfterValidator(_is_cron)]
Region = Annotated[str, Field(max_length=2), AfterValidator(_is_known_region)]


class SpendingSettings(Document):
    """Caps; null = none beside the plan's own."""

    auto_approve_usd: Usd | None = Field(
        default=None,
        description="Plans up to this start by themselves; null = AUTO_APPROVE_USD decides.",
    )
    run_cap_usd: Usd | None = Field(default=None, description="Most that one run may spend.")
    day_cap_usd: Usd | None = Field(
        default=None, description="Most that one business day may cost."
    )
    provider_day_cap_usd: dict[ProviderName, Usd] = Field(
        default={}, description="Most that one provider may cost in a business day."
    )
    plan_expiry_days: int = Field(
        default=7, ge=1, le=90, description="Days an approval is good for."
    )


class StepSettings(Document):
    """How one step is run."""

    enabled: bool = Field(default=True, description="Off: it is neither planned nor run.")
    provider_order: tuple[ProviderName, ...] = Field(
        default=(), description="Who is asked, in this order; empty = the step's own order."
    )
    minimum_confidence: int = Field(
        default=0, ge=0, le=100, description="An answer less sure than this asks the next provider."
    )
    holdout_percent: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Share of subjects also asked of the second provider, to measure agreement.",
    )
    refresh_policy_days: int | None = Field(
        default=None, ge=1, le=3650, description="Buy again after so many days; null = never."
    )
    deadline_s: int = Field(
        default=21_600, ge=10, le=604_800, description="Longest a run may take."
    )
    patience_s: int = Field(
        default=120,
        ge=0,
        le=86_400,
        description="How long a run waits for work others hold, retries and accepted questions.",
    )

    @field_validator("provider_order")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a provider is named twice")
        return value


class CoverageSettings(StepSettings):
    """How home internet at addresses is asked for."""

    confidence_floor: int = Field(
        default=70,
        ge=0,
        le=100,
        description="Only addresses at least this sure are asked about; 0 = every one.",
    )


class StepsSettings(Document):
    """One block per enrichment step. What costs beside the look-ups is off until switched on."""

    phone_lookups: StepSettings = Field(
        default=StepSettings(provider_order=("twilio_lookup",)),
        description="Phone number look-ups.",
    )
    phone_validations: StepSettings = Field(
        default=StepSettings(enabled=False),
        description="A second opinion on validity, line type and carrier.",
    )
    line_statuses: StepSettings = Field(
        default=StepSettings(enabled=False), description="Whether numbers are in service."
    )
    phone_porting: StepSettings = Field(
        default=StepSettings(enabled=False),
        description="Who carries a number since it was ported.",
    )
    reverse_phones: StepSettings = Field(
        default=StepSettings(enabled=False), description="To whom numbers belong."
    )
    company_profiles: StepSettings = Field(
        default=StepSettings(enabled=False), description="What companies are."
    )
    person_profiles: StepSettings = Field(
        default=StepSettings(enabled=False), description="Who people are at work."
    )
    email_candidates: StepSettings = Field(
        default=StepSettings(enabled=False), description="Which addresses people have."
    )
    email_verifications: StepSettings = Field(
        default=StepSettings(enabled=False), description="Whether addresses take mail."
    )
    addresses: StepSettings = Field(
        default=StepSettings(enabled=False), description="Whether mail is delivered to an address."
    )
    geocodes: StepSettings = Field(
        default=StepSettings(enabled=False), description="Points and census blocks of addresses."
    )
    broadband_coverage: CoverageSettings = Field(
        default=CoverageSettings(enabled=False), description="Home internet at addresses."
    )
    deactivations: StepSettings = Field(
        default=StepSettings(), description="Numbers that carriers took out of service, by day."
    )
    trust_hub_profiles: StepSettings = Field(
        default=StepSettings(refresh_policy_days=1),
        description="Our Trust Hub account; read daily, free of charge.",
    )
    zipcode_businesses: StepSettings = Field(
        default=StepSettings(),
        description="Businesses of ZIP codes; asked for by `bulk-lookup discover` alone.",
    )
    reverse_geocodes: StepSettings = Field(
        default=StepSettings(),
        description="Addresses at points; asked for by `bulk-lookup reverse-geocode` alone.",
    )
    business_ids: StepSettings = Field(
        default=StepSettings(refresh_policy_days=365),
        description="Google's ids of businesses; asked for again, free, once they are so old.",
    )
    accepted_deadline_s: int = Field(
        default=86_400,
        ge=60,
        le=2_592_000,
        description="How long an accepted question is polled before its outcome is unknown.",
    )

    def step(self, name: str) -> StepSettings:
        """The block of a step."""
        block: StepSettings = getattr(self, name)
        return block


class IntakeSettings(Document):
    """How files are taken in."""

    default_region: Region = Field(
        default="US", description="Region of numbers without a country code."
    )
    batch_rows: int = Field(
        default=25_000, ge=100, le=25_000, description="Rows per batch (partition)."
    )
    source: str = Field(
        default="default",
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Source by default.",
    )
    max_reject_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Above this share of refused rows the upload's check fails.",
    )


class MatchingSettings(Document):
    """Finding and merging duplicates; a change applies from the next run and undoes no decision."""

    automatic: bool = Field(
        default=True, description="Off: nothing is merged by itself, every pair waits for review."
    )
    auto_bits: float | None = Field(
        default=None,
        ge=-50,
        le=100,
        description="Bits of evidence from which a pair is merged; null = the model's.",
    )
    review_bits: float | None = Field(
        default=None,
        ge=-50,
        le=100,
        description="Bits from which a pair is shown for review; null = the model's.",
    )
    source_order: tuple[Annotated[str, Field(max_length=100)], ...] = Field(
        default=(),
        max_length=100,
        description="Names of sources, the most trusted first: whose values golden contacts take.",
    )
    max_auto_share: float = Field(
        default=0.8, ge=0, le=1, description="Above this share of merged contacts a check warns."
    )
    max_shift: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Most the share of merged contacts may differ from the last run's.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> MatchingSettings:
        if None not in (self.auto_bits, self.review_bits) and self.auto_bits < self.review_bits:  # type: ignore[operator]  # neither is None
            raise ValueError("auto_bits is below review_bits")
        return self


class ScheduleSettings(Document):
    """When things run by themselves; read when the code location loads."""

    nightly_cron: Cron = Field(
        default="15 2 * * *", description="Nightly enrichment, in the business zone."
    )
    deactivations_cron: Cron = Field(
        default="30 6 * * *", description="Yesterday's deactivated numbers."
    )
    trust_hub_cron: Cron = Field(default="50 6 * * *", description="A look at Trust Hub.")
    fcc_cron: Cron = Field(
        default="10 7 * * 1", description="A look for a new FCC release of imported states."
    )
    exports_cron: Cron = Field(
        default="30 5 * * *", description="Export of the filters named in exports.scheduled."
    )
    maintenance_cron: Cron = Field(default="45 3 * * *", description="Housekeeping.")
    upload_sensor_s: int = Field(
        default=15, ge=5, le=3600, description="Seconds between looks at the inbox."
    )
    approvals_sensor_s: int = Field(default=15, ge=5, le=3600, description="… at approved plans.")
    marts_sensor_s: int = Field(
        default=30, ge=5, le=3600, description="… at reasons to build the marts."
    )


class HousekeepingSettings(Document):
    """What the daily housekeeping keeps."""

    dagster_runs_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days Dagster's finished runs are kept; runs that enriched a batch stay.",
    )


def _is_condition(text: str) -> str:
    try:
        parse_condition(text)
    except InputError as error:
        raise ValueError(f"{error.message} {error.fix}") from None
    return text


class ExportSettings(Document):
    """What may leave, and selections under a name."""

    max_rows: int = Field(
        default=5_000_000, ge=1, le=1_000_000_000, description="Most rows of one export."
    )
    saved: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")],
        tuple[Annotated[str, Field(max_length=1_000), AfterValidator(_is_condition)], ...],
    ] = Field(default={}, description="Saved filters: a name and its conditions.")
    scheduled: tuple[Annotated[str, Field(max_length=40)], ...] = Field(
        default=(), description="Saved filters exported by schedule, over all uploads."
    )
    scheduled_format: ExportFormat = Field(default="csv", description="Their format.")
    retention_days: int = Field(
        default=30, ge=1, le=3650, description="Days until a file exported by schedule is removed."
    )

    @model_validator(mode="after")
    def _scheduled_are_saved(self) -> ExportSettings:
        unknown = [name for name in self.scheduled if name not in self.saved]
        if unknown:
            raise ValueError(f"{unknown[0]} is scheduled, but no filter is saved under this name")
        if len(set(self.scheduled)) < len(self.scheduled):
            raise ValueError("a filter is scheduled twice")
        return self


class Settings(Document):
    """The whole document. Defaults are in force until somebody changes something."""

    providers: ProviderSettings = Field(default=ProviderSettings(), description="Vendors.")
    spending: SpendingSettings = Field(default=SpendingSettings(), description="Money.")
    steps: StepsSettings = Field(default=StepsSettings(), description="Enrichment steps.")
    intake: IntakeSettings = Field(default=IntakeSettings(), description="Files.")
    checks: CheckSettings = Field(default=CheckSettings(), description="Thresholds of checks.")
    schedules: ScheduleSettings = Field(default=ScheduleSettings(), description="Clockwork.")
    matching: MatchingSettings = Field(default=MatchingSettings(), description="Duplicates.")
    exports: ExportSettings = Field(default=ExportSettings(), description="Files that leave.")
    housekeeping: HousekeepingSettings = Field(
        default=HousekeepingSettings(), description="What is kept, and how long."
    )
