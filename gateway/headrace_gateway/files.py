"""Files that the server gives out as they are: the built UI and the pages of the gateway itself.

All files are read when the server starts, so that a request never touches the disk and no path can lead
elsewhere. Files with a hash in their name are kept by browsers for good, all others are asked for again by ETag.
"""

from __future__ import annotations

import dataclasses
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable

from headrace_gateway.http import Headers, Scope, Send, header, respond
from headrace_gateway.security import PAGE_HEADERS

_HASHED = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")
_FOR_GOOD = b"public, max-age=31536000, immutable"
_ASK_AGAIN = b"no-cache"
_ENCODINGS = ((".br", b"br"), (".gz", b"gzip"))
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclasses.dataclass(frozen=True, slots=True)
class StaticFile:
    """One file with its compressed forms."""

    body: bytes
    media_type: bytes
    etag: bytes
    cache: bytes
    encoded: tuple[tuple[bytes, bytes], ...]
    """Name of the encoding and the body in it, smallest first."""


class Files:
    """Files by the path under which they are given out."""

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        self._files = dict(files)

    @classmethod
    def load(cls, folder: Traversable) -> Files:
        """Read everything below `folder`; an empty or missing folder has no files."""
        return cls(dict(_load(folder)) if folder.is_dir() else {})

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __len__(self) -> int:
        return len(self._files)

    async def send(self, path: str, scope: Scope, send: Send, headers: Headers = ()) -> None:
        """Send the file at `path`.

        Raises:
            KeyError: There is none.
        """
        file = self._files[path]
        common = [*PAGE_HEADERS, *headers, (b"etag", file.etag), (b"cache-control", file.cache)]
        if header(scope, b"if-none-match") == file.etag:
            await respond(send, 304, b"", common)
            return
        common.append((b"content-type", file.media_type))
        body = file.body
        if file.encoded:
            common.append((b"vary", b"accept-encoding"))
            accepted = {
                part.partition(b";")[0].strip() for part in (header(scope, b"accept-encoding") or b"").split(b",")
            }
            for encoding, encoded in file.encoded:
                if encoding in accepted:
                    common.append((b"content-encoding", encoding))
                    body = encoded
                    break
        await respond(send, 200, body, common)


def _load(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, StaticFile]]:
    entries = {entry.name: entry for entry in folder.iterdir()}
    for name, entry in sorted(entries.items()):
        path = f"{prefix}/{name}"
        if entry.is_dir():
            yield from _load(entry, path)
        elif not name.startswith(".") and not name.endswith(tuple(suffix for suffix, _ in _ENCODINGS)):
            body = entry.read_bytes()
            encoded = [
                (encoding, entries[name + suffix].read_bytes())
                for suffix, encoding in _ENCODINGS
                if name + suffix in entries
            ]
            yield (
                path,
                StaticFile(
                    body=body,
                    media_type=_media_type(name),
                    etag=b'"%s"' % hashlib.sha256(body).hexdigest()[:20].encode(),
                    cache=_FOR_GOOD if _HASHED.search(path) else _ASK_AGAIN,
                    encoded=tuple(sorted(encoded, key=lambda pair: len(pair[1]))),
                ),
            )


def _media_type(name: str) -> bytes:
    suffix = name[name.rfind(".") :]
    return (_MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream").encode()
