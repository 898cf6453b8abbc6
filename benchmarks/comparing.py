"""`compare.py` over 100 runs, against `import mlflow` alone."""

import tempfile

import mlflow

from benchmarks.measure import in_turn, show
from benchmarks.overhead import seconds
from cifake.config import load
from cifake.evaluation.metrics import PREDICTION_METRICS

VARIANTS, SEEDS, EPOCHS = 20, 5, 20


def make_store(uri: str) -> None:
    """Runs by the run contract, with made-up numbers; artifacts are not read and left out."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("cifake")
    for variant in range(VARIANTS):
        for seed in range(SEEDS):
            settings = load("experiments/base.yaml", {"seed": seed, "epochs": variant + 1})
            with mlflow.start_run():
                mlflow.set_tags(
                    {
                        "variant": f"variant{variant}",
                        "config_hash": settings.config_hash(),
                        "dataset": "cifake",
                        "dataset_digest": "made-up",
                        "split": "full",
                        "test_images": 20000,
                    }
                )
                mlflow.log_params(settings.flat())
                for epoch in range(EPOCHS):
                    mlflow.log_metrics({"train/loss": 0.1, "val/loss": 0.2, "val/accuracy": 0.9}, step=epoch)
                value = 0.9 + variant / 1000 + seed / 10000
                mlflow.log_metrics({f"test/{metric.name}": value for metric in PREDICTION_METRICS})


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        make_store(store)
        values = in_turn(
            {
                "import mlflow": lambda: seconds("-c", "import mlflow"),
                "compare.py": lambda: seconds("compare.py", "--tracking-uri", store),
            },
            rounds=7,
        )
    show(
        f"{VARIANTS * SEEDS} runs in SQLite", "seconds", values,
        {("compare.py", "import mlflow"): "at most 1.5"},
    )  # fmt: skip


if __name__ == "__main__":
    main()
