"""The marts as Dagster assets: every dbt model, its tests as checks, built by one `dbt build`.

Belongs here: how dbt's nodes look in the graph. Does not: the models (`dbt_project`), the same
build without Dagster (`services.marts`). dagster_dbt takes 2 s to import: only this module does.
"""

# No `from __future__ import annotations`: Dagster reads the hints of the asset below as objects.
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import (
    Node,
    covering_build,
    ensure_manifest,
    require_good,
    run_build,
)

GROUP = "marts"
POOL = "marts"
# A table and the view of its winners are one asset: the step's.
_SETTINGS = DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True)


class MartsTranslator(DagsterDbtTranslator):
    """Group, owners and kinds of dbt's nodes; keys are the models' names."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The model's name; a source's key is the one its `meta.dagster` names."""
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """All of them together: one build makes them."""
        return GROUP

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetSpec:
        """The node as Dagster shows it."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        config = manifest["nodes"].get(unique_id, {}).get("config", {})
        kinds = {"dbt", "postgres", config.get("materialized", "view")}
        return spec.replace_attributes(owners=[f"team:{config.get('group')}"], kinds=kinds)


@dbt_assets(
    manifest=ensure_manifest(),
    dagster_dbt_translator=MartsTranslator(_SETTINGS),
    name="marts",
    pool=POOL,
)
def marts(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Staging, intermediate and marts of published batches, built and tested in one go.

    dbt runs in this process: a second one would cost five seconds of imports per build.
    """
    models = [key.path[-1] for key in context.selected_asset_keys] if context.is_subset else []
    with covering_build(platform) as covered:
        covered.whole = not models  # a part of the models answers no reason to build all
        nodes = run_build(platform, covered, models=models)
        yield from _events(nodes, context.selected_asset_check_keys)
        try:
            require_good(nodes)
        except StorageError as error:
            raise dg.Failure(str(error), allow_retries=False) from error


def _events(
    nodes: Sequence[Node], wanted: Any
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    for node in filter(lambda node: node.model, nodes):
        key = dg.AssetKey(node.model)
        if node.is_test:
            if dg.AssetCheckKey(key, node.name) in wanted:
                yield dg.AssetCheckResult(
                    asset_key=key,
                    check_name=node.name,
                    passed=node.good,
                    metadata={"failing rows": node.failures or 0, "seconds": node.seconds},
                )
        elif node.good:
            rows = {} if node.rows is None else {"dagster/row_count": node.rows}
            yield dg.MaterializeResult(asset_key=key, metadata={"seconds": node.seconds, **rows})
