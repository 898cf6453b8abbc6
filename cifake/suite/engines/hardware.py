"""Divide the cores, memory and GPUs of this machine among worker processes."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

import joblib
import psutil

WORKER_BYTES = 2 * 2**30  # TensorFlow and MLflow take 1 GB; the data is shared between workers
PATIENCE = 20  # seconds; a driver that hangs counts as no GPU


def divide(jobs: int, workers: int | None, gpus: Sequence[str]) -> tuple[int, int]:
    """The number of worker processes, at most one a job, and of threads for each of them.

    Unless ``workers`` gives their number, cores and free memory decide, or GPUs: one works on each.
    """
    cores = joblib.cpu_count()
    fitting = max(1, psutil.virtual_memory().available // WORKER_BYTES)
    count = max(1, min(jobs, workers or min(cores, fitting, len(gpus) or cores)))
    return count, max(1, cores // count)


def find_gpus() -> list[str]:
    """The GPUs that CUDA may use, as CUDA_VISIBLE_DEVICES names them, without importing TensorFlow.

    GPUs are named by UUID, since nvidia-smi and CUDA number them in different orders.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        names = [name.strip() for name in given.split(",")]
        # CUDA stops at the first invalid name: "" and "-1" hide what follows.
        hidden = next((n for n, name in enumerate(names) if name in ("", "-1")), len(names))
        return names[:hidden]
    driver = shutil.which("nvidia-smi")
    if not driver:
        return []
    try:
        listed = subprocess.run(  # noqa: S603, the driver's own tool
            [driver, "-L"], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):  # TensorFlow could not reach a GPU either
        return []
    return re.findall(r"^GPU \d+: .*\(UUID: (\S+)\)", listed.stdout, re.MULTILINE)
