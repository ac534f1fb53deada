"""The page that says which operations are served says what is served."""

from __future__ import annotations

from tools import prefect_operations


def test_the_page_lists_the_operations_that_are_served() -> None:
    page = prefect_operations.PAGE.read_text()
    assert page == prefect_operations.written(page), "run: python -m tools.prefect_operations"
