"""Write runs to MLflow; the only package that does. What a run holds is the run contract."""

from cifake.tracking.result import log_model, log_result
from cifake.tracking.run import fail_launched_run, log_epoch, tracked_run
from cifake.tracking.tool import log_report
from cifake.tracking.trials import log_search, only_process, search_directory, tracked_trial

__all__ = [
    "fail_launched_run",
    "log_epoch",
    "log_model",
    "log_report",
    "log_result",
    "log_search",
    "only_process",
    "search_directory",
    "tracked_run",
    "tracked_trial",
]
