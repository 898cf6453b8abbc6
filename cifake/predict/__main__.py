"""Predict how probably images are FAKE: python -m cifake.predict model=base images=photos."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cifake.core.errors import exit_code
from cifake.core.native_output import native_output_logged
from cifake.data.image_names import as_text
from cifake.predict.options import Options, open_images, output_files, parse
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run

if TYPE_CHECKING:
    from cifake.data.image_files import ImageFiles
    from cifake.predict.shards import ShardedOutput
    from cifake.tracking.resolved_model import ResolvedModel

LINE_SECONDS = 30.0  # between two lines of progress where there is no terminal


@native_output_logged()
def main(argv: Sequence[str]) -> int:
    """Predict; in the run that ``mlflow run`` has made, if it has.

    Returns:
        0, or 1 when an image could not be used.
    """
    with mlflow_project_run("predict"):
        return run(parse(argv))


def run(options: Options) -> int:
    """Check all inputs and outputs, score the missing images, join the shards and report."""
    sources = open_images(options.images)
    if options.engine == "ray":
        from cifake.predict.score_ray import check_shareable

        for source in sources:
            check_shareable(source)
    files = output_files(options.output, [as_text(source.name) for source in sources])
    from cifake.predict.score_local import SHARD, list_files
    from cifake.predict.shards import ShardedOutput
    from cifake.tracking.resolved_model import find_model

    with contextlib.ExitStack() as stack:
        outputs = [ShardedOutput(file) for file in files]
        for output in outputs:
            stack.enter_context(output.locked(options.force))
        resolved = find_model(options.model, options)
        inputs = as_text(sources[0].name) if len(sources) == 1 else f"{len(sources)} inputs"
        name_project_run(f"predict {inputs} with {resolved.name}")
        print(f"model: {resolved.name}", flush=True)
        metadata = {
            "model": resolved.identity, "threshold": options.threshold, "prepare": options.prepare,
            "engine": options.engine, "shard": SHARD,
        }  # fmt: skip
        jobs = []
        for source, output in zip(sources, outputs, strict=True):
            digest, total = list_files(source, output.files)
            output.keep_or_clear({"images": digest, **metadata}, options.force)
            jobs.append((source, output, total))
        if any(output.rows() != total for _, output, total in jobs):
            _score(jobs, resolved, options)
        counts = [output.join() for output in outputs]
        for output in outputs:
            output.remove_shards()  # after all are joined: until then the same command can resume
    for source, file, count in zip(sources, files, counts, strict=True):
        _report(source, file, count, options.threshold)
    return int(any(count["error"] for count in counts))


def _score(
    jobs: "list[tuple[ImageFiles, ShardedOutput, int | None]]", resolved: "ResolvedModel", options: Options
) -> None:
    from cifake.predict.score_local import decoders, score

    encode = options.prepare == "cifake"
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(decoders()) if options.engine == "local" else None
        model = resolved.load()
        from cifake.evaluation.scoring import predict  # Keras, while decoders start

        for source, output, total in jobs:
            if done := output.rows():
                print(f"{output.output}: resuming after {done:,} images", flush=True)
            if pool:
                steps = score(source, output, partial(predict, model), options.threshold, pool, encode)
            else:
                from cifake.predict.score_ray import score_on_cluster

                steps = score_on_cluster(source, output, model, options.threshold, encode)
            _follow(source.name, steps, done, total)


def _follow(name: str, steps: Iterable[int], done: int, total: int | None) -> None:
    """Exhaust steps of some images each; show a bar on a terminal, else a line every half minute."""
    from cifake.core.progress import progress_bar

    last_line = time.monotonic()
    with progress_bar() as progress:
        task = progress.add_task(name, total=total, completed=done)
        for count in steps:
            done += count
            progress.update(task, completed=done)
            if progress.disable and time.monotonic() - last_line > LINE_SECONDS:
                last_line = time.monotonic()
                of_all = f" of {total:,}" if total else ""
                print(f"{name}: {done:,}{of_all} images", file=sys.stderr, flush=True)


def _report(source: "ImageFiles", file: Path, counts: "Counter[str]", threshold: float) -> None:
    if source.skipped.count:
        print(f"warning: {source.location}: {source.skipped}", file=sys.stderr)
    fake, real, errors = (counts[key] for key in ("FAKE", "REAL", "error"))
    print(f"{file}: {fake + real + errors:,} images, {fake:,} FAKE and {real:,} REAL at {threshold:g}")
    notes = [(note, n) for note, n in counts.most_common() if note not in ("FAKE", "REAL", "error")]
    if changes := ", ".join(f"{n:,} {note}" for note, n in notes):
        print(f"warning: {file}: made like CIFAKE's images: {changes}", file=sys.stderr)
    if errors:
        print(f"{file}: {errors:,} cannot be used, their column 'error' says why", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
