"""What a step is: its subjects, who may be asked about them, and how that becomes SQL.

Belongs here: the declaration and its translation for the engine. Does not: any one step (its own
module), what a plan or the settings choose of it (`services.steps.selection`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.settings import Settings, StepSettings, StepsSettings
from bulk_lookup_dagster.engine.step import Step, Waterfall
from bulk_lookup_dagster.services.derivations.derivation import Derivation
from bulk_lookup_dagster.services.steps.scopes import subjects_sql

_NO_PARAMS = "SELECT subject_id, '{}'::jsonb AS params FROM subject"
_OFFER = (
    "SELECT subject_id, '{provider}'::text AS provider, '{operation}'::text AS operation,"
    " {slot} AS slot, {position}::smallint AS position, params"
    " FROM ({inputs}) inputs_{number}"
)
_QUESTIONS = """
    WITH subject AS ({subjects}),
    asked AS ({asked})
    SELECT s.subject_id, s.value, s.region, a.provider, a.operation, a.slot, a.position, a.params,
           CASE WHEN a.params = '{{}}' THEN ''::bytea
                ELSE decode(md5(a.params::text), 'hex') END AS params_hash
      FROM asked a JOIN intake.subjects s USING (subject_id)
     WHERE s.kind = '{kind}'
"""

_UNSURE = """
    SELECT count(*) FROM intake.subjects s
     WHERE s.subject_id IN ({subjects}) AND s.value IS NOT NULL
       AND NOT EXISTS (
           SELECT FROM ledger.claims c
            WHERE c.subject_id = s.subject_id AND (c.provider, c.operation) IN (
                  SELECT * FROM unnest(%(providers)s::text[], %(operations)s::text[])))
"""


@dataclass(frozen=True, slots=True)
class Eligible:
    """Which subjects are worth asking about: a named rule, so that what it leaves out is told.

    `sql` is a condition over the subject `s` and the contact `c` that leads to it (F38).
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Floor:
    """How sure a subject itself must be before money is spent on a question about it.

    `setting` names the least figure in the step's block, 0 to 100; `sql` is the figure, over the
    subject `s`, empty where nothing is known. Answers of the step `told_by` change it.
    """

    name: str
    setting: str
    sql: str
    told_by: str

    def least(self, step: str, settings: StepSettings | None) -> int:
        """The figure in force; the default's where there are no settings."""
        return int(getattr(settings or StepsSettings().step(step), self.setting))

    def reached(self, least: int) -> str:
        """The condition that a subject reaches it."""
        return f"coalesce(({self.sql}), 0) >= {least:d}"


@dataclass(frozen=True, slots=True)
class Offer:
    """One vendor's operation that can answer a step.

    Offers of one `slot` are a waterfall in the settings' order; slots do not wait for each other.
    `params_sql` yields `subject_id, params (jsonb)` where the operation needs more than the
    subject; it may read the CTE `subject` (the `subject_id`s in question). Questions of an offer
    that stands `apart` are many about one subject; each is a request of its own and waits for none.
    """

    provider: str
    operation: str
    slot: str = ""
    params_sql: str | None = None
    apart: bool = False

    @property
    def slot_sql(self) -> str:
        """The slot of a question."""
        return f"'{self.slot} ' || params::text" if self.apart else f"'{self.slot}'::text"

    @property
    def key(self) -> tuple[str, str]:
        """Provider and operation: what the ledger knows it by."""
        return self.provider, self.operation


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One enrichment step. `name` is its table in `enrichment`, its asset and its settings' block.

    `offers` stand in the default order. `upstream` names steps whose answers lead to subjects of
    this one, through `derivation`. `expected_share` is the share of contacts that such answers
    probably lead on, before history tells. `floor` leaves out subjects that are not sure enough;
    plans and runs say how many. `chosen` picks operations by the settings where not all are wanted.
    The work of an `essential` step stays planned when nobody can be asked. A `partition` other than
    "batch" says that no upload leads to its subjects: plans of uploads and runs of batches leave it
    out.
    """

    name: str
    title: str
    subject_kind: str
    offers: tuple[Offer, ...]
    upstream: tuple[str, ...] = ()
    derivation: Derivation | None = None
    eligible: Eligible | None = None
    floor: Floor | None = None
    confidence_column: str | None = None
    expected_share: float = 0.0
    chosen: Callable[[Settings], Sequence[str]] | None = None
    essential: bool = False
    partition: str = "batch"

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The steps upstream: those named, and those whose answers its derivation or floor read."""
        sources = self.derivation.sources if self.derivation else ()
        read = [source.reads for source in sources if source.reads not in ("", self.name)]
        told = (self.floor.told_by,) if self.floor else ()
        return tuple(dict.fromkeys((*self.upstream, *read, *told)))

    @property
    def table(self) -> str:
        """The result table."""
        return f"enrichment.{self.name}"

    def offers_by_key(self, keys: Iterable[Sequence[str]]) -> tuple[Offer, ...]:
        """These (provider, operation) pairs as offers, in the order given."""
        known: Mapping[tuple[str, ...], Offer] = {offer.key: offer for offer in self.offers}
        wanted = [tuple(key) for key in keys]
        missing = [key for key in wanted if key not in known]
        if missing:
            names = ", ".join(" ".join(key) for key in missing)
            raise InputError(
                f"The step {self.name} has nothing called {names}.",
                fix=f"It has: {', '.join(' '.join(key) for key in known)}.",
            )
        return tuple(known[key] for key in wanted)

    def as_step(
        self, offers: Sequence[Offer], scope_kind: str, settings: StepSettings | None = None
    ) -> Step:
        """What the engine runs: `offers` of every eligible subject of such a scope."""
        placed = positions(offers)
        asked = " UNION ALL ".join(
            _OFFER.format(
                provider=offer.provider,
                operation=offer.operation,
                slot=offer.slot_sql,
                position=position,
                inputs=offer.params_sql or _NO_PARAMS,
                number=number,
            )
            for number, (offer, position) in enumerate(placed)
        )
        if not asked:
            raise InputError(
                f"Nobody can be asked for {self.name}.", fix="See: bulk-lookup doctor --providers."
            )
        subjects = subjects_sql(scope_kind, self.subject_kind, self._worth_asking(settings))
        questions = _QUESTIONS.format(subjects=subjects, asked=asked, kind=self.subject_kind)
        waterfall = None
        if any(position > 1 for _, position in placed):
            block = settings or StepSettings()
            waterfall = Waterfall(
                self.confidence_column, block.minimum_confidence, block.holdout_percent
            )
        apart = any(offer.apart for offer in offers)
        return Step(self.name, self.subject_kind, self.table, questions, waterfall, apart)

    def _worth_asking(self, settings: StepSettings | None) -> str | None:
        """The condition over a subject: the named rule, and the floor where one is set."""
        rules = [f"({self.eligible.sql})"] if self.eligible else []
        least = self.floor.least(self.name, settings) if self.floor else 0
        if self.floor and least:
            rules.append(self.floor.reached(least))
        return " AND ".join(rules) or None

    def unsure_sql(self, scope_kind: str, settings: StepSettings) -> str:
        """How many subjects of a scope only the floor leaves out, and nobody was asked about yet.

        Empty where there is no floor.
        """
        least = self.floor.least(self.name, settings) if self.floor else 0
        if self.floor is None or not least:
            return ""
        rule = f"NOT ({self.floor.reached(least)})"
        if self.eligible:
            rule = f"({self.eligible.sql}) AND {rule}"
        subjects = subjects_sql(scope_kind, self.subject_kind, rule)
        return _UNSURE.format(subjects=subjects)


def positions(offers: Sequence[Offer]) -> list[tuple[Offer, int]]:
    """Each offer with its place in its slot, counted from 1."""
    seen: dict[str, int] = {}
    placed = []
    for offer in offers:
        seen[offer.slot] = seen.get(offer.slot, 0) + 1
        placed.append((offer, seen[offer.slot]))
    return placed
