from itertools import chain

import keras
import numpy as np
import pytest

from cifake.config import load as load_settings
from cifake.core.errors import RunError
from cifake.data import load
from cifake.models import build_model
from cifake.training import fit
from cifake.training.batches import Batches, feed
from tests.support.made_parts import numbered
from tests.support.project import EXPERIMENTS
from tests.support.training import SMALL, train_in_pieces


@pytest.fixture(scope="module")
def data():
    return load("demo", "small")


def train(data, **overrides):
    settings = load_settings(EXPERIMENTS / "base.yaml", {**SMALL, **overrides})
    keras.utils.set_random_seed(settings.seed)
    model = build_model(settings)
    epochs = []
    fitted = fit(model, data, settings, lambda epoch, metrics: epochs.append((epoch, metrics)))
    return model, fitted, epochs


def read(batches, epoch=0):
    batches.start_epoch(epoch)
    return [batches[step][0][:, 0, 0, 0].tolist() for step in range(batches.num_batches)]


def test_a_pass_holds_every_image_once_in_an_order_of_its_own():
    batches = Batches(numbered(10), batch_size=4, steps=None, seed=0)
    first, second = read(batches), read(batches, epoch=1)
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(10))
    assert first != second
    assert read(batches) == first


def test_short_epochs_go_on_where_the_last_one_ended():
    passes = Batches(numbered(10), batch_size=4, steps=None, seed=0)
    whole = [row for epoch in range(3) for row in chain(*read(passes, epoch))]
    short = Batches(numbered(10), batch_size=4, steps=2, seed=0)
    epochs = [read(short, epoch) for epoch in range(3)]
    assert [[len(batch) for batch in epoch] for epoch in epochs] == [[4, 4]] * 3
    assert list(chain(*chain(*epochs))) == whole[:24]


def test_validation_begins_with_the_first_image_in_every_epoch():
    batches = Batches(numbered(10), batch_size=4, steps=2)
    assert read(batches) == read(batches, epoch=1) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_validation_holds_no_image_twice():
    assert read(Batches(numbered(10), batch_size=4, steps=9)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_tensorflow_is_fed_the_same_batches(epoch):
    batches = Batches(numbered(10), batch_size=4, steps=4, seed=3)
    batches.start_epoch(0)
    dataset = feed(batches)
    batches.start_epoch(epoch)
    fed = [(images.numpy(), labels.numpy()) for images, labels in dataset]
    assert len(fed) == len(dataset) == 4
    for step, (images, labels) in enumerate(fed):
        assert np.array_equal(images, batches[step][0])
        assert np.array_equal(labels, batches[step][1])


def test_images_an_epoch():
    assert Batches(numbered(10), 4, None, seed=0).images_an_epoch == 10
    assert Batches(numbered(10), 4, 2, seed=0).images_an_epoch == 8
    assert Batches(numbered(10), 4, 7, seed=0).images_an_epoch == 28
    assert Batches(numbered(10), 4, 7).images_an_epoch == 10


def test_labels_belong_to_their_images():
    batches = Batches(numbered(10), batch_size=4, steps=None, seed=5)
    for step in range(3):
        images, labels = batches[step]
        assert (images[:, 0, 0, 0] % 2 == labels).all()
        assert labels.dtype == np.float32


def test_every_epoch_is_reported_by_the_run_contract(data):
    _, fitted, epochs = train(data)
    assert [epoch for epoch, _ in epochs] == [0, 1]
    assert set(epochs[0][1]) >= {
        "train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/precision", "val/recall",
        "learning_rate",
    }  # fmt: skip
    assert epochs[0][1]["learning_rate"] == pytest.approx(0.001)
    assert fitted.history == [metrics for _, metrics in epochs]
    assert fitted.images == 2 * 6 * 32


def test_no_epoch_is_empty_when_steps_use_up_the_images(data):
    """A published defect: 25 batches of 32 were all there was, and every second epoch saw none."""
    _, fitted, _ = train(data, epochs=4, steps_per_epoch=25)
    losses = [metrics["train/loss"] for metrics in fitted.history]
    assert len(set(losses)) == 4
    assert min(losses) > 0


def test_same_seed_same_numbers_other_seed_others(data):
    first, second, other = (train(data, seed=seed) for seed in (1, 1, 2))
    assert first[1].history == second[1].history
    for one, two in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        assert np.array_equal(one, two)
    assert first[1].history != other[1].history


def test_augmentation_repeats_with_the_seed(data):
    affine = {"augmentation.rotation": 40.0, "augmentation.zoom": 0.2}
    assert train(data, **affine)[1].history == train(data, **affine)[1].history


def validation_loss(model, data):
    labels, scores = data.validation.labels[:96], model.predict(data.validation.images[:96], verbose=0)[:, 0]
    return -np.mean(np.log(np.where(labels == 1, scores, 1 - scores)))


@pytest.mark.parametrize("restore", [True, False])
def test_the_best_epoch_is_restored_unless_told_otherwise(data, restore):
    # A rate this high makes the validation loss jump, so that the last epoch is not the best.
    model, fitted, _ = train(data, epochs=6, optimizer="sgd", learning_rate=2.0, restore_best_weights=restore)
    losses = [metrics["val/loss"] for metrics in fitted.history]
    best = int(np.argmin(losses))
    assert best != 5
    assert fitted.best_epoch == best
    assert validation_loss(model, data) == pytest.approx(losses[best if restore else 5], rel=1e-4)


def test_patience_ends_training_early(data):
    _, fitted, _ = train(data, epochs=30, optimizer="sgd", learning_rate=2.0, patience=2)
    assert len(fitted.history) == fitted.best_epoch + 1 + 2 < 30


def test_the_optimizer_follows_the_settings(data):
    model, _, epochs = train(data, optimizer="sgd", epochs=1)
    assert type(model.optimizer) is keras.optimizers.SGD
    assert epochs[0][1]["learning_rate"] == pytest.approx(0.01)


def test_a_loss_that_is_no_number_ends_the_run(data):
    with pytest.raises(RunError, match=r"epoch \d: expected a finite training loss, .* lower learning_rate"):
        train(data, optimizer="sgd", learning_rate=1e30)


# A rate this high makes the validation loss jump: the best epoch lies before a stop. Dropout and
# augmentation draw random numbers in every step.
JUMPY = {"epochs": 7, "learning_rate": 0.5, "seed": 2, "augmentation.rotation": 40.0}


@pytest.mark.parametrize(
    ("stops", "overrides"),
    [((2, 5), {}), ((5,), {"optimizer": "sgd"}), ((3,), {"restore_best_weights": False})],
)
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(data, tmp_path, stops, overrides):
    whole = train(data, **{**JUMPY, **overrides})
    pieces = train_in_pieces(data, tmp_path / "state.npz", stops, **{**JUMPY, **overrides})
    assert [epoch for epoch, _ in pieces[2]] == list(range(stops[-1], 7))
    assert pieces[1].history == whole[1].history
    assert pieces[1].best_epoch == whole[1].best_epoch
    assert pieces[1].images == whole[1].images == 7 * 6 * 32
    for one, two in zip(whole[0].get_weights(), pieces[0].get_weights(), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize("patience", [None, 2])
def test_a_training_that_had_ended_is_not_trained_on(data, tmp_path, patience):
    overrides = {"optimizer": "sgd", "learning_rate": 2.0, "patience": patience, "epochs": 8}
    whole = train(data, **overrides)
    for trained in range(2):
        model, fitted, epochs = train_in_pieces(data, tmp_path / "state.npz", (), **overrides)
        assert len(epochs) == (0 if trained else len(whole[1].history))
        assert fitted.history == whole[1].history
        assert fitted.seconds > 0
        for one, two in zip(whole[0].get_weights(), model.get_weights(), strict=True):
            assert np.array_equal(one, two)
    assert (len(whole[1].history) < 8) == bool(patience)


def test_a_broken_checkpoint_is_said_and_not_used(data, tmp_path, caplog):
    file = tmp_path / "state.npz"
    train_in_pieces(data, file, ())
    file.write_bytes(file.read_bytes()[:-100])
    _, _, epochs = train_in_pieces(data, file, ())
    assert [epoch for epoch, _ in epochs] == [0, 1]
    assert "cannot be read" in caplog.text


def test_a_checkpoint_that_cannot_be_written_ends_the_run(data, tmp_path):
    with pytest.raises(RunError, match=r"the checkpoint .* cannot be written \(No such file or directory\)"):
        train_in_pieces(data, tmp_path / "nowhere" / "state.npz", ())


def cross_entropy(labels, scores):
    return -np.mean(labels * np.log(scores) + (1 - labels) * np.log(1 - scores))


def test_smoothing_is_in_the_training_loss_and_not_in_that_of_validation(data):
    """One step at a rate of nearly 0: both losses are those of the model as it was built."""
    still = {
        "optimizer": "sgd",
        "learning_rate": 1e-9,
        "epochs": 1,
        "steps_per_epoch": 1,
        "model.dropout": 0.0,
    }
    model, fitted, _ = train(data, **still, label_smoothing=0.2)
    batches = Batches(data.train, 32, 1, seed=0)
    images, labels = batches[0]
    scores = model.predict(images, verbose=0)[:, 0]
    epoch = fitted.history[0]
    assert epoch["train/loss"] == pytest.approx(cross_entropy(0.8 * labels + 0.1, scores), rel=1e-4)
    assert epoch["train/accuracy"] == pytest.approx(np.mean((scores >= 0.5) == labels))
    assert epoch["val/loss"] == pytest.approx(validation_loss(model, data), rel=1e-4)
    assert epoch["train/loss"] != pytest.approx(cross_entropy(labels, scores), rel=1e-4)


def test_the_learning_rate_of_an_epoch_is_the_schedule_s(data):
    schedule = {"kind": "step", "milestones": [1, 2], "factor": 0.5}
    _, fitted, _ = train(data, epochs=3, learning_rate=0.01, schedule=schedule)
    # at the end of an epoch, which is the first step of the next
    assert [epoch["learning_rate"] for epoch in fitted.history] == pytest.approx([0.005, 0.0025, 0.0025])
