"""Names of runs that ``mlflow run`` created: given by the user, or made up by MLflow and replaced."""

import re

from mlflow.utils import name_utils

from cifake.contract import NAME_TAG, TOOL_TAG
from cifake.tracking.retry import client, first_requests
from cifake.tracking.run_values import log_values


def name_project_run(run_id: str, tool: str) -> None:
    """Tag the run that ``mlflow run`` created with its tool, and name it so unless the user gave a name."""
    with first_requests():
        named = not is_generated(client.get_run(run_id).info.run_name or "")
        log_values(run_id, tags={TOOL_TAG: tool} if named else {TOOL_TAG: tool, NAME_TAG: tool})


def is_generated(run_name: str) -> bool:
    """Whether MLflow made the name up because the user gave none: ``sassy-snake-12``.

    MLflow keeps no trace of it, so the words are looked up in its private lists.
    """
    parts = re.fullmatch(r"(.+)-(.+)-\d{1,4}", run_name)
    return not run_name or (
        parts is not None
        and parts[1] in name_utils._GENERATOR_PREDICATES
        and parts[2] in name_utils._GENERATOR_NOUNS
    )
