"""`headrace open`: the pages of the server in a browser."""

from __future__ import annotations

import urllib.parse
import webbrowser

import click

from headrace.cli import lookup, output
from headrace.settings import DEFAULT_API_URL, get_settings


@click.command("open")
@click.argument("page", default="")
@click.option("--no-browser", is_flag=True, help="Only say where it is.")
def command(page: str, no_browser: bool) -> None:
    """Open the pages of the server in a browser: the dashboard, or PAGE, such as `runs` or `deployments`."""
    # Whoever is not there has no pages, and that is said better here than by the browser.
    lookup.client()
    show(page, with_browser=not no_browser)


def show(page: str, *, with_browser: bool = True) -> None:
    """Open a page of the server, and say where it is.

    Args:
        page: Its path, such as `runs/ID`.
        with_browser: False only says where it is.
    """
    settings = get_settings()
    address = f"{settings.api_url or DEFAULT_API_URL}/{urllib.parse.quote(page.lstrip('/'), safe='/?=&')}"
    output.console.print(address, markup=False, soft_wrap=True)
    if with_browser and not webbrowser.open(address):
        output.note("No browser could be opened here.")
