"""`headrace config ...`: settings of the active profile."""

from __future__ import annotations

import os

import click

from headrace import errors
from headrace.cli import output
from headrace.profiles import load_profiles, save_profiles
from headrace.settings import check_setting, explain_settings, get_settings
from headrace.settings_check import faults_of_settings


@click.group("config")
def command() -> None:
    """See and change settings. The environment wins over the active profile."""


@command.command("view")
@click.option(
    "--show-sources/--hide-sources", default=True, show_default=True, help="Tell where each value comes from."
)
@click.option("--show-defaults", is_flag=True, help="Show settings that nobody has set, too.")
@click.option("--show-secrets", is_flag=True, help="Show secret values.")
@output.output_option
def view(show_sources: bool, show_defaults: bool, show_secrets: bool, as_json: bool) -> None:
    """Show the settings that hold."""
    rows = []
    for setting in explain_settings():
        if setting.source == "default" and not show_defaults:
            continue
        value = "********" if setting.is_secret and setting.value and not show_secrets else setting.value
        rows.append({"setting": setting.env, "value": value, "source": setting.source})
    if as_json:
        output.print_json(rows)
        return
    columns: list[str | tuple[str, dict[str, object]]] = ["SETTING", ("VALUE", {"overflow": "fold", "no_wrap": False})]
    if show_sources:
        columns.append("SOURCE")
    output.print_table(
        f"Settings (profile {get_settings().profile or 'default'})",
        columns,
        [[row["setting"], row["value"], row["source"]][: len(columns)] for row in rows],
    )
    if not show_defaults:
        output.note("Settings that nobody has set: headrace config view --show-defaults")


@command.command("validate")
@output.output_option
def validate(as_json: bool) -> int:
    """Check all profiles and the environment; exits with 1 if something in them is wrong."""
    faults = faults_of_settings(os.environ)
    if as_json:
        output.print_json([{"place": fault.place, "setting": fault.setting, "fault": fault.text} for fault in faults])
    else:
        for fault in faults:
            output.console.print(f"{fault.place}: {fault.setting}: {fault.text}", markup=False, soft_wrap=True)
        if not faults:
            output.done("All settings are as they should be.")
    return output.ExitCode.FAILED if faults else output.ExitCode.OK


@command.command("set")
@click.argument("assignments", nargs=-1, required=True, metavar="SETTING=VALUE...")
def set_values(assignments: tuple[str, ...]) -> None:
    """Set settings in the active profile."""
    values: dict[str, str] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator:
            raise errors.InvalidArgument(f"'{assignment}' is not of the form SETTING=VALUE.")
        check_setting(name, value)
        values[name] = value
    settings = get_settings()
    profiles = load_profiles(settings.profiles_file)
    name, old = profiles.values_of(settings.profile or None)
    save_profiles(profiles.with_values(name, {**old, **values}))
    output.done(f"{', '.join(values)} set in profile '{name}'.")


@command.command("unset")
@click.argument("names", nargs=-1, required=True, metavar="SETTING...")
def unset_values(names: tuple[str, ...]) -> None:
    """Remove settings from the active profile."""
    settings = get_settings()
    profiles = load_profiles(settings.profiles_file)
    profile, old = profiles.values_of(settings.profile or None)
    missing = [name for name in names if name not in old]
    if missing:
        raise errors.NotFound(f"{', '.join(missing)} is not set in profile '{profile}'.")
    save_profiles(profiles.with_values(profile, {key: value for key, value in old.items() if key not in names}))
    output.done(f"{', '.join(names)} unset in profile '{profile}'.")
