"""Where a report comes from: what a reader needs to make it again."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

from mlflow.utils.git_utils import get_git_commit

from cifake.core.addresses import without_password

COMMIT_LENGTH = 8


def provenance(store: str) -> dict[str, str]:
    """Date, store, commit of this code and the command, by title, without passwords.

    Args:
        store: its address.
    """
    facts = {
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "store": without_password(store),
        "commit": (get_git_commit(str(Path(__file__).parent)) or "")[:COMMIT_LENGTH],
        "command": shlex.join(["python", *map(without_password, sys.orig_argv[1:])]),
    }
    return {title: fact for title, fact in facts.items() if fact}
