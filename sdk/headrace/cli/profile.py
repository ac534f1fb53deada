"""`headrace profile ...`: settings for several servers."""

from __future__ import annotations

import click

from headrace import errors
from headrace.cli import output
from headrace.profiles import Profiles, load_profiles, save_profiles
from headrace.settings import get_settings


@click.group("profile")
def command() -> None:
    """Keep settings for several servers."""


def _with(name: str) -> Profiles:
    """Return the profiles, of which `name` is one."""
    profiles = load_profiles(get_settings().profiles_file)
    if name not in profiles.names:
        raise errors.NotFound(
            f"There is no profile '{name}'; there are {', '.join(profiles.names)}."
            f" Create it with: headrace profile create {name}"
        )
    return profiles


@command.command("ls")
@output.output_option
def list_profiles(as_json: bool) -> None:
    """List profiles; the active one is marked."""
    settings = get_settings()
    profiles = load_profiles(settings.profiles_file)
    rows = [
        {"name": name, "active": name == settings.profile, "settings": len(profiles.values_of(name)[1])}
        for name in profiles.names
    ]
    if as_json:
        output.print_json(rows)
        return
    output.print_table(
        "Profiles",
        ["", "NAME", "SETTINGS"],
        [["*" if row["active"] else "", row["name"], row["settings"]] for row in rows],
    )


@command.command("create")
@click.argument("name")
@click.option("--from", "source", metavar="PROFILE", help="Start with the settings of this profile.")
def create_profile(name: str, source: str | None) -> None:
    """Create a profile."""
    profiles = _with(source) if source else load_profiles(get_settings().profiles_file)
    if name in profiles.names:
        raise errors.AlreadyExists(f"There is a profile named '{name}' already.")
    values = dict(profiles.values_of(source)[1]) if source else {}
    save_profiles(profiles.with_values(name, values))
    output.done(f"Profile '{name}' created. Use it with: headrace profile use {name}")


@command.command("use")
@click.argument("name")
def use_profile(name: str) -> None:
    """Make a profile the active one."""
    save_profiles(_with(name).activated(name))
    output.done(f"Profile '{name}' is active.")


@command.command("inspect")
@click.argument("name", required=False)
@output.output_option
def inspect_profile(name: str | None, as_json: bool) -> None:
    """Show the settings of a profile."""
    settings = get_settings()
    profiles = _with(name) if name else load_profiles(settings.profiles_file)
    shown, values = profiles.values_of(name or settings.profile or None)
    masked = {key: "********" if "KEY" in key else value for key, value in values.items()}
    if as_json:
        output.print_json({"name": shown, "settings": masked})
    else:
        output.print_fields(f"Profile {shown}", masked.items())


@command.command("rename")
@click.argument("name")
@click.argument("new")
def rename_profile(name: str, new: str) -> None:
    """Give a profile a NEW name."""
    save_profiles(_with(name).renamed(name, new))
    output.done(f"Profile '{name}' is named '{new}' now.")


@command.command("delete")
@click.argument("name")
def delete_profile(name: str) -> None:
    """Delete a profile."""
    save_profiles(_with(name).without(name))
    output.done(f"Profile '{name}' deleted.")
