"""What a suite has to do: which runs it reuses, takes up and trains, and how long that takes."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifake import tracking
from cifake.config import Settings
from cifake.config import load as load_settings
from cifake.data import load as load_data
from cifake.pipeline import lacks_test
from cifake.suite.engine import Places
from cifake.suite.variants import find_file

STATES = ("reuse", "test", "resume", "train")  # test: trained already, but for its robustness test


@dataclass(frozen=True)
class Job:
    """One run of a suite.

    Attributes:
        number: its place in the plan, from 0.
        variant: its name.
        settings: as resolved, with the name of the data set found.
        key: names all that decides its scores.
        state: one of STATES; found in the store, it may have changed when its turn comes.
        run_id: of the run to reuse or to test.
        seconds: of training, as earlier runs of these settings took; None where there is none.
    """

    number: int
    variant: str
    settings: Settings
    key: str
    state: str = "train"
    run_id: str = ""
    seconds: float | None = None

    @property
    def name(self) -> str:
        return f"{self.variant} seed {self.settings.seed}"


def make_jobs(variants: Sequence[str], seeds: Sequence[int], overrides: Mapping[str, Any]) -> list[Job]:
    """One job for each variant and seed; everything is checked before anything runs.

    Raises:
        ConfigError, DataError: see ``cifake.config.load`` and ``cifake.data.load``.
    """
    resolved = [
        (variant, load_settings(find_file(variant), {**overrides, "seed": seed}))
        for variant in variants
        for seed in seeds
    ]
    data = functools.cache(load_data)
    jobs = []
    for number, (variant, settings) in enumerate(resolved):
        found = data(settings.dataset, settings.split)
        named = settings.model_copy(update={"dataset": found.name})
        jobs.append(Job(number, Path(variant).stem, named, tracking.run_key(named, found.digest)))
    return jobs


def look_up(jobs: Sequence[Job], force: bool) -> list[Job]:
    """The jobs as the store has them: finished, stopped or still to be trained."""
    seconds = functools.cache(tracking.earlier_seconds)
    known = []
    for job in jobs:
        finished = None if force else tracking.finished_run(job.key)
        known.append(
            dataclasses.replace(
                job,
                state="train" if force else _state(job, finished),
                run_id=finished or "",
                seconds=0.0 if finished else seconds(job.settings.config_hash()),
            )
        )
    return known


def _state(job: Job, finished: str | None) -> str:
    if finished:
        return "test" if lacks_test(finished, job.settings) else "reuse"
    return "resume" if tracking.unfinished_run(job.key) else "train"


def describe(jobs: Sequence[Job], places: Places) -> str:
    """The plan as text: a line a variant, then the whole with an estimate of its time."""
    lines = [f"plan: {len(jobs)} runs; {places.text}"]
    width = max(len(job.variant) for job in jobs)
    for variant in dict.fromkeys(job.variant for job in jobs):
        parts = []
        for state in STATES:
            seeds = [str(job.settings.seed) for job in jobs if (job.variant, job.state) == (variant, state)]
            if seeds:
                parts.append(f"{state} seed{'s'[: len(seeds) > 1]} {', '.join(seeds)}")
        lines.append(f"  {variant:{width}}  {'; '.join(parts)}")
    counts = Counter(job.state for job in jobs)
    todo = ", ".join(f"{counts[state]} to {state}" for state in STATES if state in counts)
    return "\n".join([*lines, f"{todo}; {_estimate(jobs, places.count)}"])


def _estimate(jobs: Sequence[Job], at_once: int) -> str:
    known = [job.seconds for job in jobs if job.seconds is not None]
    unknown = len(jobs) - len(known)
    if unknown == len(jobs):
        return "no earlier runs to tell the time from"
    text = f"about {sum(known) / at_once / 60:.1f} minutes of training"
    return f"{text}, and {unknown} runs that no earlier one tells the time of" if unknown else text
