"""What MLflow shows of an experiment: a description, and a view of its runs that compares variants.

A saved view is a tag of the experiment. Its form is MLflow's own and not documented: the test of this module
opens it in a browser. Print where it is: python -m cifake.tracking.ui.
"""

import base64
import json
import logging
import sys
import time
import zlib
from collections.abc import Iterable
from typing import Any

from mlflow.entities import Run

from cifake.contract import CONFIG_HASH_TAG, NOTE_TAG, VARIANT_TAG, setting_text
from cifake.core.addresses import is_served, pages_address
from cifake.core.errors import RunError, exit_code
from cifake.tracking.queries import named_experiment
from cifake.tracking.retry import client, first_requests, without_retries
from cifake.tracking.store import store_address, store_lock

logger = logging.getLogger(__name__)
VIEW = "variants"  # the saved view's key, and its name
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
COMPRESSED = "deflate;"  # what precedes the compressed state of a view
RUNS_READ = 200  # the newest; which settings and data differ is read from them
RANKED_BY = "metrics.`test/f1`"
RESULTS = (
    RANKED_BY, "metrics.`test/accuracy`", "metrics.`test/roc_auc`", "metrics.`cost/train_seconds`",
)  # fmt: skip
# Beginnings of params that are not a column; runs on several data sets, or splits, are grouped by them.
NO_SETTINGS = ("seed", "variant", "search.", "tuner.", "dataset", "resize", "split")
DATA_KEYS = ("dataset", "split")  # tags
# Runs that are not tools or trials, nor of other projects.
VARIANTS = f"tags.{VARIANT_TAG} != '' AND tags.{CONFIG_HASH_TAG} != ''"
CURVES = ("loss", "accuracy", "precision", "recall")  # of training and validation
SECTIONS = ("training and validation", "test", "robust", "cost")  # of charts; others follow

EXPERIMENT_NOTE = """\
**Photographs or generated images?** [Runs by variant, best first]({runs}) · tested: `python compare.py`

Each run trains a variant, a file in `experiments/`, with one seed on CIFAKE, or on the data that its name \
begins with (`demo: base`). The runs of a variant share a \
colour; the view in the link groups them and shows their means, its charts begin with training and \
validation. Suites, predictions and reports (tag `tool`) and the trials of searches are not in it.

One seed proves little. `mlflow run . -P variants=base,sgd -P seeds=5` trains what is missing of five; its \
run holds the ranking with intervals and paired tests.
"""


def prepare_experiment(experiment_id: str) -> None:
    """Describe an experiment and save the view of its variants, but change nothing of a user's.

    Nothing depends on it, so a store that refuses or does not answer gets a warning.
    """
    try:
        with without_retries():
            _prepare(experiment_id)
    except RunError as error:
        logger.warning("the view of the variants was not saved: %s", error)


def _prepare(experiment_id: str) -> None:
    tags = client.get_experiment(experiment_id).tags
    if NOTE_TAG not in tags:
        note = EXPERIMENT_NOTE.format(runs=_view_path(experiment_id))
        client.set_experiment_tag(experiment_id, NOTE_TAG, note)
    runs = client.search_runs([experiment_id], VARIANTS, max_results=RUNS_READ)
    several = [tag for tag in DATA_KEYS if len({run.data.tags.get(tag) for run in runs}) > 1]
    state = _state(_settings_that_differ(runs), [VARIANT_TAG, *several])
    if VIEW_TAG not in tags or _is_outdated(tags[VIEW_TAG], state):
        client.set_experiment_tag(experiment_id, VIEW_TAG, _saved_view(state))


def describe_address(experiment_id: str) -> str:
    """A line for the end of a command: where a browser shows the runs of all variants."""
    store = store_address()
    when = "" if is_served(store) else ", after `make ui`"
    return f"all runs{when}: {pages_address(store)}/{_view_path(experiment_id)}"


def _view_path(experiment_id: str) -> str:
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW}&workflowType=machine_learning"


def charts_path(experiment_id: str) -> str:
    """The charts of the view: training and validation first. A run's own page sorts its charts by name."""
    return f"{_view_path(experiment_id)}&compareRunsMode=CHART"


def _settings_that_differ(runs: Iterable[Run]) -> list[str]:
    """Params, by name, that have several values; one that is missing is a value."""
    params = [{key: setting_text(value) for key, value in run.data.params.items()} for run in runs]
    names = {name for of_run in params for name in of_run if not name.startswith(NO_SETTINGS)}
    return sorted(name for name in names if len({of_run.get(name) for of_run in params}) > 1)


def _state(settings: list[str], groups: list[str]) -> dict[str, Any]:
    """What MLflow's page of runs is to show, in its own names; runs are grouped by some tags."""
    params = [f"params.`{name}`" for name in ("seed", *settings)]
    columns = [*RESULTS, *params, *(f"tags.`{tag}`" for tag in groups)]
    return {
        "searchFilter": VARIANTS,
        "orderByKey": RANKED_BY,
        "orderByAsc": False,
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": tag} for tag in groups],
        },
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": {"params.`seed`": 60, **dict.fromkeys([*RESULTS, *params[1:]], 100)},
        "useGroupedValuesInCharts": False,  # lines of runs have the variants' colours, means would not
        "runsHiddenMode": "FIRST_20_RUNS",
        "isAccordionReordered": True,  # sections stay in this order
        "compareRunSections": [
            {"uuid": name, "name": name, "display": True, "isReordered": False} for name in SECTIONS
        ],
        "compareRunCharts": [_chart(f"train/{name}", f"val/{name}") for name in CURVES],
    }


def _chart(*keys: str) -> dict[str, Any]:
    """Lines of metrics by epoch; MLflow itself adds a chart for each metric that is in none."""
    return {
        "type": "LINE",
        "uuid": keys[0],
        "metricSectionId": SECTIONS[0],
        "metricKey": keys[0],
        "selectedMetricKeys": keys,
        "isGenerated": False,
        "deleted": False,
    }


def _saved_view(state: dict[str, Any]) -> str:
    now = int(time.time() * 1000)
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    view = {"name": VIEW, "createdAt": now, "updatedAt": now, "state": COMPRESSED + packed}
    return json.dumps(view)


def _is_outdated(tag: str, state: dict[str, Any]) -> bool:
    """Whether a saved view is this module's, but with other contents; a user's change has a later time."""
    try:
        view = json.loads(tag)
        packed = base64.b64decode(view["state"].removeprefix(COMPRESSED))
        is_own = view["createdAt"] == view["updatedAt"]
        return bool(is_own and json.loads(zlib.decompress(packed)) != json.loads(json.dumps(state)))
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
        return False  # in another form: a user's


def main() -> None:
    """Print where the runs are, for `make ui`."""
    with store_lock(), first_requests():
        experiment = named_experiment()
    if experiment:
        prepare_experiment(experiment.experiment_id)
        print(describe_address(experiment.experiment_id))


if __name__ == "__main__":
    sys.exit(exit_code(main))
