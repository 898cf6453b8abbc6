"""What a data set is called: CIFAKE by its content alone, others by their folder or as they are given."""

import re

from cifake.contract import CIFAKE, CIFAKE_DIGEST, DEMO
from cifake.core.errors import DataError
from cifake.data.demo import Demo
from cifake.data.sources import Source

NO_NAME = re.compile(r"[^\w.-]+")  # what tags, run names and file names do without


def name_data(source: Source, digest: str, dataset: str, given: str | None) -> str:
    """The name that keeps the runs of a data set apart from those of others.

    Args:
        source: where it was found.
        digest: of its pixels, labels and parts.
        dataset: which was asked for: ``auto``, ``cifake``, ``demo`` or ``other``.
        given: the user's name for it.

    Raises:
        DataError: it is not what was asked for, or cannot have this name.
    """
    own = CIFAKE if digest.startswith(CIFAKE_DIGEST) else DEMO if isinstance(source, Demo) else ""
    if own:
        if dataset == "other" or given not in (None, own):
            raise DataError(
                f"dataset_name: the images of {source.location} are called {own}; leave dataset_name and "
                "dataset=other out, or set CIFAKE_DATA to other images"
            )
        return own
    others = f"{source.location}: these images are not CIFAKE's (digest {digest[: len(CIFAKE_DIGEST)]})"
    if dataset == CIFAKE:
        raise DataError(f"{others}; set CIFAKE_DATA to CIFAKE, or leave dataset={CIFAKE} out")
    name = given or NO_NAME.sub("-", source.name).strip("-.")
    if not name or name.lower() in (CIFAKE, DEMO):
        raise DataError(f"{others} and cannot be called '{name}'; give dataset_name=<another name>")
    return name
