"""Log metrics, tags and params of a run in requests that may be repeated."""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.time import get_current_time_millis

from cifake.tracking.retry import client

PARAMS_PER_REQUEST = 100


def log_values(
    run_id: str, metrics: Mapping[str, float] | None = None, tags: Mapping[str, object] | None = None
) -> None:
    """Log at most 1,000 metrics and 100 tags as one request, also to a finished run.

    Repeating the request adds nothing, since the metrics have a timestamp.
    """
    now = get_current_time_millis()
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now, 0) for key, value in (metrics or {}).items()],
        tags=[RunTag(name, str(value)) for name, value in (tags or {}).items()],
    )


def log_new_params(run_id: str, params: Mapping[str, Any]) -> None:
    """Log the params that the run does not hold yet; MLflow refuses to change one."""
    present = client.get_run(run_id).data.params
    new = [Param(key, str(value)) for key, value in params.items() if key not in present]
    for start in range(0, len(new), PARAMS_PER_REQUEST):
        client.log_batch(run_id, params=new[start : start + PARAMS_PER_REQUEST])
