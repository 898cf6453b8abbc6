"""Read all of an answer that MLflow gives by pages."""

from collections.abc import Callable, Iterator
from typing import Any


def every_page(search: Callable[..., Any], *args: Any, **named: Any) -> Iterator[Any]:
    """The entries of all pages of a search of MLflow's client; by itself it answers the first thousand."""
    page = search(*args, **named)
    yield from page
    while page.token:
        page = search(*args, **named, page_token=page.token)
        yield from page
