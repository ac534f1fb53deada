"""`headrace deployment sla ...`."""

from __future__ import annotations

import click

from headrace import errors
from headrace.api.v1 import deployment_pb2, service_level_pb2
from headrace.cli import lookup, moments, output

_SEVERITIES = ("minor", "low", "moderate", "high", "critical")
_PROMISES = {
    service_level_pb2.SERVICE_LEVEL_KIND_COMPLETION: "ends within",
    service_level_pb2.SERVICE_LEVEL_KIND_LATENESS: "starts within",
    service_level_pb2.SERVICE_LEVEL_KIND_FREQUENCY: "completes once in",
}


@click.group("sla")
def sla() -> None:
    """See and change what is promised of a deployment. A broken promise is an event."""


def _levels(found: deployment_pb2.Deployment) -> list[service_level_pb2.ServiceLevel]:
    request = service_level_pb2.GetServiceLevelsRequest(deployment_id=found.deployment_id)
    return list(lookup.client().service_levels.GetServiceLevels(request).service_levels)


def _set(found: deployment_pb2.Deployment, levels: list[service_level_pb2.ServiceLevel]) -> None:
    request = service_level_pb2.SetServiceLevelsRequest(deployment_id=found.deployment_id, service_levels=levels)
    lookup.client().service_levels.SetServiceLevels(request)


@sla.command("ls")
@click.argument("name")
@output.output_option
def list_levels(name: str, as_json: bool) -> None:
    """List what is promised of a deployment, and when it was last broken."""
    found = lookup.deployment(name)
    levels = _levels(found)
    if as_json:
        output.print_json(levels)
        return
    output.print_table(
        f"Promises of {found.flow_name}/{found.name}",
        [("NAME", {"ratio": 1}), "A RUN", "SEVERITY", "LAST BROKEN"],
        [
            [
                level.name,
                f"{_PROMISES.get(level.kind, '?')} {output.span(level.within)}"
                + (" (disabled)" if level.disabled else ""),
                service_level_pb2.ServiceLevelSeverity.Name(level.severity)
                .removeprefix("SERVICE_LEVEL_SEVERITY_")
                .lower(),
                output.moment(level.violated_at),
            ]
            for level in levels
        ],
    )


@sla.command("set")
@click.argument("name")
@click.argument("promise")
@click.option("--completion", metavar="SPAN", help="A run ends within this time after it started, e.g. 10m.")
@click.option("--lateness", metavar="SPAN", help="A run starts within this time after it was expected to.")
@click.option("--frequency", metavar="SPAN", help="A run completes at least once in this time.")
@click.option(
    "--severity", type=click.Choice(_SEVERITIES), default="moderate", show_default=True, help="How bad it is."
)
@click.option("--disabled", is_flag=True, help="Do not look at it.")
def set_level(
    name: str,
    promise: str,
    completion: str | None,
    lateness: str | None,
    frequency: str | None,
    severity: str,
    disabled: bool,
) -> None:
    """Promise something of a deployment, or change the promise of this name."""
    spans = {"COMPLETION": completion, "LATENESS": lateness, "FREQUENCY": frequency}
    given = {kind: text for kind, text in spans.items() if text is not None}
    if len(given) != 1:
        raise click.UsageError("Give exactly one of --completion, --lateness and --frequency.")
    [(kind, text)] = given.items()
    found = lookup.deployment(name)
    wanted = service_level_pb2.ServiceLevel(
        name=promise,
        kind=service_level_pb2.ServiceLevelKind.Value(f"SERVICE_LEVEL_KIND_{kind}"),
        severity=service_level_pb2.ServiceLevelSeverity.Value(f"SERVICE_LEVEL_SEVERITY_{severity.upper()}"),
        disabled=disabled,
    )
    wanted.within.FromTimedelta(moments.parse_span(text))
    _set(found, [*(level for level in _levels(found) if level.name != promise), wanted])
    output.done(f"Promise '{promise}' of '{found.flow_name}/{found.name}' is set.")


@sla.command("delete")
@click.argument("name")
@click.argument("promise")
def delete_level(name: str, promise: str) -> None:
    """Take a promise back."""
    found = lookup.deployment(name)
    levels = _levels(found)
    left = [level for level in levels if level.name != promise]
    if len(left) == len(levels):
        raise errors.NotFound(f"'{name}' has no promise '{promise}'.")
    _set(found, left)
    output.done(f"Promise '{promise}' of '{found.flow_name}/{found.name}' is taken back.")
