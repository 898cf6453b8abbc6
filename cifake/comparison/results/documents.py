"""A published run: settings, metrics and command as JSON, one line a value, keys in order."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID

from cifake.comparison.runs import INFINITE
from cifake.contract import (
    ADVERSARY_TAG,
    CODE_VERSION_TAG,
    DEVICE_TAG,
    DOUBTS_TAG,
    FAILURE_TAG,
    LIBRARIES_TAG,
    OTHER_SETS,
    ROBUSTNESS_TAG,
    RUN_KEY_TAG,
    RUN_TAGS,
    SEARCH_TAG,
    SEQUENTIAL_TAG,
    TEST_IMAGES_TAG,
    TRIAL_TAG,
)
from cifake.core.errors import RunError

FORMAT = 1  # of these files; a reader refuses others
# All others may name people, machines and folders.
TAGS = (
    *RUN_TAGS, TEST_IMAGES_TAG, RUN_KEY_TAG, CODE_VERSION_TAG, SEQUENTIAL_TAG, LIBRARIES_TAG, DEVICE_TAG,
    SEARCH_TAG, ROBUSTNESS_TAG, DOUBTS_TAG, ADVERSARY_TAG, FAILURE_TAG, TRIAL_TAG, MLFLOW_PARENT_RUN_ID,
    MLFLOW_GIT_COMMIT,
)  # fmt: skip
# An absolute path or an address: all but its last part.
FOLDERS = re.compile(
    r"(?<![\w.])(?:[A-Za-z][\w+.-]*://[^\s,;'\"\[\]/]*/?|[A-Za-z]:[\\/]|~?[\\/])(?:[^\s,;'\"\[\]]*[\\/])?"
)

# A setting that is a path as a whole; then its folders' names may have spaces.
PATH = re.compile(r"(?:file:)?(?:[A-Za-z]:[\\/]|~?[\\/])")


def to_document(
    run: Run,
    histories: Mapping[str, Sequence[Metric]],
    trials: Sequence[Run] = (),
    command: str | None = None,
) -> dict[str, Any]:
    """What is published of a run.

    Args:
        run: of a store.
        histories: all values of the metrics that have several, by key.
        trials: of its search.
        command: that trains it again, without folders; None where none is known.
    """
    metrics = {key: _plain(value) for key, value in run.data.metrics.items()}
    document = {
        "format": FORMAT,
        "run_id": run.info.run_id,
        "status": run.info.status,
        "started": _date(run.info.start_time),
        "ended": _date(run.info.end_time),
        "tags": {
            key: without_folders(text)
            for key, text in run.data.tags.items()
            if key in TAGS or key.startswith(OTHER_SETS)
        },
        "params": {key: setting_without_folders(text) for key, text in run.data.params.items()},
        "metrics": metrics | {key: _values(points) for key, points in histories.items()},
    }
    if command:
        document["command"] = command
    if trials:
        document["trials"] = [to_document(trial, {}) for trial in trials]
    return document


def as_text(document: Mapping[str, Any]) -> str:
    """JSON with a line for each value of a section, and for each trial, so that changes show as lines."""
    lines = []
    for key, value in sorted(document.items()):
        if isinstance(value, dict):
            inner = [f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in sorted(value.items())]
            text = "{\n" + ",\n".join(inner) + "\n }"
        elif isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(each, sort_keys=True)}" for each in value) + "\n ]"
        else:
            text = json.dumps(value)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_document(path: Path) -> dict[str, Any]:
    """A published run's file.

    Raises:
        RunError: it cannot be read, or is of another format.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        form = document["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a published run ({type(error).__name__}: {error})") from None
    if form != FORMAT:
        raise RunError(
            f"{path}: expected a published run of format {FORMAT}, received {form}; use the version of this "
            "project that wrote it, or publish the run again"
        )
    return dict(document)


def to_run(document: Mapping[str, Any]) -> tuple[Run, dict[str, list[Metric]]]:
    """A run as MLflow would give it, and all values of its metrics by key.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the document is not a published run.
    """
    started, ended = (
        None if document[key] is None else round(datetime.fromisoformat(document[key]).timestamp() * 1000)
        for key in ("started", "ended")
    )
    histories = {
        key: [Metric(key, value, 0, step) for step, value in _points(values).items()]
        for key, values in document["metrics"].items()
    }
    info = RunInfo(document["run_id"], "", "", document["status"], started, ended, "active", "")
    data = RunData(
        [max(points, key=lambda point: point.step) for points in histories.values()],
        [Param(key, value) for key, value in document["params"].items()],
        [RunTag(key, value) for key, value in document["tags"].items()],
    )
    return Run(info, data), histories


def without_folders(text: str) -> str:
    """A text whose absolute paths and addresses are their last parts alone."""
    return FOLDERS.sub("", text)


def setting_without_folders(text: str) -> str:
    """The same of a setting's value."""
    return re.split(r"[\\/]", text)[-1] if PATH.match(text) else without_folders(text)


def _values(points: Sequence[Metric]) -> Any:
    """The newest values: a number at step 0, a list from step 0 on, or else by step."""
    in_time = sorted(points, key=lambda point: point.timestamp)
    newest = dict(sorted({point.step: _plain(point.value) for point in in_time}.items()))
    if [*newest] != [*range(len(newest))]:
        return {str(step): value for step, value in newest.items()}
    return newest[0] if len(newest) == 1 else [*newest.values()]


def _points(values: Any) -> dict[int, float]:
    """The values by step, see ``_values``."""
    if not isinstance(values, dict):
        values = dict(enumerate(values if isinstance(values, list) else [values]))
    return {int(step): math.nan if value is None else float(value) for step, value in values.items()}


def _plain(value: float) -> float | None:
    """JSON has no NaN, and infinity is the largest number, as in MLflow's databases."""
    return None if math.isnan(value) else max(-INFINITE, min(INFINITE, value))


def _date(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
