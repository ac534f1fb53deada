import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Channel, Input, NotificationPolicy, Severity, StateType } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { STATE_TYPES, lookOf } from "../api/states.ts";
import type { ActionDraft } from "../automations/actions.ts";
import { TextPreview } from "../automations/TextPreview.tsx";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";

const MOST = 200;
const SEVERITIES: { value: Severity; label: string }[] = [
  { value: "SEVERITY_UNSPECIFIED", label: "as the state does" },
  { value: "SEVERITY_INFO", label: "little" },
  { value: "SEVERITY_WARNING", label: "a warning" },
  { value: "SEVERITY_ERROR", label: "an error" },
  { value: "SEVERITY_CRITICAL", label: "critical" },
];

function policyWords(policy: NotificationPolicy, channels: Map<string, Channel>): string {
  const states = [...policy.state_types.map((type) => lookOf(type).label), ...policy.state_names].join(" or ");
  const who = policy.channel_ids.map((id) => channels.get(id)?.name ?? "a channel that is gone").join(", ");
  const of = [
    policy.tags.length > 0 ? ` with the tag ${policy.tags.join(" or ")}` : "",
    policy.flow_ids.length > 0 ? ` of ${policy.flow_ids.length} flows` : "",
    policy.deployment_ids.length > 0 ? ` of ${policy.deployment_ids.length} deployments` : "",
  ].join("");
  return `When a run${of} is ${states}, tell ${who}`;
}

/** Which states of runs which channels are told of. */
export function Policies() {
  const [asked, setAsked] = useState<{ policy: NotificationPolicy | undefined }>();
  const list = usePaged("ListNotificationPolicies", "policies", {}, (page) => page.notification_policies);
  const channels = useQuery({
    queryKey: ["channels", "choices"],
    queryFn: ({ signal }) => call("ListChannels", { page_size: MOST }, signal),
  }).data?.channels;
  const byId = new Map((channels ?? []).map((channel) => [channel.channel_id, channel]));
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" disabled={byId.size === 0} onClick={() => setAsked({ policy: undefined })}>
          <Icon name="plus" />
          New policy
        </button>
        {channels?.length === 0 && <span className="quiet">Make a channel first.</span>}
      </div>
      {list.isPending && list.error === null && <Loading what="policies" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && (
        <ul className="cards" aria-label="Policies">
          {list.rows.map((policy) => (
            <li key={policy.notification_policy_id} className="card">
              <PolicyCard policy={policy} words={policyWords(policy, byId)} onEdit={() => setAsked({ policy })} />
            </li>
          ))}
        </ul>
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        <Empty title="No state of a run is told yet">
          <p>A policy tells channels when runs enter states: failed runs to the chat, late ones by mail. For anything else there are automations.</p>
        </Empty>
      )}
      {asked !== undefined && (
        <PolicyDialog policy={asked.policy} channels={channels ?? []} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

function PolicyCard({ policy, words, onEdit }: { policy: NotificationPolicy; words: string; onEdit: () => void }) {
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ["policies"] });
  const name = policy.name === "" ? words : policy.name;
  const flip = useChange({
    run: () =>
      call("UpdateNotificationPolicy", {
        notification_policy: { notification_policy_id: policy.notification_policy_id, paused: !policy.paused },
        update_mask: "paused",
      }),
    changes: ["policies"],
    failed: "The policy could not be changed",
  });
  const remove = useChange({
    run: () => call("DeleteNotificationPolicy", { notification_policy_id: policy.notification_policy_id }),
    changes: ["policies"],
    onDone: () =>
      tell("The policy was deleted", async () => {
        const { notification_policy_id: _id, created_at: _made, updated_at: _changed, last_fired_at: _fired, ...kept } = policy;
        await call("CreateNotificationPolicy", { notification_policy: kept });
        await refresh();
      }),
    failed: "The policy could not be deleted",
  });
  return (
    <>
      <div className="card-text">
        <p className="card-title">
          {name}
          {policy.paused ? <Mark look="paused" label="Paused" /> : <Mark look="completed" label="On" />}
        </p>
        <p className="quiet">
          {policy.name !== "" && `${words} · `}
          {policy.last_fired_at === undefined ? (
            "nobody was told yet"
          ) : (
            <>
              last told <Moment at={policy.last_fired_at} />
            </>
          )}
        </p>
      </div>
      <span className="actions wrapping">
        <button type="button" className="button" disabled={flip.isPending} onClick={() => flip.mutate()}>
          {policy.paused ? "Resume" : "Pause"}
        </button>
        <button type="button" className="button" aria-label={`Change ${name}`} onClick={onEdit}>
          <Icon name="edit" />
        </button>
        <button type="button" className="button" aria-label={`Delete ${name}`} disabled={remove.isPending} onClick={() => remove.mutate()}>
          <Icon name="trash" />
        </button>
      </span>
    </>
  );
}

function toggled<Item>(items: Item[], item: Item): Item[] {
  return items.includes(item) ? items.filter((other) => other !== item) : [...items, item];
}

interface PolicyDialogProps {
  policy: NotificationPolicy | undefined;
  channels: Channel[];
  onClose: () => void;
}

function PolicyDialog({ policy, channels, onClose }: PolicyDialogProps) {
  const [name, setName] = useState(policy?.name ?? "");
  const [states, setStates] = useState<StateType[]>(policy?.state_types ?? ["STATE_TYPE_FAILED", "STATE_TYPE_CRASHED"]);
  const [stateNames, setStateNames] = useState(policy?.state_names.join(", ") ?? "");
  const [tags, setTags] = useState(policy?.tags.join(", ") ?? "");
  const [told, setTold] = useState<string[]>(policy?.channel_ids ?? channels.slice(0, 1).map((channel) => channel.channel_id));
  const [subject, setSubject] = useState(policy?.subject ?? "");
  const [body, setBody] = useState(policy?.body ?? "");
  const [severity, setSeverity] = useState<Severity>(policy?.severity ?? "SEVERITY_UNSPECIFIED");
  const texts: ActionDraft[] = [{ kind: "send_notification", values: { subject, body }, moment: "both" }];
  const trigger = { event: { expect: states.map((type) => `headrace.flow-run.${lookOf(type).label}`) } };
  const words = (text: string) => text.split(",").map((word) => word.trim()).filter((word) => word !== "");
  const save = useChange({
    run: async () => {
      const fields: Input<NotificationPolicy> = {
        name: name.trim(),
        state_types: states,
        state_names: words(stateNames),
        tags: words(tags),
        channel_ids: told,
        subject,
        body,
        severity,
      };
      return policy === undefined
        ? call("CreateNotificationPolicy", { notification_policy: fields })
        : call("UpdateNotificationPolicy", {
            notification_policy: { ...fields, notification_policy_id: policy.notification_policy_id },
            update_mask: "name,state_types,state_names,tags,channel_ids,subject,body,severity",
          });
    },
    changes: ["policies"],
    done: policy === undefined ? "The policy was made" : "The policy was changed",
    onDone: onClose,
  });
  return (
    <FormDialog title={policy === undefined ? "New policy" : "Change the policy"} save={save} onClose={onClose}>
      <fieldset className="form-group">
        <legend>When a run is</legend>
        <div className="check-grid">
          {STATE_TYPES.map((type) => (
            <CheckField
              key={type}
              label={lookOf(type).label}
              isChecked={states.includes(type)}
              onChange={() => setStates(toggled(states, type))}
            />
          ))}
        </div>
        <TextField label="Or in a state with one of these names" hint="Such as Late, joined by commas." value={stateNames} onChange={setStateNames} />
      </fieldset>
      <TextField label="With any of these tags" hint="Joined by commas; empty: all runs." value={tags} onChange={setTags} />
      <fieldset className="form-group">
        <legend>Tell</legend>
        {channels.map((channel) => (
          <CheckField
            key={channel.channel_id}
            label={channel.name}
            isChecked={told.includes(channel.channel_id)}
            onChange={() => setTold(toggled(told, channel.channel_id))}
          />
        ))}
      </fieldset>
      <details className="more-fields">
        <summary>Name and text</summary>
        <TextField label="Name" hint="Empty: it is named by what it says." value={name} onChange={setName} />
        <TextField label="Subject" hint="A template; empty: what happened, in a line." value={subject} onChange={setSubject} />
        <TextField label="Text" hint="A template; empty: the message, the last error, the last lines of the log." lines={4} value={body} onChange={setBody} />
        <SelectField label="It matters" value={severity} options={SEVERITIES} onChange={(next) => setSeverity(next as Severity)} />
        {(subject !== "" || body !== "") && <TextPreview actions={texts} trigger={trigger} />}
      </details>
    </FormDialog>
  );
}
