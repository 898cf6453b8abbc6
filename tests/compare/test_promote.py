"""The registered champion: taken by the first, kept against ties, lost to what is significantly better."""

import mlflow
import pytest

from cifake.evaluation.metrics import score
from cifake.tracking.registry import champion, expect_registrable, register
from cifake.tracking.resolved_model import find_model
from tests.support.made_runs import LABELS, log_evaluated, log_run, log_tested, made_scores
from tests.support.project import compare as run
from tests.support.project import launch


@pytest.fixture
def shelf(store, monkeypatch):
    """Logs runs of one variant whose models are files, best last by validation but for the last seed."""

    def log(variant, quality, seeds, split="full", **params):
        made = []
        for seed in seeds:
            scores = made_scores(quality, seed)
            curve = [0.9, 0.5 - 0.01 * seed, 0.7] if seed < 2 else [0.9, 0.8, 0.8]
            params = {"monitor": "val/loss", "variety": variant, **params}
            run_id = log_run(
                variant,
                seed,
                split,
                predictions=scores,
                params=params,
                history=curve,
                **score(LABELS, scores),
            )
            with mlflow.start_run(run_id=run_id):
                mlflow.pyfunc.log_model(name="model", python_model=identity, pip_requirements=[])
            mlflow.MlflowClient().set_terminated(run_id)
            made.append(run_id)
        return made

    return log


def identity(model_input: list[str]) -> list[str]:
    return model_input


def test_the_first_a_tie_and_a_better_one(shelf, capsys):
    first = shelf("sgd", 0.4, [0, 1, 2])
    assert run("--promote", "--metric", "f1") == 0
    assert champion().version == 1
    assert champion().run_id == first[1]  # its lowest val/loss of any epoch is the lowest
    assert champion().tags["variant"] == "sgd"
    assert "promoted: cifake version 1 is run " in capsys.readouterr().err
    assert find_model("models:/cifake@champion").run.info.run_id == first[1]
    card = mlflow.artifacts.load_text(champion().tags["model_card"])
    assert champion().description == card
    assert card.startswith("# sgd\n\ntest/f1 0.")
    assert "over 3 seeds and the test images. Why it was promoted: there was no champion." in card
    assert "## Changed and attacked images\n\nNot measured.\n\n## Other test sets\n\nNot measured.\n" in card
    (f1,) = [line for line in card.splitlines() if line.startswith("| F1 |")]
    assert f1.split(" | ")[1] == f"{float(champion().tags['value']):.4f}"
    assert f1.split(" | ")[2] == f"{champion().tags['interval']} |"

    assert run("--promote") == 0
    assert "the champion stays version 1: sgd is the champion already" in capsys.readouterr().err

    shelf("alike", 0.55, [5, 6, 7])
    assert run("--promote") == 3
    text = capsys.readouterr().err.splitlines()[-1]
    assert text.startswith("the champion stays version 1: alike less sgd: +0.0")
    assert "which is not statistically significant (" in text
    assert champion().version == 1

    better = shelf("base", 1.4, [0, 1, 2])
    assert run("--promote") == 0
    assert champion().version == 2
    assert champion().run_id == better[1]
    tags = champion().tags
    assert (tags["metric"], tags["beaten"], tags["seeds"]) == ("test/f1", "sgd", "3")
    assert tags["dataset"] == "cifake"
    assert float(tags["p"]) < 0.05
    assert float(tags["difference"]) > 0.1


def test_the_card_has_what_was_measured_of_other_images(shelf, capsys):
    backbone = {"model.backbone": "MobileNetV2", "model.weights": "/home/ada/w.h5"}
    (run_id,) = shelf("base", 1.0, [0], **backbone)
    log_tested(run_id, {"clean": made_scores(1.0, 0), "blur_1": made_scores(0.2, 0)})
    log_evaluated(run_id, made_scores(0.5, 0))
    mlflow.MlflowClient().set_terminated(run_id)
    assert run("--promote") == 0
    card = mlflow.artifacts.load_text(f"runs:/{run_id}/model_card.md")
    metrics = mlflow.get_run(run_id).data.metrics
    assert f"| blur_1 | {metrics['robust/blur/accuracy']:.3f} | [" in card
    assert "\nOf all seeds, on 200 images.\n" in card
    assert "\nBackbone MobileNetV2, weights w.h5.\n" in card
    assert f"| photos | 1 | 200 | {metrics['other/photos/accuracy']:.3f} | [" in card
    assert "of which there is one: the noise of training is not in the intervals" in card
    assert "Not measured" not in card
    assert "not measured" not in card


def test_a_long_card_is_cut_between_sections_in_the_description(shelf):
    (run_id,) = shelf("base", 1.0, [0])
    client = mlflow.MlflowClient()
    expect_registrable(client)
    version = register(client, run_id, {}, "# base\n\n## Data\n\nx\n\n## Limits\n\n" + "y" * 6000)
    assert version.description == (
        "# base\n\n## Data\n\nx\n\nThe rest is in model_card.md, an artifact of the run.\n"
    )
    assert len(mlflow.artifacts.load_text(version.tags["model_card"])) > 6000


def test_a_champion_is_not_judged_on_other_data(shelf, capsys):
    client = mlflow.MlflowClient()
    for run_id in shelf("sgd", 0.4, [0, 1, 2]):
        client.set_tag(run_id, "dataset", "photos")
        client.set_tag(run_id, "dataset_digest", "d2-full")
    assert run("--promote") == 0
    assert champion().tags["dataset"] == "photos"
    shelf("base", 1.4, [0, 1, 2])
    capsys.readouterr()
    assert run("--promote") == 2
    assert "promote: expected one data set and split, received cifake full, photos full" in (
        capsys.readouterr().err
    )
    assert run("--promote", "--filter", "tags.dataset = 'cifake'") == 3
    assert "its run is not among those compared (other data, or left out)" in capsys.readouterr().err
    assert champion().version == 1


def test_one_seed_is_not_significant(shelf, capsys):
    shelf("sgd", 0.4, [0])
    assert run("--promote") == 0
    shelf("base", 3.0, [0])
    assert run("--promote", "--fail-if", "f1 > 0.5") == 3
    assert run("--promote", "--fail-if", "f1 > 0.5", "--allow-single-seed") == 1
    assert run("--promote") == 3
    out = capsys.readouterr().err
    assert "one seed says nothing about training noise: run at least 3" in out
    assert champion().version == 1


def test_a_champion_on_other_images_cannot_be_compared(shelf, capsys):
    shelf("sgd", 0.4, [0], split="small")
    assert run("--promote") == 0
    shelf("base", 3.0, [0, 1])
    assert run("--promote", "--split", "full") == 3
    assert "its run is not among those compared" in capsys.readouterr().err
    assert run("--promote") == 2
    error = capsys.readouterr().err
    assert "expected one data set and split, received cifake full, cifake small" in error
    assert run("--promote", "--split", "full", "--metric", "val/loss") == 2
    assert "expected a metric of predictions such as f1, received val/loss" in capsys.readouterr().err


def test_the_store_that_was_named_gets_the_version_and_the_report(shelf, store, compared):
    (run_id,) = shelf("sgd", 0.4, [0])
    mlflow.set_tracking_uri(compared)
    assert run("--promote", "--log", "--tracking-uri", store) == 0
    assert champion() is None
    assert not mlflow.search_runs(search_all_experiments=True, filter_string="tags.tool LIKE '%'").size
    client = mlflow.MlflowClient(store)
    assert champion(client).run_id == run_id
    (report,) = client.search_runs(["1"], "tags.tool = 'promote'")
    assert (report.info.run_name, report.info.status) == ("promote f1", "FINISHED")


def test_the_run_of_a_project_that_promotes_says_why_it_failed(store, tmp_path):
    log_run("base", predictions=made_scores(1.0, 0))
    done = launch("-e", "promote", "--experiment-name", "cifake", "-P", "split=small", cwd=tmp_path)
    assert "error: no finished run with split 'small'; there are: full" in done.stderr
    (launched,) = mlflow.search_runs(["1"], "attributes.status = 'FAILED'", output_format="list")
    assert (launched.info.run_name, launched.data.tags["tool"]) == ("promote", "promote")
    assert launched.data.tags["failure"] == "RunError: no finished run with split 'small'; there are: full"


def test_a_run_without_a_model_is_named(store, capsys):
    run_id = log_run("base", predictions=made_scores(1.0, 0))
    assert run("--promote") == 2
    assert f"run {run_id} holds no model that could be registered" in capsys.readouterr().err
    assert champion() is None
