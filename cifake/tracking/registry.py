"""The registered model: its versions, and the one that is the champion."""

from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from cifake.core.errors import RunError
from cifake.tracking.descriptions import describe_version

NAME, ALIAS = "cifake", "champion"


def champion() -> ModelVersion | None:
    """The version that ``models:/cifake@champion`` means; None where there is none."""
    client = mlflow.MlflowClient()
    try:
        model = client.get_registered_model(NAME)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    number = model.aliases.get(ALIAS)
    return client.get_model_version(NAME, str(number)) if number else None


def register(run_id: str, about: Mapping[str, str], reason: str) -> ModelVersion:
    """A run's model as a new version, which becomes the champion.

    Args:
        run_id: of a finished run.
        about: the version's tags; see ``describe_version``.
        reason: why it is promoted.

    Raises:
        RunError: the run holds no model.
    """
    outputs = mlflow.get_run(run_id).outputs
    if not outputs or not outputs.model_outputs:
        raise RunError(f"run {run_id} holds no model that could be registered; train it anew")
    version = mlflow.register_model(f"models:/{outputs.model_outputs[0].model_id}", NAME, tags=dict(about))
    client = mlflow.MlflowClient()
    client.update_model_version(NAME, version.version, describe_version(about, reason))
    client.set_registered_model_alias(NAME, ALIAS, version.version)
    return version
