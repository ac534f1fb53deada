"""The page about the state machine."""

from __future__ import annotations

from tools.state_machine import PAGE, page


def test_the_page_says_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/state_machine.py"
