"""Codes of notes and warnings. Each is stable, and is a heading of docs/comparing.md, which explains it."""

import re
from importlib import metadata

PAGE = "docs/comparing.md"
CODES = (
    "one-seed", "no-predictions", "not-finite", "no-metric",
    "versions", "other-projects", "run-again", "few-seeds", "rows-not-shown",
    "smallest-difference", "control", "sequential", "partly-tested", "not-tested", "mixed-cell", "too-wide",
)  # fmt: skip
_CODE = re.compile(rf"\[({'|'.join(CODES)})\]")


def note(code: str, text: str) -> str:
    """A note with its code in front: ``[one-seed] ...``.

    Raises:
        ValueError: the code is not one of CODES.
    """
    if code not in CODES:
        raise ValueError(f"expected one of {', '.join(CODES)}, received {code}")
    return f"[{code}] {text}"


def link_codes(escaped: str) -> str:
    """HTML with each code as a link to its paragraph; without an address of the project it names the page."""
    address = _address()
    element = r'<a href="{}/{}#\1">[\1]</a>' if address else r'<abbr title="{1}#\1">[\1]</abbr>'
    return _CODE.sub(element.format(address, PAGE), escaped)


def _address() -> str:
    """Where the project's files are, by its metadata; empty where that does not say."""
    try:
        urls = metadata.metadata("cifake").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((url.partition(", ")[2] for url in urls if url.startswith("Source, ")), "")
