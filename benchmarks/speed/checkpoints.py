"""What keeping the state after each epoch costs, as a share of the epoch.

python -m benchmarks.speed.checkpoints

Base on the demo set's 800 images (split small, where epochs are shortest) and on all of them; median over
epochs of the seconds in the checkpoint's own callback, and of the seconds an epoch takes without it.
"""

import itertools
import logging
import statistics
import tempfile
import time
from pathlib import Path

import keras

from cifake.config import load as load_settings
from cifake.data import load
from cifake.models import build_model
from cifake.training import fit
from cifake.training.checkpoint import Checkpoint

EPOCHS = 5


def main() -> None:
    logging.disable()
    spent: list[float] = []
    on_epoch_end = Checkpoint.on_epoch_end

    def timed(self, *arguments):
        start = time.perf_counter()
        on_epoch_end(self, *arguments)
        spent.append(time.perf_counter() - start)

    Checkpoint.on_epoch_end = timed
    print("| split | epoch, s | checkpoint, s | share | file, MB |\n|---|---|---|---|---|")
    for split in ("small", "full"):
        spent.clear()
        settings = load_settings("experiments/base.yaml", {"split": split, "epochs": EPOCHS})
        data = load("demo", split)
        ends: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "state.npz"
            keras.utils.set_random_seed(0)
            fit(
                build_model(settings), data, settings,
                lambda *_, ends=ends: ends.append(time.perf_counter()), checkpoint=file,
            )  # fmt: skip
            size = file.stat().st_size / 1e6
        kept = statistics.median(spent)
        whole = statistics.median(b - a for a, b in itertools.pairwise(ends)) - kept
        print(
            f"| {split}, {len(data.train):,} | {whole:.3f} | {kept:.3f} | {kept / whole:.1%} | {size:.1f} |"
        )


if __name__ == "__main__":
    main()
