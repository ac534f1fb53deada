import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Text } from "../artifacts/Content.tsx";
import { call } from "../api/client.ts";
import type { RunNote } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { TextField } from "../parts/Fields.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Fault } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";

/** What people wrote about the run. */
export function Notes({ flowRunId }: { flowRunId: string }) {
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const list = usePaged("ListRunNotes", "run-notes", { flow_run_id: flowRunId }, (page) => page.run_notes);
  const add = useChange({
    run: () => call("CreateRunNote", { flow_run_id: flowRunId, text: text.trim() }),
    changes: ["run-notes"],
    onDone: () => setText(""),
  });
  const remove = useChange({
    run: async (note: RunNote) => {
      await call("DeleteRunNote", { flow_run_id: flowRunId, run_note_id: note.run_note_id });
      tell("The note was deleted", async () => {
        await call("CreateRunNote", { flow_run_id: flowRunId, text: note.text });
        await queries.invalidateQueries({ queryKey: ["run-notes"] });
      });
    },
    changes: ["run-notes"],
    failed: "The note could not be deleted",
  });
  return (
    <div className="notes">
      <Listing
        list={list}
        what="notes"
        empty={<p className="quiet">Nobody wrote about this run yet: what was found out, what was done, where the ticket is.</p>}
      >
        {(notes) => (
          <ol className="artifacts" aria-label="Notes">
            {notes.map((note) => (
              <li key={note.run_note_id} className="artifact">
                <header>
                  <strong>{note.author?.display_name === "" || note.author === undefined ? "Somebody" : note.author.display_name}</strong>
                  <span className="actions">
                    <span className="quiet">
                      <Moment at={note.created_at} />
                    </span>
                    <IconButton icon="trash" label="Delete the note" isDisabled={remove.isPending} onClick={() => remove.mutate(note)} />
                  </span>
                </header>
                <Text source={note.text} />
              </li>
            ))}
          </ol>
        )}
      </Listing>
      <form
        className="note-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") add.mutate();
        }}
      >
        <TextField label="A note" hint="In Markdown." lines={4} value={text} onChange={setText} />
        {add.error !== null && <Fault error={add.error} />}
        <button type="submit" className="button button-main" disabled={add.isPending || text.trim() === ""}>
          Add the note
        </button>
      </form>
    </div>
  );
}
