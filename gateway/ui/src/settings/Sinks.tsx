import { useState } from "react";
import { call } from "../api/client.ts";
import type { Input, LogSink, LogSinkKind } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { useChange } from "../parts/useChange.ts";
import { LEVELS } from "./levels.ts";

const KINDS: { value: LogSinkKind; label: string }[] = [
  { value: "LOG_SINK_KIND_WEBHOOK", label: "an address that takes JSON" },
  { value: "LOG_SINK_KIND_OTLP", label: "an OpenTelemetry collector" },
  { value: "LOG_SINK_KIND_FILE", label: "files on the server" },
];
const EXAMPLE = "headrace log sink set elsewhere --kind otlp --url http://127.0.0.1:4318 --level warning";

/** What is sent to keep a sink as it is: headers without a value stay. */
function kept({ name, kind, url, headers, level_at_least: level, is_paused: paused }: LogSink): Input<LogSink> {
  return { name, kind, url, headers: Object.fromEntries(Object.keys(headers).map((key) => [key, ""])), level_at_least: level, is_paused: paused };
}

function levelText(sink: LogSink): string {
  const found = LEVELS.find(({ value }) => Number(value) === sink.level_at_least);
  return sink.level_at_least === 0 ? "all lines" : `${found?.label.toLowerCase() ?? `level ${sink.level_at_least}`} and above`;
}

/** Where lines are sent on to. */
export function Sinks() {
  const [asked, setAsked] = useState<{ sink: LogSink | undefined }>();
  const [doomed, setDoomed] = useState<LogSink>();
  const list = usePaged("ListLogSinks", "log-sinks", {}, (page) => page.log_sinks);
  const flip = useChange({
    run: (sink: LogSink) => call("SetLogSink", { log_sink: { ...kept(sink), is_paused: !sink.is_paused } }),
    changes: ["log-sinks"],
    failed: "The sink could not be changed",
  });
  const remove = useChange({
    run: () => call("DeleteLogSink", { name: doomed?.name ?? "" }),
    changes: ["log-sinks"],
    done: "The sink was deleted",
  });
  return (
    <section>
      <div className="panel-head">
        <h2>Sent on to</h2>
        <button type="button" className="button" onClick={() => setAsked({ sink: undefined })}>
          <Icon name="plus" />
          New sink
        </button>
        {list.rows.length > 0 && (
          <button type="button" className="button button-bare" onClick={list.refetch}>
            <Icon name="retry" />
            Look again
          </button>
        )}
      </div>
      <Listing
        list={list}
        what="sinks"
        empty={
          <Empty title="Lines stay here" code={EXAMPLE}>
            <p>A sink gets each line at least once, in order: your log store, a collector, files. It waits while the other side is away.</p>
          </Empty>
        }
      >
        {(sinks) => (
          <ul className="cards" aria-label="Sinks">
            {sinks.map((sink) => (
              <li key={sink.name} className="card">
                <div className="card-text">
                  <p className="card-title">
                    {sink.name}
                    <SinkStatus sink={sink} />
                  </p>
                  <p className="quiet">
                    {`${KINDS.find(({ value }) => value === sink.kind)?.label ?? ""}${sink.url === "" ? "" : ` at ${sink.url}`} · ${levelText(sink)} · ${Number(sink.sent_records).toLocaleString()} lines sent`}
                    {sink.sent_at !== undefined && (
                      <>
                        , last <Moment at={sink.sent_at} />
                      </>
                    )}
                  </p>
                  {sink.failures > 0 && <p className="error-line">{`${sink.failures} tries failed: ${sink.last_error}`}</p>}
                </div>
                <span className="actions wrapping">
                  <button type="button" className="button" aria-label={`${sink.is_paused ? "Resume" : "Pause"} ${sink.name}`} disabled={flip.isPending} onClick={() => flip.mutate(sink)}>
                    {sink.is_paused ? "Resume" : "Pause"}
                  </button>
                  <IconButton icon="edit" label={`Change ${sink.name}`} onClick={() => setAsked({ sink })} />
                  <IconButton icon="trash" label={`Delete ${sink.name}`} onClick={() => setDoomed(sink)} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Listing>
      {asked !== undefined && <SinkDialog sink={asked.sink} onClose={() => setAsked(undefined)} />}
      <ConfirmDialog
        title={`Delete ${doomed?.name ?? ""}?`}
        action="Delete the sink"
        typedName={doomed?.name}
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Lines that were not sent yet are not sent any more; here they stay. This cannot be undone.</p>
      </ConfirmDialog>
    </section>
  );
}

function SinkStatus({ sink }: { sink: LogSink }) {
  if (sink.is_paused) return <Mark look="paused" label="Paused" />;
  return sink.failures > 0 ? <Mark look="failed" label="Not taken" title={sink.last_error} /> : <Mark look="completed" label="On" />;
}

function SinkDialog({ sink, onClose }: { sink: LogSink | undefined; onClose: () => void }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<LogSinkKind>(sink?.kind ?? "LOG_SINK_KIND_WEBHOOK");
  const [url, setUrl] = useState(sink?.url ?? "");
  const [level, setLevel] = useState(String(sink?.level_at_least ?? 0));
  const [header, setHeader] = useState("");
  const [value, setValue] = useState("");
  const save = useChange({
    run: () => {
      const headers = { ...(sink === undefined ? {} : kept(sink).headers), ...(header.trim() === "" ? {} : { [header.trim().toLowerCase()]: value }) };
      return call("SetLogSink", {
        log_sink: {
          name: sink?.name ?? name.trim(),
          kind,
          url: kind === "LOG_SINK_KIND_FILE" ? "" : url.trim(),
          headers,
          level_at_least: Number(level),
          is_paused: sink?.is_paused ?? false,
        },
      });
    },
    changes: ["log-sinks"],
    done: sink === undefined ? "The sink was made" : "The sink was changed",
    onDone: onClose,
  });
  const known = Object.keys(sink?.headers ?? {});
  return (
    <FormDialog title={sink === undefined ? "New sink" : `Change ${sink.name}`} save={save} onClose={onClose}>
      {sink === undefined && (
        <TextField label="Name" hint={'Lower case letters, digits, "_" and "-".'} isRequired autoFocus value={name} onChange={setName} />
      )}
      <SelectField label="Lines go to" value={kind} options={KINDS} onChange={(next) => setKind(next as LogSinkKind)} />
      {kind !== "LOG_SINK_KIND_FILE" ? (
        <>
          <TextField
            label="Address"
            hint={kind === "LOG_SINK_KIND_OTLP" ? "What stands before /v1/logs." : "It gets POST requests with up to 500 lines."}
            type="url"
            isRequired
            value={url}
            onChange={setUrl}
          />
          <div className="field-pair">
            <TextField label="Header" hint={known.length === 0 ? "Such as authorization; empty: none." : `There are: ${known.join(", ")}.`} value={header} onChange={setHeader} />
            <TextField label="Its value" hint="Stored encrypted, and never shown." type="password" value={value} onChange={setValue} />
          </div>
        </>
      ) : (
        <p className="field-hint">
          A file a day in the folder that <code>HEADRACE_SERVER_LOG_SINK_FOLDER</code> names.
        </p>
      )}
      <SelectField
        label="Only"
        value={level}
        options={[{ value: "0", label: "all lines" }, ...LEVELS.map((one) => ({ value: one.value, label: `${one.label.toLowerCase()} and above` }))]}
        onChange={setLevel}
      />
    </FormDialog>
  );
}
