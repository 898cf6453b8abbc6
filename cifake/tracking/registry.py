"""The registered model: its versions, and which of them is the champion."""

import contextlib
from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from cifake.core.errors import RunError
from cifake.tracking.descriptions import describe_version

NAME, ALIAS = "cifake", "champion"


def champion(client: mlflow.MlflowClient | None = None) -> ModelVersion | None:
    """The version that ``models:/cifake@champion`` means in a store; None where there is none."""
    client = client or mlflow.MlflowClient()
    try:
        model = client.get_registered_model(NAME)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    number = model.aliases.get(ALIAS)
    return client.get_model_version(NAME, str(number)) if number else None


def expect_registrable(client: mlflow.MlflowClient) -> None:
    """Write to the registered model what it holds already: a user who may not change it is told at once.

    Raises:
        MlflowException: it cannot be written.
    """
    with contextlib.suppress(MlflowException):  # it exists, or else the next call says what is wrong
        client.create_registered_model(NAME)
    client.update_registered_model(NAME, client.get_registered_model(NAME).description or "")


def register(client: mlflow.MlflowClient, run_id: str, tags: Mapping[str, str], reason: str) -> ModelVersion:
    """Register a run's model as a new version, which becomes the champion; see ``expect_registrable``.

    Raises:
        RunError: the run holds no model.
    """
    outputs = client.get_run(run_id).outputs
    if not outputs or not outputs.model_outputs:
        raise RunError(f"run {run_id} holds no model that could be registered; train it again")
    model = client.get_logged_model(outputs.model_outputs[0].model_id)
    # Its address, and not models:/<id>, which MLflow would look up in the present store.
    version = client.create_model_version(
        NAME,
        model.artifact_location,
        run_id,
        tags=dict(tags),
        description=describe_version(tags, reason),
        model_id=model.model_id,
    )
    client.set_registered_model_alias(NAME, ALIAS, version.version)
    return version
