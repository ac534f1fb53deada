import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Channel, ChannelKind, ChannelPolicy, Input, Severity } from "../api/contract.gen.ts";
import { TIME_ZONES, secondsOfText, textOfSpan } from "../deployments/schedules.ts";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { asSchema, filled, initialObject } from "../schema/schema.ts";
import { useSchemaForm } from "../schema/useSchemaForm.ts";
import { SEVERITIES } from "./policies.ts";

interface ChannelDialogProps {
  kind: ChannelKind;
  channel: Channel | undefined;
  /** Those that it can escalate to. */
  channels: Channel[];
  onClose: () => void;
}

interface PolicyDraft {
  perMinute: string;
  groupWithin: string;
  quietFrom: string;
  quietUntil: string;
  zone: string;
  passes: Severity;
  escalateAfter: string;
  escalateTo: string;
  tries: string;
}

function draftOf(policy: ChannelPolicy | undefined): PolicyDraft {
  return {
    perMinute: policy === undefined || Number(policy.most_per_minute) === 0 ? "" : String(policy.most_per_minute),
    groupWithin: textOfSpan(policy?.group_within),
    quietFrom: policy?.quiet_hours?.begins_at ?? "",
    quietUntil: policy?.quiet_hours?.ends_at ?? "",
    zone: policy?.quiet_hours?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    passes: policy?.quiet_hours?.passes ?? "SEVERITY_CRITICAL",
    escalateAfter: textOfSpan(policy?.escalation?.after),
    escalateTo: policy?.escalation?.channel_id ?? "",
    tries: policy === undefined || policy.most_tries === 0 ? "" : String(policy.most_tries),
  };
}

function span(text: string, what: string): string | undefined {
  if (text.trim() === "") return undefined;
  const seconds = secondsOfText(text);
  if (seconds === undefined) throw new Error(`${what} is a span such as 90s, 15m or 1h 30m.`);
  return `${seconds}s`;
}

function policyOf(draft: PolicyDraft): Input<ChannelPolicy> {
  return {
    most_per_minute: Number(draft.perMinute) || 0,
    group_within: span(draft.groupWithin, "How long messages are gathered"),
    quiet_hours:
      draft.quietFrom === "" || draft.quietUntil === ""
        ? undefined
        : { begins_at: draft.quietFrom, ends_at: draft.quietUntil, zone: draft.zone, passes: draft.passes },
    escalation:
      draft.escalateTo === ""
        ? undefined
        : { after: span(draft.escalateAfter === "" ? "30m" : draft.escalateAfter, "The time to escalate"), channel_id: draft.escalateTo },
    most_tries: Number(draft.tries) || 0,
  };
}

/** Makes or changes a channel, by the schema of its kind, with how messages are sent to it. */
export function ChannelDialog({ kind, channel, channels, onClose }: ChannelDialogProps) {
  const schema = useMemo(() => asSchema(kind.schema), [kind]);
  const form = useSchemaForm(schema, () =>
    channel === undefined ? initialObject(schema, schema) : filled(channel.config ?? {}, schema, schema),
  );
  const [name, setName] = useState(channel?.name ?? "");
  const [description, setDescription] = useState(channel?.description ?? "");
  const [policy, setPolicy] = useState(() => draftOf(channel?.policy));
  const change = (part: Partial<PolicyDraft>) => setPolicy((old) => ({ ...old, ...part }));
  const save = useChange({
    run: async () => {
      const fields = { name: name.trim(), description: description.trim(), config: form.value, policy: policyOf(policy) };
      return channel === undefined
        ? call("CreateChannel", { channel: { ...fields, kind: kind.kind } })
        : call("UpdateChannel", {
            channel: { ...fields, channel_id: channel.channel_id },
            update_mask: "name,description,config,policy",
          });
    },
    changes: ["channels"],
    done: channel === undefined ? "The channel was made: send a test" : "The channel was changed",
    onDone: onClose,
  });
  return (
    <FormDialog title={channel === undefined ? `New channel: ${kind.title}` : `Change ${channel.name}`} isWide save={save} check={() => form.check()} onClose={onClose}>
      <div className="form">
        <TextField label="Name of the channel" isRequired autoFocus value={name} onChange={setName} />
        <TextField label="What it is for" value={description} onChange={setDescription} />
        <SchemaForm schema={schema} value={form.value} violations={form.shown} onChange={form.setValue} onBroken={form.onBroken} />
        {kind.documentation_url.startsWith("https://") && (
          <a href={kind.documentation_url} target="_blank" rel="noreferrer">
            {`What ${kind.title} says of it`}
          </a>
        )}
      </div>
      <details className="more-fields">
        <summary>How messages are sent: gathering, rate, quiet hours, escalation</summary>
        <div className="field-pair">
          <TextField
            label="Gather messages for"
            hint="Such as 5m: those that belong together become one. Empty: each is sent alone."
            value={policy.groupWithin}
            onChange={(groupWithin) => change({ groupWithin })}
          />
          <TextField
            label="Most messages a minute"
            hint={`Empty: ${Number(kind.most_per_minute)}`}
            type="number"
            value={policy.perMinute}
            onChange={(perMinute) => change({ perMinute })}
          />
          <TextField label="Quiet from" type="time" value={policy.quietFrom} onChange={(quietFrom) => change({ quietFrom })} />
          <TextField label="Quiet until" type="time" value={policy.quietUntil} onChange={(quietUntil) => change({ quietUntil })} />
          <SelectField
            label="Time zone"
            value={policy.zone === "" ? "UTC" : policy.zone}
            options={TIME_ZONES.map((zone) => ({ value: zone, label: zone }))}
            onChange={(zone) => change({ zone })}
          />
          <SelectField
            label="Sent in quiet hours, too"
            value={policy.passes === "SEVERITY_UNSPECIFIED" ? "SEVERITY_CRITICAL" : policy.passes}
            options={SEVERITIES}
            onChange={(passes) => change({ passes: passes as Severity })}
          />
          <SelectField
            label="If nobody acknowledges, tell"
            value={policy.escalateTo}
            options={[
              { value: "", label: "nobody else" },
              ...channels
                .filter((other) => other.channel_id !== channel?.channel_id)
                .map((other) => ({ value: other.channel_id, label: other.name })),
            ]}
            onChange={(escalateTo) => change({ escalateTo })}
          />
          <TextField
            label="After"
            hint="Such as 30m."
            value={policy.escalateAfter}
            onChange={(escalateAfter) => change({ escalateAfter })}
          />
          <TextField label="Most tries" hint="Empty: 12." type="number" value={policy.tries} onChange={(tries) => change({ tries })} />
        </div>
      </details>
    </FormDialog>
  );
}
