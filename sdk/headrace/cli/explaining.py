"""`headrace flow-run why`."""

from __future__ import annotations

import click
from rich.text import Text

from headrace.api.v1 import explanation_pb2
from headrace.cli import lookup, output


@click.command("why")
@click.argument("run")
@output.output_option
def why(run: str, as_json: bool) -> None:
    """Say why a flow run is not running, and what to do about it."""
    found = lookup.flow_run(run)
    explained = lookup.client().explanations.ExplainFlowRun(
        explanation_pb2.ExplainFlowRunRequest(flow_run_id=found.flow_run_id)
    )
    if as_json:
        output.print_json(explained)
        return
    console = output.console
    console.print(
        Text.assemble(("Flow run ", "bold"), (found.name, "bold"), " is ", output.state_text(explained.state), ".")
    )
    for place, reason in enumerate(explained.reasons):
        console.print(Text(reason.sentence, style="" if place else "bold"), soft_wrap=True)
        if reason.advice:
            console.print(Text(f"  {reason.advice}", style="cyan"), soft_wrap=True)
