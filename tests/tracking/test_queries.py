"""Runs are found in a large store: MLflow answers a search by pages of a thousand."""

import mlflow

from cifake.comparison.run_store import RunStore
from cifake.contract import RUN_KEY_TAG, TRIAL_TAG
from cifake.core.paging import every_page
from cifake.tracking.queries import FINISHED, search_runs, tagged


def test_every_page_of_an_answer_is_read(store):
    client = mlflow.MlflowClient()
    made = [client.create_run("1").info.run_id for _ in range(5)]
    read = [run.info.run_id for run in every_page(client.search_runs, ["1"], max_results=2)]
    assert sorted(read) == sorted(made)
    assert list(every_page(client.search_runs, ["0"], max_results=2)) == []


def test_a_run_is_found_behind_a_thousand_newer_experiments(store):
    client = mlflow.MlflowClient()
    run = client.create_run("1", tags={RUN_KEY_TAG: "a", TRIAL_TAG: "0"}).info.run_id
    client.set_terminated(run)
    for number in range(1000):
        client.create_experiment(f"other {number}")
    assert [found.info.run_id for found in search_runs(tagged(RUN_KEY_TAG, "a"), FINISHED)] == [run]
    assert [found.info.run_id for found in RunStore(store).trials()] == [run]
