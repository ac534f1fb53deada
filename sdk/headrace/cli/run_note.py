"""`headrace flow-run note ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import run_note_pb2
from headrace.cli import lookup, output
from headrace.ids import uuid7


@click.group("note")
def command() -> None:
    """Keep notes on flow runs."""


@command.command("add")
@click.argument("run")
@click.argument("text")
@output.output_option
def add_note(run: str, text: str, as_json: bool) -> None:
    """Add a note, in Markdown, to a flow run."""
    request = run_note_pb2.CreateRunNoteRequest(
        flow_run_id=lookup.flow_run(run).flow_run_id, run_note_id=str(uuid7()), text=text
    )
    note = lookup.client().run_notes.CreateRunNote(request).run_note
    if as_json:
        output.print_json(note)
    else:
        output.done(f"Note {note.run_note_id} added.")


@command.command("ls")
@click.argument("run")
@output.output_option
def list_notes(run: str, as_json: bool) -> None:
    """List the notes on a flow run, oldest first."""
    stub = lookup.client().run_notes
    flow_run_id = lookup.flow_run(run).flow_run_id

    def page(token: str, size: int) -> run_note_pb2.ListRunNotesResponse:
        return stub.ListRunNotes(
            run_note_pb2.ListRunNotesRequest(flow_run_id=flow_run_id, page_size=size, page_token=token)
        )

    notes = list(lookup.pages(page, "run_notes", 0))
    if as_json:
        output.print_json(notes)
        return
    output.print_table(
        "Notes",
        [("NOTE", {"ratio": 1}), "BY", "WHEN", "ID"],
        [[note.text, note.author.display_name, output.ago(note.created_at), note.run_note_id] for note in notes],
    )


@command.command("delete")
@click.argument("run")
@click.argument("note_id")
def delete_note(run: str, note_id: str) -> None:
    """Delete a note of a flow run."""
    lookup.client().run_notes.DeleteRunNote(
        run_note_pb2.DeleteRunNoteRequest(flow_run_id=lookup.flow_run(run).flow_run_id, run_note_id=note_id)
    )
    output.done(f"Note {note_id} deleted.")
