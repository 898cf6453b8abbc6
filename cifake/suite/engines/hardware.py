"""What this machine has: cores, memory and GPUs, shared out to worker processes."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

import joblib
import psutil

WORKER_BYTES = 2 * 2**30  # TensorFlow and MLflow take 1 GB; the data is shared between workers
PATIENCE = 20  # seconds; a driver that hangs is no GPU


def divide(jobs: int, workers: int | None, gpus: Sequence[str]) -> tuple[int, int]:
    """Worker processes for so many jobs, and threads for each of them.

    Args:
        jobs: at least one worker is started, at most one a job.
        workers: as asked for; None chooses by cores, free memory and GPUs, of which each has one.
        gpus: of this machine.
    """
    cores = joblib.cpu_count()
    fitting = max(1, psutil.virtual_memory().available // WORKER_BYTES)
    count = max(1, min(jobs, workers or min(cores, fitting, len(gpus) or cores)))
    return count, max(1, cores // count)


def find_gpus() -> list[str]:
    """The GPUs that CUDA may use, as CUDA_VISIBLE_DEVICES names them; TensorFlow is not loaded for it.

    A GPU is named by its UUID, since nvidia-smi and CUDA count them in different orders.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        names = [name.strip() for name in given.split(",")]
        # CUDA reads up to the first name that is none: "" and "-1" hide what follows.
        hidden = next((n for n, name in enumerate(names) if name in ("", "-1")), len(names))
        return names[:hidden]
    driver = shutil.which("nvidia-smi")
    if not driver:
        return []
    try:
        listed = subprocess.run(  # noqa: S603, the driver's own tool
            [driver, "-L"], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):  # it cannot reach a GPU, and neither could TensorFlow
        return []
    return re.findall(r"^GPU \d+: .*\(UUID: (\S+)\)", listed.stdout, re.MULTILINE)
