"""Write runs to MLflow; the only package that does. What a run holds is the run contract."""

from cifake.tracking.ends import fail_launched_run
from cifake.tracking.identity import checkpoint_directory, code_version, run_key
from cifake.tracking.model import Found, find_model
from cifake.tracking.registry import champion, register
from cifake.tracking.result import log_model, log_result
from cifake.tracking.resume import end_lost_runs, finished_run, only_process, unfinished_run
from cifake.tracking.robustness import log_perturbation, log_stress, robust_metrics, stressed, was_tested
from cifake.tracking.run import active_run_id, epoch_log, tracked_run
from cifake.tracking.store import shared_address
from cifake.tracking.suite import earlier_seconds, experiments_of, open_store, suite_run
from cifake.tracking.tool import add_to_run, log_report, name_launched_run
from cifake.tracking.trials import log_search, search_directory, tracked_trial

__all__ = [
    "Found",
    "active_run_id",
    "add_to_run",
    "champion",
    "checkpoint_directory",
    "code_version",
    "earlier_seconds",
    "end_lost_runs",
    "epoch_log",
    "experiments_of",
    "fail_launched_run",
    "find_model",
    "finished_run",
    "log_model",
    "log_perturbation",
    "log_report",
    "log_result",
    "log_search",
    "log_stress",
    "name_launched_run",
    "only_process",
    "open_store",
    "register",
    "robust_metrics",
    "run_key",
    "search_directory",
    "shared_address",
    "stressed",
    "suite_run",
    "tracked_run",
    "tracked_trial",
    "unfinished_run",
    "was_tested",
]
