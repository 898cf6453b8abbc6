"""Where the noise of each variant comes from, and what one more seed buys."""

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import GROUP_COLUMNS, group_cells, metric_text, one_seed_text, view_table

SOURCES = ("images", "seeds", "both")


def noise(comparison: Comparison) -> Table:
    """Shares of the variance of one seed's metric, and the standard error of the mean over seeds."""
    estimates = MetricEstimates(comparison, comparison.metric.name)
    rows = []
    for group in comparison.groups:
        if not group.scores:
            continue
        found, estimate = estimates.noise(group), estimates.mean(group)
        rows.append(
            {
                **group_cells(group),
                "seeds": len(group.scores),
                **{f"share_{source}": getattr(found, source) if found else None for source in SOURCES},
                "standard_error": estimate.standard_error if estimate else None,
                "with_one_more_seed": found.with_one_more_seed if found else None,
                "gain": 1 - found.with_one_more_seed / found.standard_error
                if found and found.standard_error
                else None,
                "with_any_number": found.with_any_number if found else None,
            }
        )
    form = comparison.metric.form
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Shares of the variance of one seed's score: images that all seeds find "
        "hard, seeds that do better on all images, and images that one seed finds harder than another "
        "(both). Standard errors are of the mean over the seeds there are, over one more, and over any "
        "number, which no more seeds go below. "
        f"{one_seed_text(comparison.groups)}".rstrip(),
        [
            *GROUP_COLUMNS,
            *(Column(f"share_{source}", source, ".0%") for source in SOURCES),
            Column("standard_error", "standard error", form),
            Column("with_one_more_seed", "one more seed", form),
            Column("gain", "gain", ".0%"),
            Column("with_any_number", "any number", form),
        ],
        rows,
        essential=6,
    )
