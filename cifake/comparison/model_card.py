"""The model card of a champion: Markdown that says what was measured of it, and what was not."""

from dataclasses import replace
from typing import Any

from cifake.comparison.comparison import ROBUST_IMAGES, Comparison, on_metric
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.render.html import templates
from cifake.comparison.results.documents import setting_without_folders
from cifake.comparison.runs import PARAMETER
from cifake.comparison.views.columns import level
from cifake.comparison.views.robustness import KEYS, robustness
from cifake.comparison.views.test_sets import test_sets
from cifake.contract import OF_PREDICTIONS

NOT_MEASURED = "not measured"


def model_card(comparison: Comparison, group: Group, run_id: str, facts: dict[str, str], reason: str) -> str:
    """Markdown for a registered model.

    Args:
        comparison: that the model won.
        group: its repeats.
        run_id: the one whose model is registered.
        facts: ``value`` and ``interval`` of the metric, as text.
        reason: why it was promoted.
    """
    alone = on_metric(replace(comparison, groups=[group], reference=group), "test/f1")
    (own,) = alone.groups
    first = group.runs.iloc[0].to_dict()
    return str(
        templates()
        .get_template("model_card.md.j2")
        .render(
            group=group,
            metric=comparison.metric,
            value=facts["value"],
            interval=facts["interval"],
            seeds=len(group.runs),
            run_id=run_id,
            reason=reason,
            dataset=first["dataset"],
            split=first["split"],
            digest=first["dataset_digest"],
            images=alone.images,
            backbone=_setting(first, "model.backbone"),
            weights=setting_without_folders(_setting(first, "model.weights")),
            level=level(comparison),
            metrics=[_metric(alone, own, name) for name in OF_PREDICTIONS],
            tested=_tested(alone, len(group.runs)),
            robustness=_robustness(alone),
            test_sets=_test_sets(alone),
        )
    )


def _metric(comparison: Comparison, group: Group, name: str) -> tuple[str, str, str]:
    estimate = MetricEstimates(comparison, name).mean(group)
    low, high = (estimate.low, estimate.high) if estimate else (None, None)
    return OF_PREDICTIONS[name].title, _number(group.mean(f"test/{name}"), ".4f"), _interval(low, high, ".4f")


def _tested(comparison: Comparison, seeds: int) -> str:
    """On how many seeds and images the robustness was measured; empty where it was not."""
    rows = robustness(comparison).rows
    if not rows:
        return ""
    tested = rows[0]["seeds"]
    share = "all" if tested == seeds else f"{tested} of {seeds}"
    return f"Of {share} seeds, on {_number(rows[0][ROBUST_IMAGES], ',.0f')} images."


def _robustness(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [
        (name, _number(row[key], ".3f"), _interval(row.get(f"{key}_low"), row.get(f"{key}_high"), ".3f"))
        for row in robustness(comparison).rows
        for key, name in KEYS.items()
        if row.get(key) is not None
    ]


def _test_sets(comparison: Comparison) -> list[list[str]]:
    return [
        [
            row["set"],
            str(row["seeds"]),
            _number(row["images"], ",.0f"),
            _number(row["accuracy"], ".3f"),
            _interval(row["accuracy_low"], row["accuracy_high"], ".3f"),
            _number(row["roc_auc"], ".3f"),
            row["against"],
        ]
        for row in test_sets(comparison).rows
    ]


def _number(value: float | None, form: str) -> str:
    return NOT_MEASURED if value is None else f"{value:{form}}"


def _interval(low: float | None, high: float | None, form: str) -> str:
    return NOT_MEASURED if low is None or high is None else f"[{low:{form}}, {high:{form}}]"


def _setting(run: dict[Any, Any], key: str) -> str:
    value = str(run.get(f"{PARAMETER}{key}") or "")
    return "" if value in ("None", "nan") else value
