"""What several views share: captions, the metric's columns, cells of estimates."""

from collections.abc import Iterable, Sequence
from typing import Any

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.estimates import Difference
from cifake.comparison.groups import Group, name_list
from cifake.comparison.notes import note
from cifake.comparison.runs import OF_EPOCHS
from cifake.comparison.standings import judge_difference
from cifake.comparison.statistics.crossed_effects import Estimate
from cifake.comparison.table import Column, Table
from cifake.contract import TEST_IMAGES_TAG, VARIANT_TAG

GROUP_COLUMNS = (Column("rank", "#", "d"), Column("variant", "variant"), Column("seeds", "seeds", "d"))
NAMED, SHORT = 8, 16  # groups, and characters, of columns that have names as titles
VERDICT_COLUMN = Column("verdict", "verdict")


def view_table(
    comparison: Comparison,
    caption: str,
    columns: list[Column],
    rows: list[dict[str, Any]],
    notes: list[str] | None = None,
    **others: Any,
) -> Table:
    """The table of a view. Its caption begins with the data: ``cifake, split full, 20,000 test images``."""
    n = comparison.metadata[TEST_IMAGES_TAG]
    images = f"{n:,} test images" if n else "an unknown number of test images"
    data = f"{comparison.metadata['dataset']}, split {comparison.metadata['split']}, {images}"
    notes = comparison.notes if notes is None else notes
    return Table(f"{data}: {caption}", columns, rows, comparison.metadata, notes, **others)


def metric_text(comparison: Comparison) -> str:
    """Which metric, and how to read it."""
    direction = "higher" if comparison.metric.higher_is_better else "lower"
    epoch = " of the kept epoch" if comparison.metric.key.startswith(OF_EPOCHS) else ""
    return f"{comparison.metric.key}{epoch}, {direction} is better; positive class FAKE, threshold 0.5"


def level(comparison: Comparison) -> str:
    """The confidence level: ``95 %``."""
    return f"{100 * comparison.confidence:g} %"


def interval_text(
    comparison: Comparison, images: str = "test images", groups: Sequence[Group] | None = None
) -> str:
    """What the intervals are over, and which of the groups, all of them if None, have one seed only."""
    text = f"Intervals ({level(comparison)}) are over seeds and {images}."
    return f"{text} {one_seed_text(comparison.groups if groups is None else groups)}".rstrip()


def one_seed_text(groups: Sequence[Group]) -> str:
    """Which groups have one seed only; empty without any."""
    names = {group.name for group in groups}
    single = dict.fromkeys(group.name for group in groups if len(group.scores) == 1)
    which = "All groups" if len(single) == len(names) > 1 else ", ".join(single)
    text = f"{which}: one seed, so training noise is not in the interval."
    return note("one-seed", text) if single else ""


def group_cells(group: Group) -> dict[str, Any]:
    """What GROUP_COLUMNS show."""
    return {"rank": group.rank, "variant": group.name, "seeds": len(group.runs)}


def variant_name(group: Group) -> str:
    """A group's name without the settings that tell it from others of the same variant."""
    return "/".join(sorted(set(group.runs[VARIANT_TAG])))


def group_titles(comparison: Comparison) -> list[str]:
    """What groups are called as columns: their names, or their ranks where there is no room."""
    names = [group.name for group in comparison.groups]
    if len(names) <= NAMED and max(map(len, names)) <= SHORT:
        return names
    return [str(group.rank) for group in comparison.groups]


def ranks_text(comparison: Comparison) -> str:
    """The names behind the ranks that stand as titles; empty where titles are names."""
    pairs = zip(group_titles(comparison), comparison.groups, strict=True)
    return ", ".join(f"{title} {group.name}" for title, group in pairs if title != group.name)


def metric_column(comparison: Comparison) -> Column:
    """The column of the metric's mean and standard deviation."""
    return Column(
        comparison.metric.key,
        metric_title(comparison),
        comparison.metric.form,
        spread=f"{comparison.metric.key}_std",
    )


def metric_cells(group: Group, key: str) -> dict[str, Any]:
    """Mean and standard deviation over seeds."""
    return {key: group.mean(key), f"{key}_std": group.deviation(key)}


def partial_notes(groups: Sequence[Group], keys: Iterable[str]) -> list[str]:
    """Which means are over fewer seeds than their rows say, for lack of finite values."""
    notes = []
    for key in keys:
        counts = [(group, len(group.values(key))) for group in groups]
        present = [
            (group.name, finite, int(group.runs[key].notna().sum()))
            for group, finite in counts
            if 0 < finite < len(group.runs)
        ]
        if fewer := [f"{name} ({finite} of {most})" for name, finite, most in present if finite < most]:
            text = f"{key} is finite for fewer seeds, which alone count: {name_list(fewer)}."
            notes.append(note("not-finite", text))
    return notes


def interval_cells(key: str, estimate: Estimate | None) -> dict[str, Any]:
    """The ends of an estimate's interval."""
    return {
        f"{key}_low": estimate.low if estimate else None,
        f"{key}_high": estimate.high if estimate else None,
    }


def difference_cells(comparison: Comparison, difference: Difference | None) -> dict[str, Any]:
    """A difference with its tests, and the interval that its verdict comes from."""
    estimate = difference.adjusted if difference else None
    return {
        "difference": estimate.value if estimate else None,
        **interval_cells("difference", estimate),
        "verdict": judge_difference(comparison, difference) if difference else None,
        "p": difference.estimate.p if difference else None,
        "p_adjusted": estimate.p if estimate else None,
        "mcnemar_p_holm": difference.mcnemar_p if difference else None,
        "tied": difference.tied if difference else None,
    }


def interval_column(comparison: Comparison, key: str, form: str) -> Column:
    """The column of an interval, titled by its level."""
    return Column(f"{key}_low", f"{level(comparison)} interval", form, upto=f"{key}_high", under=key)
