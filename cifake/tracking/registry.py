"""The registered model: its versions, and the one that is the champion."""

from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from cifake.errors import RunError

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


def register(run_id: str, about: Mapping[str, str]) -> ModelVersion:
    """A run's model as a new version, which becomes the champion.

    Args:
        run_id: of a finished run.
        about: the version's tags.

    Raises:
        RunError: the run holds no model.
    """
    try:
        version = mlflow.register_model(f"runs:/{run_id}/model", NAME, tags=dict(about))
    except MlflowException as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"the model of run {run_id} cannot be registered ({reason})") from None
    mlflow.MlflowClient().set_registered_model_alias(NAME, ALIAS, version.version)
    return version
