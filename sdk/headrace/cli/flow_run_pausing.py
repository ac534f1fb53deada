"""Commands that pause flow runs and resume them with what they ask for."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click
from google.protobuf import duration_pb2, struct_pb2

from headrace import errors
from headrace.api.v1 import flow_run_pb2, run_input_pb2
from headrace.cli import lookup, output, parameters
from headrace.cli.flow_run_change import tell_verdict
from headrace.client.values import value_from_proto, value_to_proto
from headrace.ids import uuid7

_SHOWN_CHARACTERS = 200


@click.command("pause")
@click.argument("run")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Then the run fails.")
@click.option("--reason", default="", help="Kept with the run.")
@output.output_option
def pause(run: str, timeout: float | None, reason: str, as_json: bool) -> int:
    """Pause a flow run: its process waits and starts no further task."""
    found = lookup.flow_run(run)
    request = flow_run_pb2.PauseFlowRunRequest(
        flow_run_id=found.flow_run_id, request_id=str(uuid7()), timeout=_span(timeout), reason=reason
    )
    response = lookup.client().flow_runs.PauseFlowRun(request)
    return tell_verdict(response.verdict, response.flow_run, as_json)


@click.command("suspend")
@click.argument("run")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Then the run fails.")
@click.option("--reason", default="", help="Kept with the run.")
@output.output_option
def suspend(run: str, timeout: float | None, reason: str, as_json: bool) -> int:
    """Suspend a flow run: its process ends; resumed, any worker goes on with it."""
    found = lookup.flow_run(run)
    request = flow_run_pb2.SuspendFlowRunRequest(
        flow_run_id=found.flow_run_id, request_id=str(uuid7()), timeout=_span(timeout), reason=reason
    )
    response = lookup.client().flow_runs.SuspendFlowRun(request)
    return tell_verdict(response.verdict, response.flow_run, as_json)


@click.command("resume")
@click.argument("run")
@click.option("--input", "given", metavar="JSON", help='What the run asks for, as a JSON object; "-" reads it.')
@click.option(
    "--input-file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A file with the JSON object.",
)
@click.option("-p", "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="One field; may be repeated.")
@click.option("--reason", default="", help="Kept with the run.")
@output.output_option
def resume(
    run: str, given: str | None, file: pathlib.Path | None, pairs: tuple[str, ...], reason: str, as_json: bool
) -> int:
    """Resume a paused or suspended flow run, with what it asks for (see `headrace flow-run inputs`)."""
    if given is not None and file is not None:
        raise click.UsageError("Give --input or --input-file, not both.")
    document = file.read_text(encoding="utf-8") if file is not None else given
    request = flow_run_pb2.ResumeFlowRunRequest(
        flow_run_id=lookup.flow_run(run).flow_run_id, request_id=str(uuid7()), reason=reason
    )
    if document is not None or pairs:
        fields = value_to_proto(parameters.parse(pairs, document, option="--input"), "run_input").struct_value
        request.run_input.CopyFrom(fields)
    response = lookup.client().flow_runs.ResumeFlowRun(request)
    return tell_verdict(response.verdict, response.flow_run, as_json)


@click.command("inputs")
@click.argument("run")
@click.option("--prefix", default="", help="Only those whose keys begin like this.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def inputs(run: str, prefix: str, limit: int, as_json: bool) -> None:
    """Show what was sent to a flow run, and the form that a pause asks with."""
    flow_run_id = lookup.flow_run(run).flow_run_id
    stub = lookup.client().run_inputs

    def page(token: str, size: int) -> run_input_pb2.ListRunInputsResponse:
        return stub.ListRunInputs(
            run_input_pb2.ListRunInputsRequest(
                flow_run_id=flow_run_id, key_prefix=prefix, page_size=size, page_token=token
            )
        )

    found = list(lookup.pages(page, "run_inputs", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Run inputs",
        ["KEY", ("VALUE", {"ratio": 3}), "SENDER", "WHEN"],
        [[each.key, _shown(each.value), each.sender, output.ago(each.created_at)] for each in found],
    )


@click.command("send-input")
@click.argument("run")
@click.argument("key")
@click.argument("value")
@click.option("--sender", default="", help="Who sends it.")
@output.output_option
def send_input(run: str, key: str, value: str, sender: str, as_json: bool) -> None:
    """Send VALUE (JSON, or a text) to a flow run as the input KEY; the first one with a key stays.

    The run receives what has a key that begins with the name of the type that it wants and a dash, as in Order-1 or
    str-1.
    """
    try:
        plain: Any = json.loads(value)
    except ValueError:
        plain = value
    response = lookup.client().run_inputs.CreateRunInput(
        run_input_pb2.CreateRunInputRequest(
            flow_run_id=lookup.flow_run(run).flow_run_id, key=key, value=value_to_proto(plain), sender=sender
        )
    )
    if not response.created:
        raise errors.AlreadyExists(f"The flow run has an input '{key}' already.")
    if as_json:
        output.print_json(response.run_input)
    else:
        output.done(f"Input '{key}' sent.")


def _span(seconds: float | None) -> duration_pb2.Duration | None:
    if seconds is None:
        return None
    span = duration_pb2.Duration()
    span.FromNanoseconds(round(seconds * 1e9))
    return span


def _shown(value: struct_pb2.Value) -> str:
    text = json.dumps(value_from_proto(value), ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


COMMANDS = (pause, suspend, resume, inputs, send_input)
