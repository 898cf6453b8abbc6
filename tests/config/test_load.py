import re
import subprocess
import sys

import pytest
import yaml

from cifake.config import load, overrides
from cifake.config.settings import describe_settings
from cifake.core.errors import ConfigError
from tests.support.project import EXPERIMENTS, REPOSITORY
from tests.support.project import overrides as overrides_of

VARIANTS = sorted(path for path in EXPERIMENTS.glob("*.yaml") if path.stem != "defaults")


def test_base_resolves_to_what_was_published():
    assert load(EXPERIMENTS / "base.yaml").flat() == {
        "dataset": "auto",
        "dataset_name": None,
        "resize": "prepare",
        "split": "full",
        "seed": 0,
        "model.builder": "cnn",
        "model.filters": [32, 32],
        "model.kernel_size": 3,
        "model.padding": "valid",
        "model.activation": "relu",
        "model.kernel_initializer": "glorot_uniform",
        "model.dense": [512],
        "model.dense_activation": "relu",
        "model.dense_dropout": 0.0,
        "model.dropout": 0.5,
        "model.batch_norm": False,
        "model.batch_norm_momentum": None,
        "augmentation.rotation": 0.0,
        "augmentation.shift": 0.0,
        "augmentation.shear": 0.0,
        "augmentation.zoom": 0.0,
        "augmentation.horizontal_flip": False,
        "augmentation.noise": 0.0,
        "augmentation.blur": 0.0,
        "augmentation.jpeg": 0.0,
        "augmentation.crop": 0,
        "augmentation.crop_step": 1,
        "augmentation.crop_probability": 1.0,
        "augmentation.cutout": 0,
        "augmentation.cutout_probability": 1.0,
        "augmentation.mixup": 0.0,
        "augmentation.mixup_probability": 1.0,
        "augmentation.cutmix": 0.0,
        "augmentation.cutmix_probability": 1.0,
        "label_smoothing": 0.0,
        "adversarial": None,
        "optimizer": "adam",
        "learning_rate": None,
        "schedule": None,
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": None,
        "clipnorm": None,
        "ema": 0.0,
        "batch_size": 32,
        "epochs": 20,
        "steps_per_epoch": None,
        "validation_steps": 23,
        "monitor": "val/loss",
        "patience": None,
        "restore_best_weights": True,
        "precision": "float32",
        "predict_flips": False,
        "export": None,
        "robustness": False,
        "tuner": None,
        "search": None,
    }


@pytest.mark.parametrize(
    ("variant", "differences"),
    [
        ("epoch", {"epochs": 10}),
        ("sgd", {"optimizer": "sgd"}),
        ("sigmoid", {"model.activation": "sigmoid"}),
        ("val", {"validation_steps": 10}),
        (
            "affine",
            {
                "augmentation.rotation": 40.0,
                "augmentation.shift": 0.2,
                "augmentation.shear": 0.2,
                "augmentation.zoom": 0.2,
            },
        ),
        ("augmented", {"augmentation.noise": 0.1, "augmentation.blur": 2.0, "augmentation.jpeg": 0.7}),
    ],
)
def test_a_variant_changes_one_thing(variant, differences):
    base = load(EXPERIMENTS / "base.yaml").flat()
    assert load(EXPERIMENTS / f"{variant}.yaml").flat() == {**base, **differences}


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_every_variant_is_short_resolves_and_says_why_it_exists(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert 2 <= len(lines) <= 14
    assert load(path).epochs >= 1


@pytest.mark.parametrize(
    ("ingredient", "differences"),
    [
        ("schedule", {"schedule": None}),
        ("weight_decay", {"weight_decay": 0.0}),
        ("batch_norm", {"model.normalisation": "none", "model.batch_norm_momentum": None}),
        ("label_smoothing", {"label_smoothing": 0.0}),
        ("mixing", {"augmentation.cutmix": 0.0}),
        ("averaging", {"ema": 0.0}),
        ("residual", {"model.skip_connections": False}),
    ],
)
def test_a_variant_leaves_one_ingredient_of_modern_out(ingredient, differences):
    modern = load(EXPERIMENTS / "modern.yaml").model_dump()
    values = load(EXPERIMENTS / f"modern_no_{ingredient}.yaml").model_dump()
    for key, value in differences.items():
        head, _, rest = key.partition(".")
        assert (modern[head][rest] if rest else modern[head]) != value
        if rest:
            modern[head] = {**modern[head], rest: value}
        else:
            modern[head] = value
    assert values == modern


def test_mlproject_has_one_stanza_a_variant():
    points = yaml.safe_load((REPOSITORY / "MLproject").read_text())["entry_points"]
    trained = {name: point["command"] for name, point in points.items() if "cifake.train" in point["command"]}
    assert trained == {path.stem: f"python -m cifake.train experiments/{path.name}" for path in VARIANTS}
    assert not any("parameters" in point for point in points.values())


def test_the_three_spellings_of_an_override_are_one():
    assert (
        overrides_of("--epochs", "5", "--model.filters", "[64, 64]")
        == overrides_of("--epochs=5", "--model.filters=[64, 64]")
        == overrides_of("epochs=5", "model.filters=[64, 64]")
        == {"epochs": 5, "model.filters": [64, 64]}
    )
    assert overrides_of("--validation-steps", "3") == {"validation_steps": 3}


@pytest.mark.parametrize("text", ["1e-3", "0.001", "1.0e-3", "1E-3"])
def test_numbers_are_read_as_people_write_them(text):
    settings = load(EXPERIMENTS / "base.yaml", overrides_of(f"learning_rate={text}"))
    assert settings.learning_rate == 0.001


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epoch=5", "unknown setting 'epoch'; did you mean 'epochs'?"),
        ("model.filter=[3]", "unknown setting 'model.filter'; did you mean 'model.filters'?"),
        ("epochs=ten", "epochs: expected a valid integer, received 'ten'"),
        ("epochs=0", "epochs: expected greater than or equal to 1, received 0"),
        ("epochs=true", "epochs: expected a valid integer, received True"),
        ("model.dropout=1", "model.dropout: expected less than 1, received 1"),
        (
            "optimizer=lion",
            "optimizer: expected 'adam', 'adamw', 'nadam', 'rmsprop' or 'sgd', received 'lion'",
        ),
        ("learning_rate=.inf", "learning_rate: expected a finite number, received inf"),
        ("model.filters=[8,8,8,8,8]", "model: 5 convolutions of kernel_size 3 with pooling leave nothing"),
        ("--epochs", "expected --key value or key=value, received '--epochs' alone"),
        ("epochs=[", "--epochs: not valid YAML"),
        ("model.kernel_size=[3,x]", "model.kernel_size.1: expected a valid integer, received 'x'"),
        (
            "model.kernel_size=[3,3,3]",
            "expected one value or 2 in kernel_size, as many as in filters, received",
        ),
        ("model.dense_dropout=[0.1,0.2]", "expected one value or 1 in dense_dropout, as many as in dense"),
        ("model.builder=rnn", "model.builder: expected one of 'cnn', 'residual', 'transfer', received 'rnn'"),
        ("model.backbone=VGG16", "unknown setting 'model.backbone'; did you mean 'model.batch_norm'?"),
        ("precision=half", "precision: expected 'float32' or 'bfloat16', received 'half'"),
        ("tuner.epochs=3", "tuner.kind: expected a value, received none"),
    ],
)
def test_a_bad_override_names_key_expectation_and_value(word, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(EXPERIMENTS / "base.yaml", overrides_of(word))


@pytest.mark.parametrize(
    ("variant", "word", "message"),
    [
        ("resnet50", "model.trainable_layers=some", "model.trainable_layers: expected 'all', received"),
        ("resnet50", "model.trainable_layers=-1", "trainable_layers: expected greater than or equal to 0"),
        ("resnet50", "model.filter=[3]", "unknown setting 'model.filter'; did you mean 'model.builder'?"),
        ("tuned_resnet50", "tuner.kind=Grid", "tuner.kind: expected 'Hyperband', 'RandomSearch' or"),
        ("tuned_resnet50", "tuner.max_trials=null", "tuner: expected max_trials for RandomSearch"),
        ("tuned_resnet50", "tuner=null", "expected tuner and search together, received only one of them"),
        ("tuned_resnet50", "search.learning_rate.max=1e-9", "search.learning_rate: expected min below max"),
        ("tuned_resnet50", "search.learning_rate.min=-1.0", "expected a min above 0 for log sampling"),
        ("tuned_resnet50", "search.learning_rate.step=0.1", "expected step or log sampling, received both"),
        ("tuned_resnet50", "search.learning_rate.max=abc", "learning_rate.max: expected a valid number"),
        ("tuned_resnet50", "search.learning_rate.type=normal", "type: expected one of 'choice', 'int'"),
        ("tuned_resnet50", "search.rate={type: int, min: 1, max: 2}", "'rate' cannot be searched; did you"),
        ("tuned_resnet50", "search.seed={type: int, min: 1, max: 2}", "search: 'seed' cannot be searched"),
        ("tuned_resnet50", "search.optimizer={type: choice, values: [adam, lion]}",
         "search: optimizer: expected 'adam', 'adamw', 'nadam', 'rmsprop' or 'sgd', received 'lion'"),
        ("tuned_resnet50", "search.batch_size={type: choice, values: [8, big]}", "expected all texts, all"),
        ("tuned_resnet50", "search.batch_size={type: int, min: 0, max: 9}",
         "search: batch_size: expected greater than or equal to 1, received 0"),
    ],
)  # fmt: skip
def test_a_bad_backbone_or_search_names_key_expectation_and_value(variant, word, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(EXPERIMENTS / f"{variant}.yaml", overrides_of(word))


def write_space(tmp_path, space):
    values = {"extends": str(EXPERIMENTS / "tuned.yaml"), "search": space}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(values))
    return tmp_path / "space.yaml"


@pytest.mark.parametrize(
    ("space", "message"),
    [
        # as many kernels as filters at both ends, but too large ones for three layers
        ({"model.padding": {"type": "choice", "values": ["valid"]}}, "leave nothing of a 32x32 image"),
        ({"model.kernel_size": {"type": "choice", "values": [3], "layers": "model.dense_x"}},
         "model.kernel_size.layers: expected a setting that is searched with layers: [min, max]"),
        ({"model.kernel_size": {"type": "choice", "values": [3], "layers": "model.dense"}},
         "expected one value or 1 in kernel_size, as many as in filters"),
        ({"model.filters": {"type": "choice", "values": [8], "layers": [3, 1]}},
         "expected the smaller number of layers first, received [3, 1]"),
    ],
)  # fmt: skip
def test_every_corner_of_a_space_is_checked(tmp_path, space, message):
    if "model.kernel_size" in space:
        space["model.dense"] = {"type": "choice", "values": [8], "layers": [2, 2]}
        space["model.filters"] = {"type": "choice", "values": [8], "layers": [1, 1]}
    else:
        space["model.kernel_size"] = {"type": "int", "min": 3, "max": 9}
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(write_space(tmp_path, space))


def test_a_tuner_s_values_become_settings():
    settings = load(EXPERIMENTS / "tuned.yaml")
    values = {
        "learning_rate": 0.001, "optimizer": "sgd", "model.filters.layers": 2, "model.dense.layers": 1,
        "model.filters.0": 32, "model.filters.1": 64, "model.kernel_size.0": 3, "model.kernel_size.1": 5,
        "model.activation.0": "relu", "model.activation.1": "tanh", "model.dense.0": 128,
        "model.dense_activation.0": "tanh", "model.dense_dropout.0": 0.1, "tuner/epochs": 3,
    }  # fmt: skip
    found = overrides(settings.search, values)
    assert found == {
        "model.filters": [32, 64], "model.kernel_size": [3, 5], "model.activation": ["relu", "tanh"],
        "model.dense": [128], "model.dense_activation": ["tanh"], "model.dense_dropout": [0.1],
        "optimizer": "sgd", "learning_rate": 0.001,
    }  # fmt: skip
    chosen = settings.at(found)
    assert (chosen.search, chosen.tuner, chosen.patience) == (None, None, settings.patience)
    assert chosen.model.kernel_size == [3, 5]


def test_a_cycle_of_parents_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(ConfigError, match="leads back to this file"):
        load(tmp_path / "a.yaml")


def test_a_missing_file_lists_those_there_are():
    with pytest.raises(
        ConfigError, match=r"nope.yaml: cannot be read .* files there: adversarial.yaml, affine.yaml"
    ):
        load(EXPERIMENTS / "nope.yaml")


# As computed before any of the settings existed that were added later.
HASHES = {
    "adversarial": "4892e35373c7",
    "affine": "f3b731abc89d",
    "augmented": "26f66dc3f798",
    "base": "4c56ad33897c",
    "epoch": "108908aab31b",
    "hyperband_best": "133cfb1def26",
    "mobilenet_v2": "789b3564bd3b",
    "paper_cnn": "623b99dcd1ab",
    "resnet50": "86ea534cf1b8",
    "sequential_best": "9ec8b233b827",
    "sgd": "c842e5535bcb",
    "sigmoid": "ec1f0aee49fd",
    "tuned": "be7a79dab683",
    "tuned_resnet50": "4d2d14c7928d",
    "tuned_sequential": "1a694ce268f6",
    "val": "af361217b1e6",
}


@pytest.mark.parametrize("variant", HASHES)
def test_runs_made_earlier_keep_their_hash(variant):
    assert load(EXPERIMENTS / f"{variant}.yaml").config_hash() == HASHES[variant]


ON = {
    "augmentation.noise": 0.1, "augmentation.blur": 0.5, "augmentation.jpeg": 0.1, "augmentation.crop": 2,
    "augmentation.crop_step": 8, "augmentation.crop_probability": 0.5, "augmentation.cutout": 4,
    "augmentation.cutout_probability": 0.5, "augmentation.mixup": 0.2, "augmentation.mixup_probability": 0.5,
    "augmentation.cutmix": 1.0, "augmentation.cutmix_probability": 0.5, "label_smoothing": 0.1,
    "adversarial": {"attack": "pgd", "epsilon": 2.0, "steps": 7}, "schedule": {"kind": "cosine"},
    "weight_decay": 0.0, "clipnorm": 1.0, "ema": 0.9, "predict_flips": True, "model.batch_norm": True,
}  # fmt: skip


@pytest.mark.parametrize("key", ON)
def test_a_setting_that_was_added_later_is_part_of_the_hash_once_it_is_on(key):
    assert load(EXPERIMENTS / "base.yaml", {key: ON[key]}).config_hash() != HASHES["base"]


@pytest.mark.parametrize(
    ("variant", "overrides", "message"),
    [
        ("base", {"augmentation.crop": 3, "augmentation.crop_step": 2},
         "augmentation: expected crop to be a multiple of crop_step 2, received 3"),
        ("base", {"augmentation": {"mixup": 1.0, "cutmix": 1.0, "mixup_probability": 0.6}},
         "mixup_probability and cutmix_probability of at most 1 together, received 0.6 and 1.0"),
        ("affine", {"augmentation.horizontal_flip": "alternating"},
         "expected horizontal_flip true or false with rotation, shift, shear or zoom, received alternating"),
        ("base", {"augmentation.horizontal_flip": "often"}, "expected False, True or 'alternating'"),
        ("base", {"momentum": 0.9}, "momentum: expected optimizer sgd or rmsprop, received adam"),
        ("sgd", {"nesterov": True}, "nesterov: expected optimizer sgd with momentum above 0"),
        ("base", {"ema": 1.0}, "ema: expected less than 1, received 1.0"),
        ("base", {"schedule.kind": "step"}, "schedule: expected milestones for step alone, received []"),
        ("base", {"schedule": {"kind": "cosine", "milestones": [3]}}, "expected milestones for step alone"),
        ("base", {"schedule": {"kind": "step", "milestones": [3, 2]}}, "rising milestones, received [3, 2]"),
        ("base", {"schedule": {"kind": "constant", "final_fraction": 0.1}}, "for cosine alone"),
        ("base", {"schedule": {"kind": "cosine", "warmup_epochs": 20.0}},
         "schedule.warmup_epochs: expected less than the 20 epochs, received 20.0"),
        ("tuned", {"tuner.epochs": 10, "schedule": {"kind": "cosine", "warmup_epochs": 12.0}},
         "schedule.warmup_epochs: expected less than the 10 epochs, received 12.0"),
        ("base", {"schedule": {"kind": "step", "milestones": [5, 20]}},
         "schedule.milestones: expected less than the 20 epochs, received [5, 20]"),
        ("base", {"schedule": {"kind": "step", "milestones": [1], "warmup_epochs": 3.0}},
         "expected milestones after the warm-up of 3 epochs, received [1]"),
        ("base", {"schedule": {"kind": "cosine", "factor": 0.5}}, "expected factor for step alone"),
        ("adversarial", {"adversarial.steps": 7}, "adversarial.steps: expected 1 for fgsm, received 7"),
        ("base", {"model.batch_norm_momentum": 0.9}, "model: expected batch_norm: true with"),
        ("adversarial", {"augmentation.cutmix": 1.0}, "adversarial: expected no mixup and no cutmix"),
        ("resnet50", {"augmentation.cutmix": 1.0}, "expected no mixup and no cutmix on a frozen backbone"),
        ("resnet50", {"model.batch_norm_momentum": 0.9, "model.batch_norm": False},
         "expected batch_norm: true or trainable_layers above 0 with batch_norm_momentum"),
        ("modern", {"model.normalisation": "group", "model.stem": 12, "model.batch_norm_momentum": None},
         "expected multiples of 8 filters for group normalisation, received 12"),
        ("modern", {"model.blocks": [1]}, "expected one value or 3 in blocks, as many as in filters"),
        ("modern", {"model.filters": [8] * 6, "model.downsample": True}, "pooling in 6 stages"),
        ("modern", {"model.stage": 3}, "unknown setting 'model.stage'; did you mean 'model.stem'?"),
        ("tuned", {"search.predict_flips": {"type": "choice", "values": [True]}}, "cannot be searched"),
        ("tuned", {"search.ema": {"type": "float", "min": 0.9, "max": 1.0}}, "ema: expected less than 1"),
    ],
)  # fmt: skip
def test_choices_that_make_no_sense_are_refused(variant, overrides, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(EXPERIMENTS / f"{variant}.yaml", overrides)


def test_training_choices_can_be_searched(tmp_path):
    file = tmp_path / "searched.yaml"
    file.write_text(
        f"extends: {EXPERIMENTS / 'modern.yaml'}\n"
        "tuner: {kind: RandomSearch, objective: val/loss, epochs: 5, max_trials: 3}\n"
        "search:\n"
        "  weight_decay: {type: float, min: 1e-3, max: 0.1, sampling: log}\n"
        "  schedule.warmup_epochs: {type: choice, values: [0.0, 0.5, 2.0]}\n"
        "  augmentation.cutmix_probability: {type: float, min: 0.1, max: 1.0}\n"
        "  model.filters: {type: choice, values: [8, 16], layers: [1, 3]}\n"
        "  model.downsample: {type: choice, values: [true, false], layers: model.filters}\n"
    )
    settings = load(file)
    point = {"weight_decay": 0.01, "schedule.warmup_epochs": 0.5, "augmentation.cutmix_probability": 0.3,
             "model.filters": [8, 16], "model.downsample": [True, False]}  # fmt: skip
    chosen = settings.at(point)
    assert (chosen.weight_decay, chosen.schedule.warmup_epochs, chosen.schedule.kind) == (0.01, 0.5, "cosine")
    assert (chosen.augmentation.cutmix_probability, chosen.augmentation.crop) == (0.3, 2)
    assert (chosen.model.filters, chosen.model.downsample) == ([8, 16], [True, False])


def test_the_help_describes_every_setting():
    descriptions = dict(describe_settings())
    groups = {"adversarial", "tuner"}  # off in this variant; what they hold is described
    assert set(load(EXPERIMENTS / "modern.yaml").flat()) - groups <= set(descriptions)
    assert all(descriptions.values())


def test_the_hash_ignores_seed_exported_file_robustness_test_and_how_images_are_resized():
    base = load(EXPERIMENTS / "base.yaml")
    assert load(EXPERIMENTS / "base.yaml", {"seed": 3}).config_hash() == base.config_hash()
    assert load(EXPERIMENTS / "base.yaml", {"export": "h5"}).config_hash() == base.config_hash()
    assert load(EXPERIMENTS / "base.yaml", {"robustness": True}).config_hash() == base.config_hash()
    assert load(EXPERIMENTS / "base.yaml", {"resize": "refuse"}).config_hash() == base.config_hash()
    assert load(EXPERIMENTS / "base.yaml", {"epochs": 10}).config_hash() != base.config_hash()
    assert (
        load(EXPERIMENTS / "base.yaml", {"epochs": 10}).config_hash()
        == load(EXPERIMENTS / "epoch.yaml").config_hash()
    )


@pytest.mark.parametrize("variant", ["affine", "tuned", "tuned_resnet50"])
def test_the_resolved_document_resolves_to_itself(tmp_path, variant):
    settings = load(EXPERIMENTS / f"{variant}.yaml", {"learning_rate": 1e-05})
    (tmp_path / "resolved.yaml").write_text(settings.to_yaml())
    assert load(tmp_path / "resolved.yaml") == settings


def test_the_command_prints_the_hash_that_a_run_has(finished):
    """Of ``auto``, that of either data set: it depends on which one training finds."""
    words = ["split=small", "epochs=2", "steps_per_epoch=4", "model.filters=[4]"]

    def hashes(*more):
        command = [sys.executable, "-m", "cifake.config", "experiments/base.yaml", *words, *more]
        output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
        return dict(
            re.findall(r"^# base: runs on the data set (\w+) have the config_hash (\w+)$", output, re.M)
        )

    of_run = finished[0].data.tags["config_hash"]
    assert hashes("dataset=demo") == {"demo": of_run}
    assert hashes()["demo"] == of_run
    assert list(hashes()) == ["cifake", "demo"]
    assert hashes()["cifake"] == hashes("dataset=cifake")["cifake"] != of_run
    photos = hashes("dataset_name=photos")
    assert photos == hashes("dataset=other", "dataset_name=photos")
    assert photos["photos"] not in (of_run, hashes()["cifake"], hashes("dataset_name=others")["others"])
    assert hashes("dataset=other") == {}


def test_the_command_prints_settings_and_ends_mistakes_with_one_line():
    def run(*words, variant="sgd"):
        command = [sys.executable, "-m", "cifake.config", f"experiments/{variant}.yaml", *words]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    good = run("epochs=5")
    assert good.returncode == 0
    assert yaml.safe_load(good.stdout)["epochs"] == 5
    assert yaml.safe_load(good.stdout)["optimizer"] == "sgd"
    bad = run("epoch=5")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr == "error: experiments/sgd.yaml: unknown setting 'epoch'; did you mean 'epochs'?\n"
    missing = run("model.weights=nowhere.h5", variant="strong")
    assert missing.returncode == 2
    expected = "model.weights: expected imagenet, none or a file, received 'nowhere.h5'"
    assert missing.stderr == f"error: {expected}\n"
