"""What clients have to be told so that they find a server that is not where they look."""

from __future__ import annotations

import urllib.parse

from headrace import errors
from headrace.settings import DEFAULT_API_URL, get_settings


def client_hint(http_url: str) -> str:
    """Return a line that says how clients on this machine find the server; empty if they look there already.

    Args:
        http_url: Where the server listens.
    """
    try:
        looked_at = get_settings().api_url or DEFAULT_API_URL
    except errors.HeadraceError:
        # Clients will say what is wrong with their settings; a server runs without them.
        return ""
    if urllib.parse.urlsplit(looked_at).port == urllib.parse.urlsplit(http_url).port:
        return ""
    return f"  Clients     look at {looked_at} until you `export HEADRACE_API_URL={http_url}`"
