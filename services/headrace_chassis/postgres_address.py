"""Where a Postgres is, in words; without what it takes to talk to it."""

from __future__ import annotations

from headrace import errors


def address(url: str) -> str:
    """Return where `url` points, without its user, password and options, for messages."""
    _, _, rest = url.partition("://")
    place, _, options = rest.partition("?")
    place = place.rpartition("@")[2]
    hosts = [option.removeprefix("host=") for option in options.split("&") if option.startswith("host=")]
    return f"{hosts[0]}{place}" if hosts and place.startswith("/") else place


def unreachable(error: BaseException, url: str | None = None) -> errors.Unavailable:
    """Return the error that says that Postgres cannot be reached, and the way out."""
    where = f" at {address(url)}" if url is not None else ""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return errors.Unavailable(
        f"cannot reach Postgres{where} ({what}). Is it running, and is HEADRACE_DATABASE_URL right?",
        reason="DATABASE_UNAVAILABLE",
    )
