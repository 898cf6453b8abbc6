"""A server with users: passwords are shown nowhere; who may only read is told so before the work."""

import shutil
import sys
from pathlib import Path

import mlflow
import pytest

from cifake.audit.__main__ import main as audit
from cifake.compare.__main__ import main as compare
from cifake.core.errors import exit_code
from cifake.evaluate.__main__ import main as evaluate
from cifake.explain.__main__ import main as explain
from cifake.predict.__main__ import main as predict
from cifake.robustness.__main__ import main as robustness
from cifake.train.__main__ import main as train
from tests.support.data_sets import write_tree
from tests.support.project import BASE, QUICK
from tests.support.servers import free_tcp_port, guarded, serve
from tests.support.suites import end, start

PASSWORD = "se@cret-of-mine"
USERS = {"writer": (PASSWORD, True), "reader": (PASSWORD, False)}
TRAINING = [*QUICK, "--epochs=1"]
ROBUSTNESS = ["run=base", "images=20", "perturbations=clean"]


@pytest.fixture(scope="module")
def server(tmp_path_factory, empty_store):
    """The address of a guarded server, and the folder of all that it stores."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copy(empty_store, folder / "served.db")
    with (
        serve(folder, free_tcp_port(), folder / "served.db") as upstream,
        guarded(upstream, free_tcp_port(), USERS) as address,
    ):
        yield address, folder


@pytest.fixture
def log_in(server, monkeypatch, tmp_path):
    """Sets the address of the store, with a user and a password in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))

    def set_address(user, password=PASSWORD):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{user}:{password}@{server[0]}")
        mlflow.set_tracking_uri(None)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{user}:{password}@{server[0]}")

    yield set_address
    mlflow.set_tracking_uri(None)


def run(main, *words):
    return exit_code(lambda: main(list(words)))


def suite(words):
    """In a process of its own, whose workers have its environment."""
    code, output, messages = end(start(Path.cwd(), *words))
    sys.stdout.write(output)
    sys.stderr.write(messages)
    return code


def defect(*_, **__):
    raise ZeroDivisionError(f"in {mlflow.get_tracking_uri()}")


def test_the_password_is_in_no_output_and_in_nothing_that_is_stored(
    server, log_in, tmp_path, demo_files, capfd, monkeypatch
):
    images = write_tree(tmp_path / "tree", demo_files) / "test" / "REAL"
    log_in("writer")
    assert run(train, BASE, *TRAINING) == 0
    assert run(suite, f"variants={BASE}", "epochs=1", "seeds=1,2") == 0
    assert run(robustness, *ROBUSTNESS) == 0
    assert run(explain, "run=base") == 0
    assert run(predict, "model=base", f"images={images}") == 0
    assert run(compare, "--log", "--promote", "--fail-if", "f1 < 0.0", "--allow-single-seed") == 0
    client = mlflow.MlflowClient()
    launched = client.create_run("0").info.run_id
    with monkeypatch.context() as project:
        project.setenv("MLFLOW_RUN_ID", launched)
        assert run(audit, "dataset=demo", "output=audit.json") == 0
    monkeypatch.setattr("cifake.compare.__main__.compare", defect)
    assert run(compare, "--log") == 70
    log_in("writer", "wr@ng-password")
    assert run(train, BASE, *TRAINING, "--seed=1") == 2
    printed = "".join(capfd.readouterr())
    assert "Traceback" in printed
    assert f"all runs: http://{server[0]}/#/experiments/" in printed
    for secret in ("cret-of-mine", "ng-password"):
        assert secret not in printed
        for file in (
            file for folder in (server[1], tmp_path) for file in folder.rglob("*") if file.is_file()
        ):
            assert secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (train, [BASE, *TRAINING, "--seed=3"]),
        (suite, [f"variants={BASE}", "seeds=3,4"]),
        (compare, ["--log"]),
        (compare, ["--promote"]),
        (robustness, [*ROBUSTNESS, "force=true"]),
        (explain, ["run=base"]),
        (evaluate, ["run=base", "images=tree"]),
        (evaluate, ["variants=base", "images=tree"]),
    ],
    ids=[
        "train", "suite", "compare --log", "compare --promote", "robustness", "explain", "evaluate",
        "evaluate variants",
    ],
)  # fmt: skip
def test_a_user_who_may_only_read_is_told_before_the_work(
    server, log_in, tmp_path, demo_files, capfd, main, words
):
    write_tree(tmp_path / "tree", demo_files)
    log_in("writer")
    if not mlflow.search_runs(search_all_experiments=True, filter_string="tags.variant = 'base'").size:
        assert run(train, BASE, *TRAINING) == 0
    log_in("reader")
    capfd.readouterr()
    assert run(main, *words) == 2
    messages = capfd.readouterr().err
    assert "epoch 1" not in messages
    assert "images: " not in messages  # of evaluate, before it scores
    (line,) = [line for line in messages.splitlines() if line.startswith("error: ")]
    assert f"the store http://{server[0]} does not let this user do that" in line
    assert "Permission denied" in line


def test_a_wrong_password_is_not_waited_for(log_in, capfd):
    log_in("writer", "other")
    assert run(predict, "model=base", "images=.") == 2
    assert (
        "accepts no such user and password (HTTP status 401: You are not authenticated.)"
        in capfd.readouterr().err
    )
