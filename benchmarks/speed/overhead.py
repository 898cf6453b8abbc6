"""What `python -m cifake.train` costs beyond fitting and beyond importing TensorFlow and MLflow."""

import os
import subprocess
import sys
import tempfile
import time

from benchmarks.measure import in_turn, show
from cifake.data import load


def seconds(*command: str, **environment: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def fit_seconds(store: str) -> float:
    import mlflow

    mlflow.set_tracking_uri(store)
    (run,) = mlflow.search_runs(experiment_names=["cifake"], output_format="list", max_results=1)
    return float(run.data.metrics["cost/train_seconds"])


def main() -> None:
    load("cifake", "small")  # decoded before anything is timed
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        fits: list[float] = []

        def train() -> float:
            total = seconds(
                "-m", "cifake.train", "experiments/base.yaml", "--split", "small",
                MLFLOW_TRACKING_URI=store,
            )  # fmt: skip
            fits.append(fit_seconds(store))
            return total

        train()  # makes the store
        fits.clear()
        values = in_turn(
            {
                "train": train,
                "import tensorflow": lambda: seconds("-c", "import tensorflow"),
                "import mlflow": lambda: seconds("-c", "import mlflow"),
            }
        )
    values["fit"] = fits
    values["beyond"] = [
        total - tensorflow - mlflow - fit
        for total, tensorflow, mlflow, fit in zip(
            values["train"], values["import tensorflow"], values["import mlflow"], fits, strict=True
        )
    ]
    show("base at split=small, wanted beyond: at most 6 s", "seconds", values, {})


if __name__ == "__main__":
    main()
