"""Which groups may be the best, and which ranks each may have.

The best set is that of multiple comparisons with the best (Hsu 1984, Annals of Statistics 12, 1136): a
group leaves it where another is better in a one-sided test of this group against all others together.
Where the group is truly best, that happens with a chance of at most 1 - confidence, so the set holds the
best with this confidence, however lucky today's first one was.

Ranks come from simultaneous intervals of all pairs (Al Mohamad, Goeman and van Zwet 2022, Biometrics
78, 238): a group is below those that are better in these, and above those that are worse. They hold for
all groups at once, and are more cautious than the best set. A group with one seed may have any rank.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from cifake.comparison.statistics.behrens_fisher import p_value
from cifake.comparison.statistics.crossed_effects import CrossedEffects
from cifake.comparison.statistics.simultaneous import critical_p, largest_leads


@dataclass(frozen=True)
class RankRange:
    """What is known of a group's place.

    Attributes:
        may_be_best: whether it is in the set that holds the best group.
        highest: the best rank that it may have, from 1.
        lowest: the worst.
    """

    may_be_best: bool
    highest: int
    lowest: int


def rank(crossed: CrossedEffects, higher_is_better: bool = True) -> list[RankRange]:
    """Of each group, with the confidence of ``crossed`` for the best set, and for all ranks together."""
    means = crossed.means if higher_is_better else -crossed.means
    groups = len(means)
    if groups == 1:
        return [RankRange(True, 1, 1)]
    lead = means[None, :] - means[:, None]  # of the second group over the first
    noise = (crossed.image_noise, crossed.seed_noise, crossed.seed_degrees)
    two_sided = p_value(lead.ravel(), *(each.ravel() for each in noise)).reshape(lead.shape)
    better = np.where(lead > 0, two_sided / 2, 1 - two_sided / 2)  # one-sided p-values of that lead
    one_seed = crossed.seeds < 2  # says nothing of the variant: its interval is of the images alone
    better[one_seed[:, None] | one_seed] = 1.0
    leads = largest_leads(crossed)
    of_best = [critical_p(each, groups - 1, crossed.confidence) for each in np.sort(special.ndtr(-leads))]
    may_be_best = np.all(better >= np.array(of_best)[:, None], axis=1)
    smallest = np.sort(2 * special.ndtr(-leads.max(axis=0)))
    critical = critical_p(smallest, groups * (groups - 1) // 2, crossed.confidence)
    surely = 2 * better < critical  # the second group is better than the first
    return [
        RankRange(bool(best), 1 + int(above), groups - int(below))
        for best, above, below in zip(may_be_best, surely.sum(1), surely.sum(0), strict=True)
    ]
