import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Action, Automation, Input, JsonObject } from "../api/contract.gen.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { Icon } from "../parts/Icon.tsx";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { initialObject, filled, violationsOf, pathText } from "../schema/schema.ts";
import { EventNames } from "./EventNames.tsx";
import { ResourceField } from "./ResourceField.tsx";
import { ACTIONS, actionText, kindOfAction, type ActionDraft, type ActionKind, type Choices, type Moment } from "./actions.ts";
import { KINDS, METRICS, draftOf, triggerOf, type TriggerDraft, type TriggerKind } from "./triggers.ts";

const MOST = 200;
const OPERATORS = ["<", "<=", ">", ">="].map((value) => ({ value, label: value }));

export interface AutomationDraft {
  name: string;
  description: string;
  enabled: boolean;
  trigger: TriggerDraft;
  actions: ActionDraft[];
}

/** Returns an automation as a form has it. */
export function draftOfAutomation(automation: Automation): AutomationDraft {
  const listed = (actions: Action[], moment: Moment) =>
    actions.map((action): ActionDraft => {
      const kind = kindOfAction(action);
      return { kind, values: (action[kind] ?? {}) as JsonObject, moment };
    });
  return {
    name: automation.name,
    description: automation.description,
    enabled: automation.enabled,
    trigger: draftOf(automation.trigger),
    actions: [
      ...listed(automation.actions, "both"),
      ...listed(automation.actions_on_trigger, "fires"),
      ...listed(automation.actions_on_resolve, "resolves"),
    ],
  };
}

/** Returns the automation that a form says. Throws what is wrong with it. */
export function automationOf(draft: AutomationDraft): Input<Automation> {
  const done = (moment: Moment) =>
    draft.actions.filter((action) => action.moment === moment).map(({ kind, values }) => ({ [kind]: values }));
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    enabled: draft.enabled,
    trigger: triggerOf(draft.trigger),
    actions: done("both"),
    actions_on_trigger: done("fires"),
    actions_on_resolve: done("resolves"),
  };
}

/** Returns the first thing that is wrong with the actions, if any is. */
export function faultOfActions(actions: ActionDraft[], choices: Choices): string | undefined {
  if (actions.length === 0) return "It has to do something: add an action.";
  for (const { kind, values } of actions) {
    const schema = ACTIONS[kind]?.schema(choices) ?? {};
    const [violation] = violationsOf(values, schema, schema);
    if (violation !== undefined) return `${actionText(kind)}: ${pathText(violation.path)} ${violation.message.toLowerCase()}`;
  }
  return undefined;
}

/** Returns what actions can be about. */
export function useChoices(): Choices {
  const deployments = useQuery({
    queryKey: ["deployments", "choices"],
    queryFn: ({ signal }) => call("ListDeployments", { page_size: MOST, sort: "DEPLOYMENT_SORT_NAME_ASC" }, signal),
  }).data?.deployments;
  const pools = useQuery({
    queryKey: ["work-pools", "choices"],
    queryFn: ({ signal }) => call("ListWorkPools", { page_size: MOST }, signal),
  }).data?.work_pools;
  const automations = useQuery({
    queryKey: ["automations", "choices"],
    queryFn: ({ signal }) => call("ListAutomations", { page_size: MOST }, signal),
  }).data?.automations;
  const channels = useQuery({
    queryKey: ["channels", "choices"],
    queryFn: ({ signal }) => call("ListChannels", { page_size: MOST }, signal),
  }).data?.channels;
  return useMemo(
    () => ({
      deployments: (deployments ?? []).map((item) => ({ id: item.deployment_id, name: `${item.flow_name}/${item.name}` })),
      pools: (pools ?? []).map((item) => ({ id: item.name, name: item.name })),
      automations: (automations ?? []).map((item) => ({ id: item.automation_id, name: item.name })),
      channels: (channels ?? []).map((item) => ({ id: item.channel_id, name: `${item.name} (${item.kind})` })),
    }),
    [deployments, pools, automations, channels],
  );
}

interface TriggerFieldsProps {
  draft: TriggerDraft;
  onChange: (draft: TriggerDraft) => void;
}

/** When an automation fires. */
export function TriggerFields({ draft, onChange }: TriggerFieldsProps) {
  const change = (part: Partial<TriggerDraft>) => onChange({ ...draft, ...part });
  const pickKind = (kind: TriggerKind) => {
    if (kind !== "json") { change({ kind }); return; }
    try {
      change({ kind, json: JSON.stringify(triggerOf(draft), null, 2) });
    } catch {
      change({ kind });
    }
  };
  return (
    <div className="form">
      <SelectField label="Fires" value={draft.kind} options={KINDS} onChange={(kind) => pickKind(kind as TriggerKind)} />
      {draft.kind === "json" && (
        <TextField
          label="Trigger as JSON"
          hint={'One of event, metric, compound ({"triggers": […], "require": 2, "within": "600s"}) and sequence.'}
          isCode
          lines={12}
          value={draft.json}
          onChange={(json) => change({ json })}
        />
      )}
      {draft.kind === "absence" && (
        <EventNames label="After these events" addLabel="Add one that comes before" hint="Names, joined by commas; empty: always." value={draft.after} onChange={(after) => change({ after })} />
      )}
      {(draft.kind === "events" || draft.kind === "absence") && (
        <>
          <EventNames
            label={draft.kind === "events" ? "On these events" : "None of these events comes"}
            hint='Names, joined by commas; "*" at the end matches any rest.'
            value={draft.expect}
            onChange={(expect) => change({ expect })}
          />
          <div className="field-pair">
            <TextField label="How many" type="number" value={draft.threshold} onChange={(threshold) => change({ threshold })} />
            <TextField
              label="Within"
              hint="Such as 90s, 15m, 1h."
              isRequired={draft.kind === "absence"}
              value={draft.within}
              onChange={(within) => change({ within })}
            />
          </div>
        </>
      )}
      {draft.kind === "metric" && (
        <>
          <SelectField label="Figure" value={draft.metric} options={METRICS} onChange={(metric) => change({ metric })} />
          <div className="field-pair">
            <SelectField label="Is" value={draft.operator} options={OPERATORS} onChange={(operator) => change({ operator })} />
            <TextField label="Line" type="number" value={draft.threshold} onChange={(threshold) => change({ threshold })} />
            <TextField label="Measured over" hint="Such as 1h." value={draft.range} onChange={(range) => change({ range })} />
            <TextField
              label="For how long"
              hint="Empty: at once."
              value={draft.firingFor}
              onChange={(firingFor) => change({ firingFor })}
            />
          </div>
        </>
      )}
      {draft.kind !== "json" && (
        <details className="more-fields">
          <summary>Only of some things</summary>
          <ResourceField
            label="Concerning"
            hint="Runs of a deployment or a flow, in a pool, with a tag. Nothing chosen: all."
            value={draft.related}
            onChange={(related) => change({ related })}
          />
          <ResourceField
            label={draft.kind === "metric" ? "Of" : "About"}
            hint={draft.kind === "metric" ? "What the figure is of. Nothing chosen: all." : "What the event itself is about: a deployment that changed, one run. Nothing chosen: anything."}
            value={draft.about}
            onChange={(about) => change({ about })}
          />
          {draft.kind !== "metric" && (
            <TextField
              label="Counted apart by"
              hint="Labels, such as headrace.resource.id: then each run counts alone; related:flow:headrace.resource.id: each flow."
              value={draft.forEach}
              onChange={(forEach) => change({ forEach })}
            />
          )}
        </details>
      )}
    </div>
  );
}

interface ActionFieldsProps {
  actions: ActionDraft[];
  choices: Choices;
  canResolve: boolean;
  onChange: (actions: ActionDraft[]) => void;
}

/** What an automation does. */
export function ActionFields({ actions, choices, canResolve, onChange }: ActionFieldsProps) {
  const replace = (index: number, next: ActionDraft) => onChange(actions.map((old, place) => (place === index ? next : old)));
  return (
    <div className="form">
      {actions.map((action, index) => (
        <ActionCard
          key={index}
          number={index + 1}
          action={action}
          choices={choices}
          canResolve={canResolve}
          onChange={(next) => replace(index, next)}
          onRemove={() => onChange(actions.filter((_, place) => place !== index))}
        />
      ))}
      <button
        type="button"
        className="button add"
        onClick={() => onChange([...actions, freshAction(choices.channels.length > 0 ? "send_notification" : "call_webhook", choices)])}
      >
        <Icon name="plus" />
        Add an action
      </button>
    </div>
  );
}

function freshAction(kind: ActionKind, choices: Choices): ActionDraft {
  const schema = ACTIONS[kind]?.schema(choices) ?? {};
  return { kind, values: initialObject(schema, schema), moment: "fires" };
}

interface ActionCardProps {
  number: number;
  action: ActionDraft;
  choices: Choices;
  canResolve: boolean;
  onChange: (action: ActionDraft) => void;
  onRemove: () => void;
}

function ActionCard({ number, action, choices, canResolve, onChange, onRemove }: ActionCardProps) {
  const [broken, setBroken] = useState<Record<string, string>>({});
  const schema = useMemo(() => ACTIONS[action.kind]?.schema(choices), [action.kind, choices]);
  return (
    <fieldset className="form-group">
      <legend>{`Action ${number}`}</legend>
      <div className="field-pair">
        <SelectField
          label="Do"
          value={action.kind}
          options={Object.keys(ACTIONS).map((value) => ({ value, label: actionText(value) }))}
          onChange={(kind) => onChange({ ...freshAction(kind as ActionKind, choices), moment: action.moment })}
        />
        {canResolve && (
          <SelectField
            label="When"
            value={action.moment}
            options={[
              { value: "fires", label: "it fires" },
              { value: "resolves", label: "it is over" },
              { value: "both", label: "it fires and when it is over" },
            ]}
            onChange={(moment) => onChange({ ...action, moment: moment as Moment })}
          />
        )}
      </div>
      {schema === undefined ? (
        <pre className="code">{JSON.stringify(action.values, null, 2)}</pre>
      ) : (
        <SchemaForm
          schema={schema}
          value={filled(action.values, schema, schema)}
          violations={Object.entries(broken).map(([path, message]) => ({ path: [path], message }))}
          onChange={(values) => onChange({ ...action, values })}
          onBroken={(path, message) =>
            setBroken(({ [path]: former, ...others }) => (message === undefined ? others : { ...others, [path]: message }))
          }
        />
      )}
      <button type="button" className="button" aria-label={`Remove action ${number}`} onClick={onRemove}>
        <Icon name="trash" />
        Remove
      </button>
    </fieldset>
  );
}

/** The name of an automation, and whether it is on. */
export function NameFields({ draft, onChange }: { draft: AutomationDraft; onChange: (part: Partial<AutomationDraft>) => void }) {
  return (
    <div className="form">
      <TextField label="Name" isRequired value={draft.name} onChange={(name) => onChange({ name })} />
      <TextField label="What it is for" value={draft.description} onChange={(description) => onChange({ description })} />
      <CheckField label="It is on" isChecked={draft.enabled} onChange={(enabled) => onChange({ enabled })} />
    </div>
  );
}
