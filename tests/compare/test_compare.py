import json
import os
import subprocess
import sys

import mlflow
import pytest

from cifake.compare.options import Options, parse
from tests.support.made_runs import log_run, made_scores
from tests.support.project import REPOSITORY, launch
from tests.support.project import compare as run


def test_the_command(store, tmp_path):
    log_run("base", f1=0.9)
    command = [sys.executable, str(REPOSITORY / "compare.py"), "--metric", "f1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1  base         1  0.9000" in done.stdout
    done = subprocess.run([*command[:-1], "f2"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown metric 'f2'; known: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_suffix_of_the_output_is_the_format(compared, capsys, tmp_path):
    for name, start in {
        "r.json": "{",
        "r.md": "**val leads with F1 0.8515. base and sigmoid (one seed) cannot be told from it. sgd is ",
        "r.tex": "\\begin{table}",
        "r.html": "<!doc",
    }.items():
        assert run("--tracking-uri", compared, "--output", str(tmp_path / name)) == 0
        assert (tmp_path / name).read_text().startswith(start)
    assert run("--tracking-uri", compared, "--output", str(tmp_path / "r.md"), "--format", "json") == 0
    assert json.loads((tmp_path / "r.md").read_text())["leaderboard"][0]["rows"][0]["rank"] == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--top", "0"], "top: expected greater than or equal to 1, received '0'"),
        (["--confidence", "1"], "confidence: expected less than 1, received '1'"),
        (["--output", "no/where.md"], "there is no folder no; make it first"),
        (["--output", "."], "expected a file, . is a folder"),
        (["--output", "report.docx"], "expected one of .txt, .md, .csv, .json, .tex, .html"),
        (
            ["--format", "docx"],
            "format: expected 'text', 'md', 'csv', 'json', 'tex' or 'html', received 'docx'",
        ),
        (["--direction", "up"], "direction: expected 'higher' or 'lower', received 'up'"),
        (["--metrik", "f1"], "unknown option 'metrik'; did you mean 'metric'?"),
        (["--view", "pivot"], "pivot: expected --rows and perhaps --columns, each a setting, received none"),
        (["--rows", "optimizer"], "--rows and --columns need --view pivot, received --view leaderboard"),
        (
            ["--view", "near_copies"],
            "near_copies: expected --near-copies and a CSV file of an audit, received",
        ),
        (["--near-copies", "n.csv"], "--near-copies needs --view near_copies, received --view leaderboard"),
        (["--view", "nope"], "view: expected 'leaderboard', 'pairwise', 'settings', "),
    ],
)
def test_what_the_command_refuses(words, message, capsys):
    assert run(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_wrong_condition_is_found_before_the_store_is_read(tmp_path, capsys):
    assert run("--tracking-uri", f"sqlite:///{tmp_path}/none.db", "--fail-if", "f1 is bad") == 2
    assert capsys.readouterr().err.startswith("error: --fail-if: expected 'f1 < 0.93' or ")


@pytest.mark.parametrize(
    "words",
    [
        ["--metric", "accuracy", "--fail-if", "f1 < 0.99", "--log", "--variant", "base", "--variant", "val"],
        ["--metric=accuracy", "--fail_if=f1 < 0.99", "--log=true", "--variant=base", "--variant=val"],
        ["metric=accuracy", "fail-if=f1 < 0.99", "log=true", "variant=base", "variant=val"],
        ["metric=accuracy", "fail_if=f1 < 0.99", "log=True", "variant=base,val"],
    ],
)
def test_one_grammar(words):
    options = parse(words)
    assert (options.metric, options.fail_if, options.log) == ("accuracy", ["f1 < 0.99"], True)
    assert options.variant == ["base", "val"]


def test_help_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        run("--help")
    lines = capsys.readouterr().out.splitlines()
    assert stop.value.code == 0
    assert lines[0] == "usage: python compare.py [--KEY VALUE ...]"
    assert max(map(len, lines)) <= 80
    described = [line.split()[0] for line in lines if line.startswith("  ") and line[2:3].strip()]
    assert described == list(Options.model_fields)
    assert not [line for line in lines if line.count("(default:") > 1]


def test_a_metric_of_unknown_direction_is_one_line(store, capsys):
    log_run("base")
    assert run("--metric", "best_epoch") == 2
    assert capsys.readouterr().err == (
        "error: best_epoch: it is not known whether higher or lower is better; add --direction lower or "
        "--direction higher\n"
    )
    assert run("metric=best_epoch", "direction=lower") == 0
    assert "best_epoch, lower is better" in capsys.readouterr().out


def test_without_a_cache_the_command_works_and_says_so_once(compared, tmp_path):
    command = [sys.executable, str(REPOSITORY / "compare.py"), "--tracking-uri", compared, "view=robustness"]
    environment = {**os.environ, "CIFAKE_CACHE": "/proc/nowhere"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("predictions are not cached: the cache /proc/nowhere: ")


def test_a_file_that_cannot_be_written_is_one_line(compared, capsys):
    assert run("--tracking-uri", compared, "--output", "/dev/full", "--format", "md") == 2
    assert capsys.readouterr().err == "error: output: /dev/full cannot be written (No space left on device)\n"


def test_the_gates_exit_codes(compared, capsys):
    words = ["--tracking-uri", compared, "--variant", "base", "--variant", "val", "--format"]
    assert run(*words, "json", "--fail-if", "f1 < 0.1") == 0
    (table,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert [row["verdict"] for row in table["rows"]] == ["pass", "pass"]
    assert {"condition", "split", "variant", "verdict", "value", "low", "high", "reason"} == set(
        table["rows"][0]
    )
    assert run(*words, "text", "--fail-if", "f1 < 0.1", "--fail-if", "f1 < 0.99") == 1
    assert "f1 < 0.99  full   base     fail " in capsys.readouterr().out
    assert run(*words, "csv", "--fail-if", "f1 drops 0.001 vs base") == 3
    assert capsys.readouterr().err.startswith("cannot tell: 'f1 drops 0.001 vs base' of val at ")
    assert run(*words, "text", "--fail-if", "f1 is bad") == 2
    assert capsys.readouterr().err.startswith("error: --fail-if: expected 'f1 < 0.93' or ")


def test_the_report_is_kept_in_a_run_of_its_own(store, capsys):
    log_run("base", f1=0.9)
    assert run("--log") == 0
    (found,) = mlflow.search_runs(["1"], filter_string="tags.tool = 'compare'", output_format="list")
    page = mlflow.artifacts.load_text(f"{found.info.artifact_uri}/report.html")
    assert "<h2>Which is best?</h2>" in page
    assert (found.info.run_name, found.info.status) == ("compare f1", "FINISHED")
    assert "compare f1" not in capsys.readouterr().out


def test_mlflow_run_keeps_the_report_in_its_run(store, tmp_path):
    log_run("base", f1=0.9)
    words = ["-e", "compare", "--experiment-name", "cifake", "-P", "metric=accuracy"]
    done = launch(*words, "-P", "fail-if=accuracy drops 0.1 vs nope", cwd=tmp_path)
    assert "error: the baseline 'nope' is not among the rows" in done.stderr
    done = launch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "test/accuracy, higher is better" in done.stdout
    kept, failed = mlflow.search_runs(["1"], filter_string="params.metric LIKE '%'", output_format="list")
    assert (failed.info.status, kept.info.status) == ("FAILED", "FINISHED")
    assert (failed.info.run_name, kept.info.run_name) == ("compare", "compare accuracy")
    assert failed.data.tags["failure"].startswith("RunError: the baseline 'nope' is not among the rows")
    assert kept.data.tags["tool"] == "compare"
    assert "base" in mlflow.artifacts.load_text(f"{kept.info.artifact_uri}/report.html")


@pytest.mark.parametrize(
    ("words", "name", "reason"),
    [
        (["--metrik", "f1"], "compare", "ConfigError: unknown option 'metrik'; did you mean 'metric'?"),
        (["--metric", "best_epoch"], "compare", "ConfigError: best_epoch: it is not known whether higher "),
        (["--variant", "nope"], "compare", "RunError: no finished run with variant 'nope'; there are: base"),
        (
            ["--output", "/dev/full", "--format", "md"],
            "compare",
            "RunError: output: /dev/full cannot be written (No space",
        ),
        (["--promote", "--variant", "nope"], "promote", "RunError: no finished run with variant 'nope'"),
        (["promote=true", "--variant", "nope"], "promote", "RunError: no finished run with variant 'nope'"),
        (["--promote"], "promote f1", "RunError: run "),
    ],
)
def test_the_run_of_a_project_says_why_the_command_failed(store, monkeypatch, words, name, reason):
    log_run("base", predictions=made_scores(1.0, 0))
    client = mlflow.MlflowClient()
    launched = client.create_run("1", run_name="nosy-cat-12").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", launched)
    assert run(*words) == 2
    launched = client.get_run(launched)
    assert (launched.info.status, launched.info.run_name) == ("FAILED", name)
    assert launched.data.tags["tool"] == name.split()[0]
    assert launched.data.tags["failure"].startswith(reason)


def test_without_a_store_the_command_makes_none(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    command = [sys.executable, str(REPOSITORY / "compare.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make a run first: mlflow run . -e base" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_comparing_never_loads_tensorflow(compared, tmp_path):
    script = (
        "import sys; from cifake.compare.__main__ import main; main([]); "
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    environment = {"PYTHONPATH": str(REPOSITORY), "MLFLOW_TRACKING_URI": compared}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", ["--promote", "--log"])
def test_a_read_only_store_is_named_in_one_line(store, tmp_path, option):
    log_run("base", f1=0.9)
    address = f"sqlite:///file:{tmp_path}/mlflow.db?mode=ro&uri=true"
    command = [sys.executable, str(REPOSITORY / "compare.py"), "--tracking-uri", address, option]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: the store {address} is read-only for this user; ask for the permission to write, or name "
        "another store\n"
    )
