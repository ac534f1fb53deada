import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { BackfillOrder, CreateBackfillRequest, Deployment, Input, JsonObject } from "../api/contract.gen.ts";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { useChange } from "../parts/useChange.ts";
import { asSchema, propertiesOf } from "../schema/schema.ts";
import { ruleText, ruleWords } from "./schedules.ts";
import { parametersText } from "./words.ts";

const PREVIEWED = 100;
const OWN_RULE = "";

interface Draft {
  name: string;
  what: "times" | "parameters" | "both";
  from: string;
  until: string;
  schedule: string;
  cron: string;
  slotParameter: string;
  matrix: string;
  order: BackfillOrder;
  concurrency: string;
}

function requestOf(deployment: Deployment, draft: Draft, isTrial: boolean): Input<CreateBackfillRequest> {
  const hasTimes = draft.what !== "parameters";
  if (hasTimes && (draft.from === "" || draft.until === "")) throw new Error("Say from when until when.");
  return {
    deployment_id: deployment.deployment_id,
    name: draft.name.trim(),
    range: hasTimes
      ? {
          from: new Date(draft.from).toISOString(),
          until: new Date(draft.until).toISOString(),
          schedule_slug: draft.schedule,
          rule: draft.schedule === OWN_RULE ? { cron: { expression: draft.cron, time_zone: "" } } : undefined,
          slot_parameter: draft.slotParameter,
        }
      : undefined,
    matrix: draft.what === "times" ? undefined : (JSON.parse(draft.matrix) as JsonObject),
    order: draft.order,
    concurrency: Number(draft.concurrency) || 0,
    dry_run: isTrial,
  };
}

/** Makes up for the past in two steps: what to run, and a look at the runs that this makes. */
export function BackfillDialog({ deployment, onClose }: { deployment: Deployment; onClose: () => void }) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState<Draft>({
    name: "",
    what: "times",
    from: "",
    until: "",
    schedule: deployment.schedules[0]?.slug ?? OWN_RULE,
    cron: "0 0 * * *",
    slotParameter: "",
    matrix: '{\n  "name": ["one", "two"]\n}',
    order: "BACKFILL_ORDER_ASC",
    concurrency: "1",
  });
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const trial = useChange({ run: async () => call("CreateBackfill", requestOf(deployment, draft, true)), changes: [] });
  const make = useChange({
    run: async () => call("CreateBackfill", requestOf(deployment, draft, false)),
    changes: ["backfills"],
    onDone: ({ backfill }) => {
      onClose();
      if (backfill !== undefined) void navigate({ to: "/backfills/$backfillId", params: { backfillId: backfill.backfill_id } });
    },
  });
  const parameters = propertiesOf(asSchema(deployment.content?.parameter_schema)).map(([name]) => name);
  const looked = trial.data;
  const isLooking = looked !== undefined;
  const back = () => {
    trial.reset();
    make.reset();
  };
  return (
    <FormDialog
      title={`Backfill of ${deployment.name}`}
      action={isLooking ? "Start the backfill" : "Show the runs"}
      isWide
      isReady={looked?.runs.length !== 0}
      save={isLooking ? make : trial}
      onBack={isLooking ? back : undefined}
      onClose={onClose}
    >
      <p className="steps" role="status">
        {isLooking ? "Step 2 of 2: look, and start" : "Step 1 of 2: what to run"}
      </p>
      {looked === undefined ? (
        <>
          <TextField label="Name" hint="Empty: it is named by its time." value={draft.name} onChange={(name) => change({ name })} />
          <SelectField
            label="A run for each"
            value={draft.what}
            options={[
              { value: "times", label: "time of a schedule" },
              { value: "parameters", label: "combination of parameters" },
              { value: "both", label: "time and combination of parameters" },
            ]}
            onChange={(what) => change({ what: what as Draft["what"] })}
          />
          {draft.what !== "parameters" && (
            <div className="field-pair">
              <TextField label="From" type="datetime-local" isRequired value={draft.from} onChange={(from) => change({ from })} />
              <TextField label="Until" type="datetime-local" isRequired value={draft.until} onChange={(until) => change({ until })} />
              <SelectField
                label="Times of"
                value={draft.schedule}
                options={[
                  ...deployment.schedules.map((schedule) => ({ value: schedule.slug, label: `${schedule.slug}: ${ruleWords(schedule) ?? ruleText(schedule)}` })),
                  { value: OWN_RULE, label: "a cron expression" },
                ]}
                onChange={(schedule) => change({ schedule })}
              />
              {draft.schedule === OWN_RULE && (
                <TextField label="Cron expression (UTC)" isCode value={draft.cron} onChange={(cron) => change({ cron })} />
              )}
              <SelectField
                label="Parameter that gets the time"
                value={draft.slotParameter}
                options={[{ value: "", label: "None" }, ...parameters.map((name) => ({ value: name, label: name }))]}
                onChange={(slotParameter) => change({ slotParameter })}
              />
            </div>
          )}
          {draft.what !== "times" && (
            <TextField
              label="Lists of values by parameter, as JSON"
              hint="Each combination makes a run."
              lines={5}
              isCode
              value={draft.matrix}
              onChange={(matrix) => change({ matrix })}
            />
          )}
          <div className="field-pair">
            <TextField
              label="Runs at once"
              hint="0: as many as can."
              type="number"
              value={draft.concurrency}
              onChange={(concurrency) => change({ concurrency })}
            />
            <SelectField
              label="Order"
              value={draft.order}
              options={[
                { value: "BACKFILL_ORDER_ASC", label: "The oldest first" },
                { value: "BACKFILL_ORDER_DESC", label: "The newest first" },
              ]}
              onChange={(order) => change({ order: order as BackfillOrder })}
            />
          </div>
        </>
      ) : (
        <>
          <p>
            <strong>{`${looked.backfill?.progress?.total ?? looked.runs.length} runs`}</strong> will be made:
          </p>
          <ol className="planned">
            {looked.runs.slice(0, PREVIEWED).map((run) => (
              <li key={run.number}>
                {run.slot_at !== undefined && <Moment at={run.slot_at} />} <span>{parametersText(run.parameters)}</span>
              </li>
            ))}
          </ol>
          {looked.runs.length > PREVIEWED && <p className="quiet">{`These are the first ${PREVIEWED}.`}</p>}
        </>
      )}
    </FormDialog>
  );
}
