"""Say of images how probably each is FAKE: python -m cifake.predict model=base images=photos."""

import contextlib
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifake.core.errors import exit_code
from cifake.predict.options import Options, output_files, parse
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import keras

    from cifake.predict.shards import Parts
    from cifake.predict.sources import Source
    from cifake.tracking.resolved_model import ResolvedModel


def main(argv: Sequence[str]) -> int:
    """Predict; in the run that ``mlflow run`` has made, if it has.

    Returns:
        0, or 1 when an image could not be used.
    """
    with mlflow_project_run("predict"):
        return run(parse(argv))


def run(options: Options) -> int:
    """Check everything, score what is missing, join the rows, say what came out."""
    from cifake.predict.sources import open_images

    sources = open_images(options.images)
    if options.engine == "ray":
        from cifake.predict.score_ray import refuse

        for source in sources:
            refuse(source)
    files = output_files(options.output, [source.name for source in sources])
    from cifake.predict.shards import Parts
    from cifake.tracking.resolved_model import find_model

    with contextlib.ExitStack() as stack:
        outputs = [Parts(file) for file in files]
        for output in outputs:
            stack.enter_context(output.alone(options.force))
        found = find_model(options.model)
        inputs = sources[0].name if len(sources) == 1 else f"{len(sources)} inputs"
        name_project_run(f"predict {inputs} with {found.name}")
        print(f"model: {found.name}", flush=True)
        totals = [_begin(*pair, found, options) for pair in zip(sources, outputs, strict=True)]
        _score(sources, outputs, totals, found, options)
        counts = [output.join() for output in outputs]
        for output in outputs:
            output.remove()  # after all are joined: the same command could still go on
    for file, count in zip(files, counts, strict=True):
        _report(file, count, options.threshold)
    return int(any(count["error"] for count in counts))


def _begin(source: "Source", output: "Parts", found: "ResolvedModel", options: Options) -> int | None:
    """List the images and take up what a killed command left; their number, None where that is not known."""
    from cifake.predict.score_local import SHARD, list_files
    from cifake.predict.sources import Tar

    if isinstance(source, Tar):
        digest, total = source.digest(), None
    else:
        digest, total = list_files(source, output.files)
    model = (
        found.run.info.run_id if found.run else hashlib.sha256(Path(found.address).read_bytes()).hexdigest()
    )
    about: dict[str, Any] = {
        "model": model, "images": digest, "threshold": options.threshold, "engine": options.engine,
        "shard": SHARD,
    }  # fmt: skip
    output.begin(about, options.force)
    return total


def _score(
    sources: "Sequence[Source]",
    outputs: "Sequence[Parts]",
    totals: Sequence[int | None],
    found: "ResolvedModel",
    options: Options,
) -> None:
    from cifake.predict.progress import follow
    from cifake.predict.score_local import decoders
    from cifake.predict.sources import no_images

    done = [output.rows() for output in outputs]
    if done == totals:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(decoders()) if options.engine == "local" else None
        model = found.load()
        for source, output, total, before in zip(sources, outputs, totals, done, strict=True):
            if before:
                print(f"{output.output}: going on after {before:,} images", flush=True)
            follow(source.name, _steps(source, output, model, options.threshold, pool), before, total)
            if not output.shards():
                raise no_images(source)


def _steps(
    source: "Source", output: "Parts", model: "keras.Model", threshold: float, pool: "Executor | None"
) -> Iterator[int]:
    if pool is None:
        from cifake.predict.score_ray import score_on_cluster

        return score_on_cluster(source, output, model, threshold)
    from cifake.evaluation.scoring import predict
    from cifake.predict.score_local import score

    return score(source, output, lambda images: predict(model, images), threshold, pool)


def _report(file: Path, counts: "Counter[str]", threshold: float) -> None:
    fake, real, errors = (counts[key] for key in ("FAKE", "REAL", "error"))
    print(f"{file}: {fake + real + errors:,} images, {fake:,} FAKE and {real:,} REAL at {threshold:g}")
    notes = [(note, n) for note, n in counts.most_common() if note not in ("FAKE", "REAL", "error")]
    if notes:
        changes = ", ".join(f"{n:,} {note}" for note, n in notes)
        print(f"warning: {file}: not as CIFAKE's images are: {changes}", file=sys.stderr)
    if errors:
        print(f"{file}: {errors:,} cannot be used, their column 'error' says why", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
