"""`headrace login`."""

from __future__ import annotations

import dataclasses
import http.server
import platform
import sys
import threading
import time
import urllib.parse
import webbrowser

import click

from headrace import errors
from headrace.api.v1 import sign_in_pb2, workspace_pb2
from headrace.cli import output
from headrace.client import Client, get_client
from headrace.credentials import keep_key
from headrace.profiles import load_profiles, save_profiles
from headrace.settings import DEFAULT_API_URL, Settings, check_setting, get_settings

_WAITING = (
    b"<!doctype html><meta charset=utf-8><title>Headrace</title><p>Back in the terminal. You can close this page."
)


@click.command("login")
@click.option("--url", metavar="URL", help="HTTP address of the server; it is kept in the profile.")
@click.option("--no-browser", is_flag=True, help="Open no browser here: show an address and a code for any other one.")
@click.option("--key", is_flag=True, help="Take a key from standard input in place of asking in a browser.")
@click.option("--no-keyring", is_flag=True, help="Keep the key in the profiles file even where there is a keyring.")
@output.output_option
def command(url: str | None, no_browser: bool, key: bool, no_keyring: bool, as_json: bool) -> None:
    """Sign in, and keep a key of yours in the active profile."""
    settings = get_settings()
    if url is not None:
        check_setting("HEADRACE_API_URL", url)
        settings = dataclasses.replace(settings, api_url=url.rstrip("/"), grpc_address=None)
    settings = dataclasses.replace(settings, api_key=None)
    client = get_client(settings)
    if not client.server.authentication_required:
        output.note("This server asks nobody who they are; nothing was kept.")
        return
    if key:
        text = sys.stdin.readline().strip()
    else:
        text = _ask(client, settings, with_browser=not no_browser)
    who = get_client(dataclasses.replace(settings, api_key=text)).workspaces.GetCaller(workspace_pb2.GetCallerRequest())
    is_in_keyring = _keep(settings, url, text, may_use_keyring=not no_keyring)
    if as_json:
        output.print_json({**output.to_plain(who), "kept_in": "keyring" if is_in_keyring else "profile"})
        return
    place = "the keyring of this system" if is_in_keyring else str(settings.profiles_file)
    output.done(f"{who.display_name} is signed in; the key is in {place}.")


def _ask(client: Client, settings: Settings, *, with_browser: bool) -> str:
    came_back = threading.Event()
    with _Loopback(came_back) if with_browser else _Nothing() as port:
        begun = client.sign_in.BeginDeviceSignIn(
            sign_in_pb2.BeginDeviceSignInRequest(client_name=f"headrace on {platform.node()}"[:200], loopback_port=port)
        )
        address = f"{settings.api_url or DEFAULT_API_URL}{begun.verification_path}"
        is_open = with_browser and webbrowser.open(address)
        output.note(f"{'Go on in your browser' if is_open else 'Open this address in a browser'}: {address}")
        output.note(f"It shows the code {begun.user_code}.")
        request = sign_in_pb2.CollectDeviceSignInRequest(device_code=begun.device_code)
        interval = begun.interval.ToTimedelta().total_seconds()
        deadline = time.monotonic() + (begun.expires_at.ToNanoseconds() / 1e9 - time.time())
        while time.monotonic() < deadline:
            got = client.sign_in.CollectDeviceSignIn(request)
            if not got.pending:
                return got.key
            # With a browser on this machine the page comes back here as soon as somebody has decided.
            came_back.wait(interval)
            came_back.clear()
    raise errors.DeadlineExceeded("nobody let this program in; run `headrace login` again")


class _Nothing:
    def __enter__(self) -> int:
        return 0

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""


class _Loopback:
    """Waits on a port of this machine for the browser to come back."""

    def __init__(self, came_back: threading.Event) -> None:
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_ours = bool(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("code"))
                self.send_response(200 if is_ours else 404)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(_WAITING if is_ours else b"")
                if is_ours:
                    came_back.set()

            def log_message(self, *_: object) -> None:
                """Say nothing: the terminal belongs to the command."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._thread = threading.Thread(target=self._server.serve_forever, name="login", daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _keep(settings: Settings, url: str | None, key: str, *, may_use_keyring: bool) -> bool:
    profiles = load_profiles(settings.profiles_file)
    name, values = profiles.values_of(settings.profile or None)
    kept = keep_key(f"{name} {settings.api_url or DEFAULT_API_URL}", key, may_use_keyring=may_use_keyring)
    changed = {**values, "HEADRACE_API_KEY": kept}
    if url is not None and settings.api_url:
        changed["HEADRACE_API_URL"] = settings.api_url
    save_profiles(profiles.with_values(name, changed))
    return kept != key
