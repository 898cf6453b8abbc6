"""Find a trained model by the name that users give it: a run, a variant, a registered name or a file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from cifake.contract import CONFIG_HASH_TAG, DATA_TAGS, IMAGE_SIDE, VARIANT_TAG
from cifake.core.errors import DataError, RunError
from cifake.data import Dataset
from cifake.data import load as load_data
from cifake.tracking.queries import FINISHED, search_runs
from cifake.tracking.retry import client, retry_while_unavailable, without_retries
from cifake.tracking.store import store_address

if TYPE_CHECKING:
    import keras

FORMS = "a run id, a variant, models:/<name>@<alias>, models:/<name>/<version> or a .keras or .h5 file"
FILES = (".keras", ".h5")
REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")
SHAPES = ((None, IMAGE_SIDE, IMAGE_SIDE, 3), (None, 1))


@dataclass(frozen=True)
class ResolvedModel:
    """A trained model that exists but is not loaded yet.

    Attributes:
        name: for messages: ``base seed 0 (run 1f0c…)``, or the file.
        address: the URI that MLflow loads, or the file's path.
        run: the run that trained it; None for a file.
    """

    name: str
    address: str
    run: Run | None

    def load(self) -> "keras.Model":
        """The model: uint8 [n, 32, 32, 3] to float32 [n, 1], the probability of FAKE.

        Raises:
            RunError: it cannot be read, or its input or output is different.
        """
        import keras

        try:
            if self.run:
                import mlflow.keras

                model = retry_while_unavailable(mlflow.keras.load_model)(self.address)
            else:
                model = keras.saving.load_model(self.address, compile=False)
        except (MlflowException, OSError, ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise RunError(f"the model of {self.name} cannot be loaded ({reason})") from None
        if (model.input_shape, model.output_shape) != SHAPES:
            raise RunError(
                f"{self.name}: expected a model from pixels {SHAPES[0]} to a probability of FAKE "
                f"{SHAPES[1]}, received one from {model.input_shape} to {model.output_shape}"
            )
        return model

    def load_data(self) -> Dataset:
        """The data that the model's run was trained and tested on; for a file, the whole data set.

        Raises:
            DataError: the data found here is different.
        """
        if not self.run:
            return load_data()
        tags = self.run.data.tags
        data = load_data(tags["dataset"], tags["split"])
        if data.digest != tags["dataset_digest"]:
            raise DataError(
                f"{self.name}: expected the data that it was tested on, {tags['dataset_digest']}, found "
                f"{data.digest}; set CIFAKE_DATA to the data of that run"
            )
        return data


def find_model(reference: str) -> ResolvedModel:
    """Look a model up; a variant means its newest finished run.

    Args:
        reference: one of FORMS.

    Raises:
        RunError: there is no such model, or the store does not answer.
    """
    if Path(reference).suffix in FILES:
        if not Path(reference).is_file():
            raise RunError(f"there is no model file {reference}; expected {FORMS}")
        return ResolvedModel(reference, reference, None)
    try:
        with without_retries():
            run = _registered_run(reference) if reference.startswith("models:/") else _tracked_run(reference)
    except MlflowException as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"no model '{reference}' in {store_address()} ({reason})") from None
    return model_of(run)


def model_of(run: Run) -> ResolvedModel:
    """The model that a run trained.

    Raises:
        RunError: it is no finished run of a variant.
    """
    if run.info.status != "FINISHED" or VARIANT_TAG not in run.data.tags:
        raise RunError(
            f"run {run.info.run_id} holds no trained model: expected a finished run of a variant, received "
            f"one with status {run.info.status}"
        )
    name = f"{run.data.tags[VARIANT_TAG]} seed {run.data.params['seed']} (run {run.info.run_id})"
    return ResolvedModel(name, f"runs:/{run.info.run_id}/model", run)


def models_of_variant(variant: str) -> list[ResolvedModel]:
    """The models of all finished runs of a variant; of runs with the same settings, seed and data the newest.

    Raises:
        RunError: there is none.
    """
    newest: dict[tuple[str | None, ...], Run] = {}
    for run in search_runs(f"tags.{VARIANT_TAG} = '{variant}'", FINISHED):
        tags = run.data.tags
        key = (*(tags.get(name) for name in (CONFIG_HASH_TAG, *DATA_TAGS)), run.data.params.get("seed"))
        newest.setdefault(key, run)
    if not newest:
        raise RunError(f"no finished run of a variant '{variant}' in {store_address()}")
    return [model_of(run) for run in newest.values()]


def _registered_run(reference: str) -> Run:
    parts = REGISTERED.fullmatch(reference)
    if not parts:
        raise RunError(f"expected {FORMS}, received '{reference}'")
    if alias := parts["alias"]:
        version = client.get_model_version_by_alias(parts["name"], alias)
    else:
        version = client.get_model_version(parts["name"], parts["version"])
    return client.get_run(version.run_id)


def _tracked_run(reference: str) -> Run:
    if re.fullmatch(r"[0-9a-f]{32}", reference):
        return client.get_run(reference)
    runs = search_runs(f"tags.{VARIANT_TAG} = '{reference}'", FINISHED)
    if not runs:
        raise RunError(f"no finished run of a variant '{reference}' in {store_address()}; expected {FORMS}")
    return runs[0]
