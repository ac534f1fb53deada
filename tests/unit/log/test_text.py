from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_log.rules.text import TextQuery, cut_text, like_pattern, parse_text


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("", (), ()),
        ("  ", (), ()),
        ("a b", ("a", "b"), ()),
        ("-a b", ("b",), ("a",)),
        ('"a b" c', ("a b", "c"), ()),
        ('-"a b"', (), ("a b",)),
        ('"a b', ("a b",), ()),
        ('""', (), ()),
        ("-", (), ()),
        ("a-b", ("a-b",), ()),
        ("--a", (), ("-a",)),
        ('a"b c"', ('a"b', 'c"'), ()),
    ],
)
def test_words_phrases_and_exclusions(text: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> None:
    assert parse_text(text) == TextQuery(wanted, unwanted)
    assert len(parse_text(text)) == len(wanted) + len(unwanted)


def test_a_pattern_takes_what_it_is_given_literally() -> None:
    assert like_pattern(r"50%_\x") == r"%50\%\_\\x%"


@given(st.text(), st.integers(min_value=0, max_value=20))
def test_a_cut_text_is_valid_and_tells_how_much_is_gone(text: str, most: int) -> None:
    data = text.encode()
    cut = cut_text(data, most)
    if len(data) <= most:
        assert cut == data
        return
    kept, _, marker = cut.decode().rpartition("… [")
    assert text.startswith(kept)
    assert most - 3 <= len(kept.encode()) <= most
    assert int(marker.removesuffix(" bytes cut]")) == len(data) - len(kept.encode())
