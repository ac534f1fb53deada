"""Texts that come from anywhere, such as messages of errors, as they can be sent and stored."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return a text with those characters written out, as `\\x00`, that neither UTF-8 nor Postgres can hold.

    These are NUL, and the halves of surrogate pairs with which Python keeps undecodable bytes of file names.
    """
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\x00", "\\x00") if "\x00" in text else text
