"""Find a trained model by the name that users give it: a run, a variant, a registered name or a file."""

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from cifake.contract import CIFAKE, CONFIG_HASH_TAG, DATA_TAGS, VARIANT_TAG
from cifake.core.errors import CifakeError, DataError, RunError
from cifake.core.reasons import reason
from cifake.data import Part, load_test_part
from cifake.data import load as load_data
from cifake.tracking.descriptions import data_mark
from cifake.tracking.identity import libraries
from cifake.tracking.model_form import OURS, ModelForm
from cifake.tracking.queries import FINISHED, search_runs, tagged
from cifake.tracking.retry import client, first_requests, retry_while_unavailable
from cifake.tracking.store import store_address

if TYPE_CHECKING:
    import keras

FORMS = "a run id, a variant, models:/<name>@<alias>, models:/<name>/<version> or a .keras or .h5 file"
FILES = (".keras", ".h5", ".hdf5")
REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class ResolvedModel:
    """A trained model that exists but is not loaded yet.

    Attributes:
        name: for messages: ``base seed 0 (run 1f0c…)``, on other data than CIFAKE with its name, or the file.
        address: the URI that MLflow loads, or the file's path; a registered version need not be its run's
            artifact ``model``.
        run: the run that trained it; None for a file.
        form: what a model of another project takes and gives.
    """

    name: str
    address: str
    run: Run | None
    form: ModelForm = OURS

    @property
    def identity(self) -> str:
        """Changes with whatever decides its scores."""
        content = self.address if self.run else sha256(Path(self.address).read_bytes()).hexdigest()
        return " ".join(filter(None, (content, self.form.scale, self.form.positive)))

    @property
    def title(self) -> str:
        """Its name without the run's id, for figures."""
        return self.name.partition(" (run ")[0]

    def load(self) -> "keras.Model":
        """The model: uint8 [n, 32, 32, 3] to float32 [n, 1], the probability of FAKE.

        Raises:
            RunError: it cannot be read, or its input or output is different.
        """
        from cifake.models.foreign import check_shapes, convert, is_ours

        model = self._read()
        try:
            check_shapes(model)
            if not is_ours(model):
                return convert(model, *self.form.complete())
            if self.form.scale or self.form.positive:
                raise RunError("a model of this project needs no scale and no positive; leave them out")
        except RunError as error:
            raise RunError(f"{self.name}: {error}") from None
        return model

    def _read(self) -> "keras.Model":
        import keras

        from cifake.models.keras_configuration import configure_keras

        configure_keras()
        try:
            if self.run:
                import mlflow.keras

                return retry_while_unavailable(mlflow.keras.load_model)(self.address)
            return keras.saving.load_model(self.address, compile=False)
        except CifakeError:
            raise
        except Exception as error:  # noqa: BLE001, Keras raises nearly anything about files that it cannot read
            # MLflow looks the flavour up without asking whether it is there.
            why = "mlflow.keras has not logged it" if repr(error) == "KeyError('keras')" else reason(error)
            raise RunError(f"the model of {self.name} cannot be loaded ({why})") from None

    def load_test_part(self) -> Part:
        """The images that the model's run was tested on; for a file, those of the data set found here.

        Raises:
            DataError: the data found here is different, or the run does not say which it was.
        """
        if not self.run:
            return load_data().test
        tags = self.run.data.tags
        if not tags.keys() >= set(DATA_TAGS):
            raise DataError(
                f"{self.name}: a run of another project, which does not say what it was tested on"
            )
        resize = self.run.data.params.get("resize", "refuse")  # as all did before there was one
        try:
            return load_test_part(tags["dataset"], tags["split"], tags["dataset_digest"], resize)
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from None


def find_model(reference: str, form: ModelForm = OURS) -> ResolvedModel:
    """Look a model up; a variant means its newest finished run.

    Args:
        reference: one of FORMS.
        form: what it takes and gives, where it is of another project.

    Raises:
        RunError: there is no such model, or the store does not answer.
        ConfigError: Keras' backend is not installed.
    """
    libraries()  # a missing one is told before Keras is imported
    if Path(reference).suffix.lower() in FILES:
        if not Path(reference).is_file():
            raise RunError(f"there is no model file {reference}; expected {FORMS}")
        return ResolvedModel(reference, reference, None, form)
    with first_requests():
        if not reference.startswith("models:/"):
            return replace(model_of(_tracked_run(reference)), form=form)
        version = _registered_version(reference)
        if not version.run_id:
            raise RunError(f"expected a model that a run has logged, {reference} names none; give its file")
        run = client.get_run(version.run_id)
    return replace(model_of(run), form=form, address=f"models:/{version.name}/{version.version}")


def model_of(run: Run) -> ResolvedModel:
    """The model that a run trained.

    Raises:
        RunError: it is not a finished run of a variant.
    """
    if run.info.status != "FINISHED" or VARIANT_TAG not in run.data.tags:
        without = "" if VARIANT_TAG in run.data.tags else f" and has no tag {VARIANT_TAG}"
        raise RunError(
            f"run {run.info.run_id} holds no trained model: expected a finished run of a variant, received "
            f"one that is {run.info.status}{without}"
        )
    seed = f" seed {run.data.params['seed']}" if "seed" in run.data.params else ""  # not of other projects
    mark = data_mark(run.data.tags.get("dataset", CIFAKE))
    name = f"{mark}{run.data.tags[VARIANT_TAG]}{seed} (run {run.info.run_id})"
    return ResolvedModel(name, f"runs:/{run.info.run_id}/model", run)


def models_of_variant(variant: str) -> list[ResolvedModel]:
    """The models of all finished runs of a variant; of runs with the same settings, seed and data the newest.

    Raises:
        RunError: there is none.
        ConfigError: Keras' backend is not installed.
    """
    libraries()
    newest: dict[tuple[str | None, ...], Run] = {}
    with first_requests():
        runs = search_runs(tagged(VARIANT_TAG, variant), FINISHED)
    for run in runs:
        tags = run.data.tags
        key = (*(tags.get(name) for name in (CONFIG_HASH_TAG, *DATA_TAGS)), run.data.params.get("seed"))
        newest.setdefault(key, run)
    if not newest:
        raise RunError(f"no finished run of a variant '{variant}' in {store_address()}")
    return [model_of(run) for run in newest.values()]


def _registered_version(reference: str) -> ModelVersion:
    parts = REGISTERED.fullmatch(reference)
    if not parts:
        raise RunError(f"expected {FORMS}, received '{reference}'")
    version: ModelVersion = (
        client.get_model_version_by_alias(parts["name"], parts["alias"])
        if parts["alias"]
        else client.get_model_version(parts["name"], parts["version"])
    )
    return version


def _tracked_run(reference: str) -> Run:
    if re.fullmatch(r"[0-9a-f]{32}", reference):
        return client.get_run(reference)
    runs = search_runs(tagged(VARIANT_TAG, reference), f"tags.{CONFIG_HASH_TAG} != ''", FINISHED)
    if not runs:
        saved = "; Keras 3 reads no folders of SavedModel" if Path(reference).is_dir() else ""
        raise RunError(
            f"no finished run of a variant '{reference}' in {store_address()}; expected {FORMS}{saved}"
        )
    return runs[0]
