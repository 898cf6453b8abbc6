"""The registered model: its versions, and which of them is the champion."""

from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from cifake.core.errors import RunError

NAME, ALIAS = "cifake", "champion"
CARD = "model_card.md"  # an artifact of the run
CARD_TAG = "model_card"
LONGEST = 5000  # characters of a version's description, in MLflow's databases


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
    try:
        client.create_registered_model(NAME)
    except MlflowException as error:
        try:
            present = client.get_registered_model(NAME)
        except MlflowException:
            raise error from None  # why there is none
        client.update_registered_model(NAME, present.description or "")


def register(client: mlflow.MlflowClient, run_id: str, tags: Mapping[str, str], card: str) -> ModelVersion:
    """Register a run's model as a new version, which becomes the champion; see ``expect_registrable``.

    Its card is the artifact ``model_card.md`` of the run and the version's description, as far as it fits.

    Raises:
        RunError: the run holds no model.
    """
    outputs = client.get_run(run_id).outputs
    if not outputs or not outputs.model_outputs:
        raise RunError(f"run {run_id} holds no model that could be registered; train it again")
    model = client.get_logged_model(outputs.model_outputs[0].model_id)
    client.log_text(run_id, card, CARD)
    # Its address, and not models:/<id>, which MLflow would look up in the present store.
    version = client.create_model_version(
        NAME,
        model.artifact_location,
        run_id,
        tags={**tags, CARD_TAG: f"runs:/{run_id}/{CARD}"},
        description=_shortened(card),
        model_id=model.model_id,
    )
    client.set_registered_model_alias(NAME, ALIAS, version.version)
    return version


def _shortened(card: str) -> str:
    """The card's first sections, as many as a description takes."""
    more = f"\n\nThe rest is in {CARD}, an artifact of the run.\n"
    if len(card) <= LONGEST:
        return card
    return card[: card.rindex("\n\n## ", 0, LONGEST - len(more))] + more
