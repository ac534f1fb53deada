from __future__ import annotations

import gzip
import importlib.resources
import pathlib
from typing import Any

import pytest

from headrace_gateway.files import Files


@pytest.fixture
def files(tmp_path: pathlib.Path) -> Files:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>page</title>")
    (tmp_path / "assets" / "index-Ab3_d9-Z.js").write_text("script" * 100)
    (tmp_path / "assets" / "index-Ab3_d9-Z.js.gz").write_bytes(gzip.compress(b"script" * 100))
    (tmp_path / "assets" / "index-Ab3_d9-Z.js.br").write_bytes(b"br")
    (tmp_path / ".hidden").write_text("secret")
    return Files.load(tmp_path)


async def get(files: Files, path: str, **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await files.send(path, {"headers": named}, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_a_page_is_asked_for_again_and_a_hashed_file_is_kept(files: Files) -> None:
    status, headers, body = await get(files, "/index.html")
    assert (status, body) == (200, b"<title>page</title>")
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"cache-control"] == b"no-cache"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert b"unsafe" not in headers[b"content-security-policy"]
    assert headers[b"x-content-type-options"] == b"nosniff"
    _, script, _ = await get(files, "/assets/index-Ab3_d9-Z.js")
    assert b"immutable" in script[b"cache-control"]


async def test_what_the_browser_has_is_not_sent_again(files: Files) -> None:
    _, headers, _ = await get(files, "/index.html")
    status, again, body = await get(files, "/index.html", if_none_match=headers[b"etag"].decode())
    assert (status, body) == (304, b"")
    assert again[b"etag"] == headers[b"etag"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate, br", b"br"), ("gzip;q=0.5", b"gzip"), ("identity", None), ("", None)],
)
async def test_the_smallest_form_that_is_understood_is_sent(
    files: Files, accepted: str, encoding: bytes | None
) -> None:
    _, headers, body = await get(files, "/assets/index-Ab3_d9-Z.js", accept_encoding=accepted)
    assert headers.get(b"content-encoding") == encoding
    assert headers[b"vary"] == b"accept-encoding"
    assert int(headers[b"content-length"]) == len(body)


@pytest.mark.parametrize("path", ["/.hidden", "/../secret", "/assets", "/assets/index-Ab3_d9-Z.js.gz", ""])
def test_nothing_else_is_given_out(files: Files, path: str) -> None:
    assert path not in files


def test_a_missing_folder_has_no_files(tmp_path: pathlib.Path) -> None:
    assert len(Files.load(tmp_path / "none")) == 0


def test_pages_of_the_gateway_ask_nobody_else_for_anything() -> None:
    pages = importlib.resources.files("headrace_gateway").joinpath("pages")
    names = {page.name for page in pages.iterdir()}
    assert names == {"docs.css", "docs.html", "docs.js", "not-built.html"}
    for page in pages.iterdir():
        text = page.read_text()
        assert "http://" not in text
        assert "https://" not in text
        assert "<script>" not in text
        assert "style=" not in text
