"""Searches on the demo set: their trials, their state, and what they leave in MLflow."""

import contextlib
import dataclasses
import json
from itertools import pairwise

import keras_tuner
import pytest
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cifake.config import load as load_settings
from cifake.core.errors import RunError
from cifake.data import load
from cifake.search.figure import search_figure
from cifake.search.run_search import at_trial, best_trial, search
from cifake.search.space import hyperparameters, make_oracle, repair
from cifake.search.trial import Trial
from tests.support.project import EXPERIMENTS

QUICK = {
    "model.filters": [2], "model.dense": [2], "steps_per_epoch": 2, "validation_steps": 1, "epochs": 2,
    "dataset": "demo", "split": "small",
}  # fmt: skip
RANDOM = {"kind": "RandomSearch", "objective": "val/accuracy", "epochs": 1, "max_trials": 4}
SPACE = {
    "model.dense": {"type": "int", "min": 2, "max": 40, "layers": [1, 2]},
    "learning_rate": {"type": "float", "min": 1e-4, "max": 1e-2, "sampling": "log"},
}


@pytest.fixture(scope="module")
def data():
    return load("demo", "small")


@pytest.fixture
def variant(tmp_path):
    """Write a variant with a search and return its path."""

    def write(tuner=RANDOM, space=SPACE):
        path = tmp_path / "searching.yaml"
        values = {"extends": str(EXPERIMENTS / "base.yaml"), "tuner": tuner, "search": space}
        path.write_text(yaml.safe_dump(values))
        return path

    return write


class Record:
    """Stands where tracking stands: keeps what a search reports of its trials."""

    def __init__(self):
        self.trials = []

    @contextlib.contextmanager
    def __call__(self, number, values, settings):
        epochs = []
        self.trials.append((number, values, settings, epochs))
        yield lambda epoch, metrics: epochs.append((epoch, metrics))


def run(path, data, folder, **overrides):
    settings = load_settings(path, {**QUICK, **overrides})
    record = Record()
    return search(settings, settings.tuner, data, folder / "state", record), record, settings


def test_a_space_with_layers_has_values_for_those_there_are(tmp_path):
    space = load_settings(EXPERIMENTS / "tuned.yaml").search
    hp = hyperparameters(space)
    assert len(hp.space) == 2 + 3 * 3 + 3 * 3 + 2
    objective = keras_tuner.Objective("val/loss", "min")
    oracle = keras_tuner.oracles.RandomSearchOracle(objective, hyperparameters=hp, max_trials=30, seed=1)
    oracle.verbose = 0
    oracle._set_project_dir(str(tmp_path), "state")
    for _ in range(30):
        values = oracle.create_trial("here").hyperparameters.values
        oracle.ongoing_trials.clear()
        for group in ("model.filters", "model.kernel_size", "model.activation"):
            found = [name for name in values if name.startswith(f"{group}.") and name[-1] != "s"]
            assert found == [f"{group}.{layer}" for layer in range(values["model.filters.layers"])]
        assert 1e-4 <= values["learning_rate"] <= 1e-2


def test_every_trial_is_run_once_and_the_best_one_found(variant, data, tmp_path):
    trials, record, settings = run(variant(), data, tmp_path)
    assert [trial.number for trial in trials] == [1, 2, 3, 4]
    assert [number for number, *_ in record.trials] == [1, 2, 3, 4]
    for trial, (_, values, chosen, epochs) in zip(trials, record.trials, strict=True):
        assert trial.values == values
        assert chosen.search is chosen.tuner is None
        assert len(chosen.model.dense) == values["model.dense.layers"]
        assert chosen.model.dense[0] == values["model.dense.0"]
        assert chosen.learning_rate == values["learning_rate"]
        assert [epoch for epoch, _ in epochs] == [0]
        assert trial.score == pytest.approx(epochs[0][1]["val/accuracy"])
    assert len({str(trial.values) for trial in trials}) == 4
    best = best_trial(trials, settings.tuner)
    assert best.score == max(trial.score for trial in trials)
    assert at_trial(settings, best).epochs == 2  # the variant's, not a trial's
    again, record, _ = run(variant(), data, tmp_path)
    assert (again, record.trials) == (trials, [])


def test_the_seed_decides_what_is_tried_and_no_test_image_does(variant, data, tmp_path):
    """With a test part that cannot be read, the search ends as always."""
    blind = dataclasses.replace(data, test=dataclasses.replace(data.test, images=data.test.images[:0]))
    one = {**RANDOM, "max_trials": 1}
    first, second, other = (
        run(variant({**one, "seed": seed}), given, tmp_path / str(number))[0]
        for number, (seed, given) in enumerate(((0, data), (0, blind), (1, data)))
    )
    assert first == second
    assert first != other


def test_a_search_may_take_fewer_training_images(variant, data, tmp_path):
    path = variant({**RANDOM, "max_trials": 1, "images": 40})
    _, record, _ = run(path, data, tmp_path, steps_per_epoch=None, batch_size=40)
    _, _, _, ((_, metrics),) = record.trials[0]
    assert metrics["train/accuracy"] * 40 == pytest.approx(round(metrics["train/accuracy"] * 40), abs=1e-4)


def test_hyperband_trains_the_best_on(variant, data, tmp_path):
    tuner = {"kind": "Hyperband", "objective": "val/loss", "epochs": 3, "factor": 3}
    trials, record, settings = run(variant(tuner), data, tmp_path)
    # The first bracket: 3 trials of 1 epoch, the best of them on to 3. The second: 2 trials of 3.
    assert [[epoch for epoch, _ in epochs] for *_, epochs in record.trials] == [
        [0], [0], [0], [1, 2], [0, 1, 2], [0, 1, 2]
    ]  # fmt: skip
    best = best_trial(trials[:3], settings.tuner)
    assert best.score == min(trial.score for trial in trials[:3])
    assert trials[3].values == best.values
    # It goes on with the weights that the first round left, so it starts better than a new model.
    assert record.trials[3][3][0][1]["train/loss"] < record.trials[best.number - 1][3][0][1]["train/loss"]


def test_hyperband_without_the_weights_of_a_trial_says_what_is_missing(variant, data, tmp_path):
    class Forgetful(Record):
        @contextlib.contextmanager
        def __call__(self, number, values, settings):
            for file in tmp_path.rglob("model.weights.h5"):
                file.unlink()
            with super().__call__(number, values, settings) as on_epoch_end:
                yield on_epoch_end

    tuner = {"kind": "Hyperband", "objective": "val/loss", "epochs": 3, "max_trials": 4}
    settings = load_settings(variant(tuner), QUICK)
    trials = search(settings, settings.tuner, data, tmp_path / "state", Forgetful())
    assert "processes that share a search must share CIFAKE_CACHE" in trials[3].reason


def test_a_failed_trial_is_recorded_and_the_search_goes_on(variant, data, tmp_path):
    rates = {"learning_rate": {"type": "choice", "values": [0.01, 1e30]}}
    trials, _, settings = run(variant(RANDOM, rates), data, tmp_path, optimizer="sgd", steps_per_epoch=20)
    assert sorted(trial.score is None for trial in trials) == [False, True]
    (failed,) = (trial for trial in trials if trial.score is None)
    assert failed.values == {"learning_rate": 1e30}
    assert "expected a finite training loss" in failed.reason
    assert best_trial(trials, settings.tuner).values == {"learning_rate": 0.01}


def test_a_search_of_failures_ends_in_one_line(variant, data, tmp_path):
    rates = {"learning_rate": {"type": "choice", "values": [1e29, 1e30]}}
    with pytest.raises(RunError, match=r"all 2 trials failed; the first: .*expected a finite training loss"):
        run(variant(RANDOM, rates), data, tmp_path, optimizer="sgd", steps_per_epoch=20)


@pytest.mark.parametrize("kind", ["Hyperband", "RandomSearch", "BayesianOptimization"])
def test_every_kind_of_tuner_comes_to_its_end(variant, tmp_path, kind):
    """14 trials, enough for a Gaussian process to be fitted; state is written and read back on the way."""
    settings = load_settings(variant({**RANDOM, "kind": kind, "epochs": 9, "max_trials": 14}), QUICK)
    started = set()
    for _ in range(4):
        oracle = make_oracle(settings.tuner, settings.search)
        oracle.verbose = 0
        oracle._set_project_dir(str(tmp_path), "state")
        if started:
            oracle.reload()
            repair(oracle)
        for _ in range(5):
            trial = oracle.create_trial("here")
            if trial.status == "STOPPED":
                break
            started.add(trial.trial_id)
            oracle.update_trial(trial.trial_id, {"val/accuracy": trial.hyperparameters["learning_rate"]})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            oracle.save()
    assert trial.status == "STOPPED"
    assert len(started) == 14
    assert type(oracle).__name__.endswith(kind)


def oracle_of_three(variant, folder):
    """An oracle that was killed while its third trial ran."""
    settings = load_settings(variant(), QUICK)
    oracle = make_oracle(settings.tuner, settings.search)
    oracle.verbose = 0
    oracle._set_project_dir(str(folder), "state")
    for _ in range(2):
        trial = oracle.create_trial("here")
        oracle.update_trial(trial.trial_id, {"val/accuracy": 0.5})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    oracle.create_trial("here")
    return settings, oracle


@pytest.mark.parametrize("stale", [False, True])
def test_only_what_had_not_ended_is_run_again(variant, tmp_path, stale):
    settings, oracle = oracle_of_three(variant, tmp_path)
    if stale:  # killed after a trial had ended and before that was noted everywhere
        oracle.ongoing_trials["there"] = oracle.trials["1"]
        oracle.save()
    again = make_oracle(settings.tuner, settings.search)
    again._set_project_dir(str(tmp_path), "state")
    again.reload()
    repair(again)
    assert again._retry_queue == ["2"]
    assert [trial.status for trial in again.trials.values()].count("COMPLETED") == 2


def test_a_trial_of_which_the_oracle_knows_nothing_is_begun_anew(variant, tmp_path):
    settings, oracle = oracle_of_three(variant, tmp_path)
    before = oracle.trials["2"].hyperparameters.values
    state = tmp_path / "state" / "oracle.json"
    noted = json.loads(state.read_text())
    noted["ongoing_trials"], noted["start_order"] = {}, ["0", "1"]
    noted["seed_state"] -= len(before)
    noted["tried_so_far"].remove(noted["id_to_hash"].pop("2"))
    state.write_text(json.dumps(noted))
    again = make_oracle(settings.tuner, settings.search)
    again.verbose = 0
    again._set_project_dir(str(tmp_path), "state")
    again.reload()
    repair(again)
    trial = again.create_trial("here")
    assert (trial.trial_id, trial.hyperparameters.values) == ("2", before)


def test_a_trial_that_kills_its_process_again_and_again_is_given_up(variant, data, tmp_path):
    (tmp_path / "state" / "trial_1").mkdir(parents=True)
    (tmp_path / "state" / "trial_1" / "starts").write_bytes(bytes(3))
    trials, _, _ = run(variant({**RANDOM, "max_trials": 3}), data, tmp_path)
    assert [trial.score is None for trial in trials] == [False, True, False]
    assert trials[1].reason.endswith("its process was killed 3 times, perhaps for lack of memory")
    assert not list(tmp_path.rglob("starts"))[1:]


def test_the_figure_has_a_panel_for_each_setting_that_varied(variant):
    space = {**SPACE, "optimizer": {"type": "choice", "values": ["sgd", "adam"]}}
    settings = load_settings(variant(space=space))
    trials = [
        Trial(1, {"learning_rate": 1e-4, "optimizer": "adam", "model.dense.0": 8}, 0.8),
        Trial(2, {"learning_rate": 1e-2, "optimizer": "sgd", "model.dense.0": 8}, 0.6),
        Trial(3, {"learning_rate": 1e-3, "optimizer": "sgd", "model.dense.0": 9}, None, "RunError: no"),
        Trial(4, {"learning_rate": 1e-3, "optimizer": "sgd", "model.dense.0": 8, "model.dense.1": 3}, 0.9),
    ]
    figure = search_figure(trials, trials[3], settings.tuner, settings, "tuned")
    panels = {axes.get_xlabel(): axes for axes in figure.axes if axes.axison}
    assert list(panels) == ["trial", "learning_rate", "model.dense", "optimizer"]
    assert [axes.get_xscale() for axes in panels.values()] == ["linear", "log", "linear", "linear"]
    scores, best, failed, at_best = panels["trial"].lines
    assert list(scores.get_xdata()) == [1, 2, 4]
    assert list(best.get_ydata()) == [0.8, 0.8, 0.9]
    assert list(failed.get_xdata()) == [3]
    assert (at_best.get_ydata(), at_best.get_color()) == ([0.9, 0.9], "#999933")
    first, second, _ = panels["model.dense"].lines  # a marker for each layer
    assert (list(first.get_xdata()), list(second.get_xdata())) == ([8, 8, 8], [3])
    assert [tick.get_text() for tick in panels["optimizer"].get_xticklabels()] == ["sgd", "adam"]
    assert list(panels["optimizer"].lines[0].get_xdata()) == [1, 0, 0]
    assert figure.axes[0].get_ylabel() == "val/accuracy"
    assert figure.get_suptitle().splitlines() == [
        "tuned seed 0: 4 trials of RandomSearch, 1 of them failed",
        "coloured line: the best, trial 4, val/accuracy 0.9000",
    ]


@pytest.mark.parametrize("count", [2, 10, 40])
def test_ticks_of_the_figure_do_not_collide(count, tmp_path):
    settings = load_settings(EXPERIMENTS / "tuned.yaml")
    tuner = settings.tuner.model_copy(update={"kind": "RandomSearch", "max_trials": count})
    oracle = make_oracle(tuner, settings.search)
    oracle.verbose = 0
    oracle._set_project_dir(str(tmp_path), "state")
    trials = []
    for number in range(1, count + 1):
        values = oracle.create_trial("here").hyperparameters.values
        oracle.ongoing_trials.clear()
        trials.append(Trial(number, values, None if number % 9 == 5 else 1 / number))
    figure = search_figure(trials, trials[0], tuner, settings, "tuned")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    for axes in figure.axes:
        low, high = axes.get_xlim()
        shown = [tick.label1 for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        shown += [label for label in axes.xaxis.get_minorticklabels() if label.get_text()]
        boxes = sorted((label.get_window_extent(renderer) for label in shown), key=lambda box: box.x0)
        assert all(first.x1 < second.x0 for first, second in pairwise(boxes)), axes.get_xlabel()
