"""Messages between a worker and its fork server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headrace.worker import framing

_MESSAGES = st.lists(st.tuples(st.dictionaries(st.text(max_size=5), st.integers() | st.text()), st.binary(max_size=64)))


@given(_MESSAGES, st.integers(min_value=1, max_value=50))
def test_messages_arrive_whole_however_the_stream_is_cut(
    messages: list[tuple[framing.Message, bytes]], piece: int
) -> None:
    stream = b"".join(framing.encode(message, blob) for message, blob in messages)
    decoder = framing.Decoder()
    arrived = []
    for start in range(0, len(stream), piece):
        arrived += decoder.feed(stream[start : start + piece])
    assert arrived == messages
