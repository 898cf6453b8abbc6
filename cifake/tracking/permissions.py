"""Ask the store, before the work begins, whether it takes the results."""

import contextlib
from collections.abc import Iterator
from typing import Any

import mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from cifake.contract import NAME_TAG
from cifake.core.addresses import without_password
from cifake.core.errors import RunError, Unavailable
from cifake.core.reasons import reason
from cifake.tracking.retry import client

PROBE = ".write_test"  # an artifact that is removed at once, where this user may remove artifacts


def expect_writable(run_id: str, store: Any = client) -> None:
    """Write to a run, and to the place of its artifacts, which may be another store with other permissions.

    Raises:
        RunError: the run or its artifacts cannot be written.
    """
    run = store.get_run(run_id)
    store.set_tag(run_id, NAME_TAG, run.info.run_name)
    with artifact_errors(run.info.artifact_uri):
        store.log_text(run_id, "", PROBE)
    with contextlib.suppress(Exception):
        address = mlflow.get_tracking_uri() if store is client else store.tracking_uri
        get_artifact_repository(run.info.artifact_uri, address).delete_artifacts(PROBE)


@contextlib.contextmanager
def artifact_errors(address: str) -> Iterator[None]:
    """Name the place of artifacts that cannot be written.

    Raises:
        RunError: in place of anything else.
    """
    try:
        yield
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001, each storage's library has exceptions of its own
        raise RunError(
            f"artifacts cannot be written to {without_password(address)}, where this experiment keeps them "
            f"({reason(error)}); mend that, or name a new experiment with MLFLOW_EXPERIMENT_NAME"
        ) from None
