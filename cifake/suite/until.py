"""Seeds until a condition is decided: the rounds, the looks, and what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cifake.comparison import compare
from cifake.comparison.condition import Condition
from cifake.comparison.gate import CANNOT_TELL, Verdict, judge
from cifake.comparison.report import Report
from cifake.comparison.statistics.crossed_effects import Estimate
from cifake.comparison.statistics.planning import BETTER, EQUIVALENT, verdict
from cifake.comparison.statistics.sequential import FUTILE, chance_of_telling, look_levels
from cifake.contract import OF_PREDICTIONS, ROBUST, describe_metric
from cifake.core.errors import ConfigError
from cifake.suite.jobs import FIRST_LOOK, Job
from cifake.tracking.queries import experiments_of


@dataclass(frozen=True)
class Finding:
    """What a look found.

    Attributes:
        runs: that it looked at.
        baseline: the row that the condition compares with; None where it has none.
        level: of the look's intervals, which hold over all looks.
        told: whether the condition is decided.
        ended: whether it is, or more seeds would not help, or there are to be no more.
        text: the answer, its interval, and which look it was.
    """

    runs: list[str]
    baseline: str | None
    level: float
    told: bool
    ended: bool
    text: str


class Until:
    """A condition that a suite looks at after each round of seeds, from FIRST_LOOK seeds on.

    Args:
        condition: see ``parse_until``.
        jobs: of all seeds that there may be.
        most: how many seeds that is.

    Raises:
        ConfigError: a variant that the suite does not train, or that cannot be compared, or a metric that
            its runs will not have.
    """

    def __init__(self, condition: Condition, jobs: Sequence[Job], most: int) -> None:
        self.condition, self.jobs, self.most = condition, jobs, most
        self.looks = range(FIRST_LOOK, most + 1)
        self.levels = look_levels(self.looks)
        self.hashes = {job.variant: job.settings.config_hash() for job in jobs}
        _check(condition, jobs, self.hashes)

    def rounds(self) -> list[list[Job]]:
        """The jobs before each look."""
        begins = [0, *self.looks[:-1]]
        return [
            [job for job in self.jobs if begin <= job.settings.seed < end]
            for begin, end in zip(begins, self.looks, strict=True)
        ]

    def look(self, number: int, run_ids: Mapping[int, str]) -> Finding:
        """Look at the runs of a round and of those before it.

        Args:
            number: of the round, from 0.
            run_ids: the finished runs, by the number of their job.
        """
        seeds, level = self.looks[number], float(self.levels[number])
        runs = [run_ids[job.number] for job in self.jobs if job.settings.seed < seeds]
        report = report_on(runs, self.condition.metric, confidence=level)
        (comparison,) = report.comparisons
        groups = {group.config_hash: group for group in comparison.groups}
        names = [self.condition.variant, self.condition.baseline] if self.condition.variant else self.hashes
        baseline = groups[self.hashes[self.condition.baseline]] if self.condition.baseline else None
        judged = replace(
            comparison,
            groups=[groups[self.hashes[name]] for name in names if name],
            reference=baseline or comparison.reference,
        )
        verdicts = judge(self.condition, judged)
        open_ = [each for each in verdicts if each.verdict == CANNOT_TELL]
        futile = all(self._chance(each.estimate, seeds) < FUTILE for each in open_)
        told, ended = not open_, futile or seeds == self.most
        text = "; ".join(_answer(self.condition, each) for each in verdicts)
        if ended and not told and seeds < self.most:
            chance = f"the chance that {self.most} decide it is below {100 * FUTILE:g} %"
            text += f"; more seeds would not help: {chance}"
        looked = f"look {number + 1} of {len(self.looks)}, at {seeds} of at most {self.most} seeds"
        if f"{level:.6f}" < "1":
            looked += f"; intervals at --confidence {level:.6f} hold over all looks"
        return Finding(runs, baseline.name if baseline else None, level, told, ended, f"{text} ({looked})")

    def _chance(self, estimate: Estimate | None, seeds: int) -> float:
        """Predicted chance that the last look would tell."""
        if estimate is None:
            return 1.0
        chance = chance_of_telling(
            estimate.value - self.condition.limit, estimate.image_variance, estimate.seed_variance or 0.0,
            estimate.seed_sets, seeds, self.most, float(self.levels[-1]),
        )  # fmt: skip
        return float(chance)


def report_on(
    run_ids: Sequence[str], metric: str = "f1", baseline: str | None = None, confidence: float = 0.95
) -> Report:
    """The comparison of some runs alone."""
    where = f"attributes.run_id IN ({', '.join(map(repr, run_ids))})"
    return compare(
        metric, experiments=experiments_of(run_ids), where=where, baseline=baseline, confidence=confidence
    )


def _answer(condition: Condition, judged: Verdict) -> str:
    """What is known now, in words of the condition."""
    if not condition.claim or judged.estimate is None:
        return str(judged)
    estimate = judged.estimate
    up = bool(describe_metric(condition.metric).higher_is_better)
    said = verdict(estimate, up)
    versus = f"{condition.variant} against {condition.baseline}"
    if judged.verdict == CANNOT_TELL:
        answer = f"cannot tell {versus}"
    elif said == EQUIVALENT:
        answer = f"{versus}: the same models"
    else:
        answer = f"{condition.variant} is {said} than {condition.baseline}"
        if condition.claim == "beats" and said != BETTER:
            answer += ", so it does not beat it"
    numbers = f"{estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"
    return f"{answer} in {condition.metric}: {numbers}"


def _check(condition: Condition, jobs: Sequence[Job], hashes: Mapping[str, str]) -> None:
    for name in (condition.variant, condition.baseline):
        if name and name not in hashes:
            raise ConfigError(
                f"until: expected variants of this suite ({', '.join(hashes)}), received '{name}'"
            )
    if condition.baseline and (condition.variant == condition.baseline or len(hashes) == 1):
        raise ConfigError(f"until: expected another variant to compare with {condition.baseline}")
    if len({tuple(job.settings.load_arguments.values()) for job in jobs}) > 1:
        raise ConfigError("until: expected variants on one data set and split; add --split small or full")
    if len({job.settings.config_hash() for job in jobs}) != len(hashes):
        raise ConfigError("until: expected variants with names and settings of their own")
    robust = condition.metric.startswith(ROBUST)
    if robust and not all(job.settings.robustness for job in jobs):
        raise ConfigError(f"until: {condition.metric} needs robustness=true")
    if condition.claim and condition.metric.rpartition("/")[2] not in OF_PREDICTIONS:
        raise ConfigError(
            f"until: expected a metric of predictions such as f1, received '{condition.metric}'"
        )
