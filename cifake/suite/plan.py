"""Plan a suite: which runs it reuses, resumes and trains, and how long that takes."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifake.config import check_files
from cifake.config import load as load_settings
from cifake.data import load as load_data
from cifake.suite.jobs import STATES, Capacity, Job
from cifake.suite.variants import find_file
from cifake.tracking.identity import run_key
from cifake.tracking.queries import earlier_seconds, finished_run, unfinished_run
from cifake.tracking.results import lacks_export
from cifake.train.pipeline import lacks_test


def make_jobs(variants: Sequence[str], seeds: Sequence[int], overrides: Mapping[str, Any]) -> list[Job]:
    """One job for each variant and seed; raises ConfigError and DataError of settings and data."""
    resolved = [
        (variant, load_settings(find_file(variant), {**overrides, "seed": seed}))
        for variant in variants
        for seed in seeds
    ]
    for _, settings in resolved:
        check_files(settings)
    load_once = functools.cache(load_data)
    jobs = []
    for number, (variant, settings) in enumerate(resolved):
        data = load_once(**settings.load_arguments)
        named = settings.with_dataset(data.name)
        jobs.append(Job(number, Path(variant).stem, named, run_key(named, data.digest)))
    return jobs


def look_up(jobs: Sequence[Job], force: bool) -> list[Job]:
    """The jobs with their states in the store: finished, stopped or still to be trained."""
    seconds = functools.cache(earlier_seconds)
    known = []
    for job in jobs:
        finished = None if force else finished_run(job.key)
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
        if lacks_test(finished, job.settings):
            return "test"
        return "export" if lacks_export(finished, job.settings.export) else "reuse"
    return "resume" if unfinished_run(job.key) else "train"


def describe(jobs: Sequence[Job], capacity: Capacity, until: str = "") -> str:
    """The plan as text: a line a variant, then the totals and an estimate of the time."""
    most, stop = ("at most ", f", until '{until}' is decided") if until else ("", "")
    lines = [f"plan: {most}{len(jobs)} runs{stop}; {capacity.text}"]
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
    return "\n".join([*lines, f"{todo}; {_estimate(jobs, capacity.count)}"])


def _estimate(jobs: Sequence[Job], at_once: int) -> str:
    known = [job.seconds for job in jobs if job.seconds is not None]
    unknown = len(jobs) - len(known)
    if unknown == len(jobs):
        return "no earlier runs to estimate the time from"
    text = f"about {sum(known) / at_once / 60:.1f} minutes of training"
    return f"{text}, and {unknown} runs without an earlier one to estimate from" if unknown else text
