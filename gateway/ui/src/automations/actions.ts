// What automations do, as forms have it and in words.

import type { Action, JsonObject } from "../api/contract.gen.ts";
import type { Schema } from "../schema/schema.ts";

export type ActionKind = keyof Action;

/** When an action is done. */
export type Moment = "fires" | "resolves" | "both";

export interface ActionDraft {
  kind: ActionKind;
  values: JsonObject;
  moment: Moment;
}

export interface Choice {
  id: string;
  name: string;
}

/** What actions can be about. */
export interface Choices {
  deployments: Choice[];
  pools: Choice[];
  automations: Choice[];
  channels: Choice[];
}

const THE_EVENTS = "the one that the event is about";

function chosen(title: string, choices: Choice[], none = THE_EVENTS): Schema {
  return {
    type: "string",
    title,
    default: "",
    enum: ["", ...choices.map(({ id }) => id)],
    enumNames: [none, ...choices.map(({ name }) => name)],
  };
}

const FLOW_RUN: Schema = { type: "string", title: "Flow run", description: `Its id; empty: ${THE_EVENTS}.`, default: "" };
const TARGET_RUN: Schema = { type: "object", properties: { target_id: FLOW_RUN } };

interface ActionForm {
  label: string;
  schema: (choices: Choices) => Schema;
}

function target(label: string, title: string, of: (choices: Choices) => Choice[], none?: string): ActionForm {
  return { label, schema: (choices) => ({ type: "object", properties: { target_id: chosen(title, of(choices), none) } }) };
}

function pool(label: string): ActionForm {
  return {
    label,
    schema: ({ pools }) => ({ type: "object", properties: { work_pool_name: chosen("Work pool", pools) } }),
  };
}

function queue(label: string): ActionForm {
  return {
    label,
    schema: ({ pools }) => ({
      type: "object",
      properties: {
        work_pool_name: chosen("Work pool", pools),
        work_queue_name: { type: "string", title: "Queue", default: "" },
      },
    }),
  };
}

function schedule(label: string): ActionForm {
  return {
    label,
    schema: ({ deployments }) => ({
      type: "object",
      properties: {
        deployment_id: chosen("Deployment", deployments),
        schedule_id: { type: "string", title: "Schedule", description: "Its id.", default: "" },
      },
      required: ["schedule_id"],
    }),
  };
}

const OWN = "this automation";

/** The actions that there is a form for; others are written as JSON. */
export const ACTIONS: Partial<Record<ActionKind, ActionForm>> = {
  send_notification: {
    label: "tell a channel",
    schema: ({ channels }) => ({
      type: "object",
      properties: {
        channel_id: { ...chosen("Channel", channels, "Choose …"), minLength: 1, position: 0 },
        subject: {
          type: "string",
          title: "Subject",
          description: "A template, such as {{ flow_run.name }} failed. Empty: what happened, in a line.",
          default: "",
          position: 1,
        },
        body: {
          type: "string",
          format: "template",
          title: "Text",
          description: "A template. Empty: the state's message, the last error and the last lines of the log.",
          default: "",
          position: 2,
        },
      },
      required: ["channel_id"],
    }),
  },
  call_webhook: {
    label: "call a URL",
    schema: () => ({
      type: "object",
      properties: {
        url: { type: "string", title: "URL", description: "http or https", minLength: 8, position: 0 },
        method: { type: "string", title: "Method", enum: ["POST", "PUT", "PATCH", "GET", "DELETE"], default: "POST", position: 1 },
        body_template: {
          type: "string",
          format: "template",
          title: "Text",
          description: "A template, such as {{ flow_run.name }} is {{ event.name }}. Empty: the event as JSON.",
          default: "",
          position: 2,
        },
        headers: { type: "object", additionalProperties: { type: "string" }, title: "Headers as JSON", default: {}, position: 3 },
        signing_secret: {
          type: "string",
          writeOnly: true,
          title: "Secret that it is signed with",
          description: "HMAC-SHA256; never shown again.",
          default: "",
          position: 4,
        },
        allow_private_addresses: {
          type: "boolean",
          title: "Addresses of private networks and of the server's machine are allowed",
          default: false,
          position: 5,
        },
      },
      required: ["url"],
    }),
  },
  run_deployment: {
    label: "run a deployment",
    schema: ({ deployments }) => ({
      type: "object",
      properties: {
        deployment_id: { ...chosen("Deployment", deployments), position: 0 },
        parameters: { type: "object", title: "Parameters as JSON", description: "Texts are templates.", default: {}, position: 1 },
      },
    }),
  },
  pause_deployment: target("pause a deployment", "Deployment", ({ deployments }) => deployments),
  resume_deployment: target("resume a deployment", "Deployment", ({ deployments }) => deployments),
  cancel_flow_run: { label: "cancel the flow run", schema: () => ({ type: "object", properties: { flow_run_id: FLOW_RUN } }) },
  suspend_flow_run: { label: "suspend the flow run", schema: () => TARGET_RUN },
  resume_flow_run: { label: "resume the flow run", schema: () => TARGET_RUN },
  delete_flow_run: { label: "delete the flow run", schema: () => TARGET_RUN },
  change_flow_run_state: {
    label: "change the state of the flow run",
    schema: () => ({
      type: "object",
      properties: {
        flow_run_id: { ...FLOW_RUN, position: 0 },
        type: {
          type: "string",
          title: "State",
          enum: ["SCHEDULED", "PAUSED", "CANCELLED", "COMPLETED", "FAILED", "CRASHED"].map((word) => `STATE_TYPE_${word}`),
          enumNames: ["Scheduled", "Paused", "Cancelled", "Completed", "Failed", "Crashed"],
          default: "STATE_TYPE_FAILED",
          position: 1,
        },
        message: { type: "string", title: "Message", description: "A template.", default: "", position: 2 },
        force: { type: "boolean", title: "By force", default: false, position: 3 },
      },
    }),
  },
  send_run_input: {
    label: "send the event to a flow run",
    schema: () => ({
      type: "object",
      properties: { flow_run_id: FLOW_RUN, key: { type: "string", title: "Key of the input", minLength: 1 } },
      required: ["key"],
    }),
  },
  pause_work_pool: pool("pause a work pool"),
  resume_work_pool: pool("resume a work pool"),
  pause_work_queue: queue("pause a work queue"),
  resume_work_queue: queue("resume a work queue"),
  pause_schedule: schedule("pause a schedule"),
  resume_schedule: schedule("resume a schedule"),
  pause_automation: target("turn an automation off", "Automation", ({ automations }) => automations, OWN),
  resume_automation: target("turn an automation on", "Automation", ({ automations }) => automations, OWN),
  emit_event: {
    label: "emit an event",
    schema: () => ({
      type: "object",
      properties: {
        name: { type: "string", title: "Name", description: "A template.", minLength: 1, position: 0 },
        resource_id: { type: "string", title: "About", description: `A template; empty: ${THE_EVENTS}.`, default: "", position: 1 },
        payload: { type: "object", title: "Details as JSON", description: "Texts are templates.", default: {}, position: 2 },
      },
      required: ["name"],
    }),
  },
  do_nothing: { label: "do nothing but note it", schema: () => ({ type: "object", properties: {} }) },
};

/** Returns which kind an action is of. */
export function kindOfAction(action: Action): ActionKind {
  const found = Object.entries(action).find(([, value]) => value !== undefined);
  return (found?.[0] ?? "do_nothing") as ActionKind;
}

/** Returns the words for a kind of action. */
export function actionText(kind: string): string {
  return (ACTIONS as Record<string, ActionForm | undefined>)[kind]?.label ?? kind.replaceAll("_", " ");
}
