from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headrace_log.rules.grams import MOST_BITS, hashes_of, may_contain, summarise


@given(st.text(max_size=60), st.text(min_size=1, max_size=12), st.text(max_size=60))
def test_what_is_in_a_text_is_never_denied(before: str, part: str, behind: str) -> None:
    text = f"{before}{part}{behind}".encode(errors="replace")
    assert may_contain(summarise(text), part)


@given(st.text("abcXYZ 0123", min_size=2, max_size=12))
def test_upper_and_lower_case_are_alike(part: str) -> None:
    assert may_contain(summarise(f"... {part.upper()} ...".encode()), part.lower())


def test_most_texts_that_are_not_there_are_denied() -> None:
    text = "\n".join(f"line {number}: loaded {number * 7} rows of orders" for number in range(2000)).encode()
    grams = summarise(text)
    absent = [f"word{number}" for number in range(500)]
    assert sum(may_contain(grams, word) for word in absent) <= 5
    assert not may_contain(grams, "zq")


def test_a_text_without_end_takes_no_more_than_the_most() -> None:
    noise = "".join(chr(33 + place * 7919 % 94) for place in range(300_000)).encode()
    assert len(summarise(noise)) <= MOST_BITS // 8
    assert len(summarise(b"")) == 128


def test_pieces_with_spaces_between_words_tell_nothing() -> None:
    grams = summarise(b"one two\nthree four")
    assert may_contain(grams, "one two")
    assert may_contain(grams, "ne\nthr") is False
    assert may_contain(grams, "two\nthree")
    assert hashes_of("to be") == sorted(hashes_of("to") + hashes_of("be"))


def test_what_is_too_short_or_beyond_ascii_tells_nothing() -> None:
    assert hashes_of("a") == []
    assert hashes_of("éü") == []
    assert len(hashes_of("abcd")) == 1
    assert len(hashes_of("abc")) == 2
