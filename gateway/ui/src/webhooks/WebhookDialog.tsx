import { useState } from "react";
import { call } from "../api/client.ts";
import type { Input, JsonObject, Webhook, WebhookAuthentication, WebhookHandshake } from "../api/contract.gen.ts";
import { secondsOfText, textOfSpan } from "../deployments/schedules.ts";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";
import { AUTHENTICATIONS, BEGINNINGS, HANDSHAKES } from "./words.ts";

interface WebhookDialogProps {
  /** The one to change; undefined makes one. */
  webhook: Webhook | undefined;
  onClose: () => void;
  onMade?: (webhook: Webhook, secret: string) => void;
}

const CHANGED = "name,description,template,replay_window,most_bytes,most_per_minute,handshake";

function numberText(value: number | undefined): string {
  return value === undefined || value === 0 ? "" : String(value);
}

function payloadOf(text: string): JsonObject | undefined {
  if (text.trim() === "") return undefined;
  const refused = "What the event tells has to be a JSON object.";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${refused} ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(refused);
  return value as JsonObject;
}

/** Makes or changes a webhook. */
export function WebhookDialog({ webhook, onClose, onMade }: WebhookDialogProps) {
  const template = webhook?.template;
  const [name, setName] = useState(webhook?.name ?? "");
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [slug, setSlug] = useState("");
  const [secret, setSecret] = useState("");
  const [authentication, setAuthentication] = useState<WebhookAuthentication>(webhook?.authentication ?? "WEBHOOK_AUTHENTICATION_TOKEN");
  const [event, setEvent] = useState(template?.event_name ?? "");
  const [resource, setResource] = useState(template?.resource_id ?? "");
  const [dedup, setDedup] = useState(template?.dedup_key ?? "");
  const [payload, setPayload] = useState(template?.payload === undefined ? "" : JSON.stringify(template.payload, null, 2));
  const [replay, setReplay] = useState(textOfSpan(webhook?.replay_window));
  const [mostBytes, setMostBytes] = useState(numberText(webhook?.most_bytes));
  const [mostPerMinute, setMostPerMinute] = useState(numberText(webhook?.most_per_minute));
  const [handshake, setHandshake] = useState<WebhookHandshake>(
    webhook === undefined || webhook.handshake === "WEBHOOK_HANDSHAKE_UNSPECIFIED" ? "WEBHOOK_HANDSHAKE_NONE" : webhook.handshake,
  );
  const choose = (next: WebhookAuthentication) => {
    setAuthentication(next);
    if (next === "WEBHOOK_AUTHENTICATION_SLACK") setHandshake("WEBHOOK_HANDSHAKE_SLACK");
    const beginning = BEGINNINGS[next];
    if (beginning === undefined || event !== "") return;
    setEvent(beginning.event);
    setResource(beginning.resource);
    setDedup(beginning.dedup);
  };
  const save = useChange({
    run: async () => {
      const seconds = replay.trim() === "" ? undefined : secondsOfText(replay);
      if (replay.trim() !== "" && seconds === undefined) throw new Error("The replay window is a span such as 90s, 5m or 1h.");
      const fields: Input<Webhook> = {
        name: name.trim(),
        description: description.trim(),
        template: { ...template, event_name: event.trim(), resource_id: resource.trim(), dedup_key: dedup.trim(), payload: payloadOf(payload) },
        replay_window: seconds === undefined ? undefined : `${seconds}s`,
        most_bytes: Number(mostBytes) || 0,
        most_per_minute: Number(mostPerMinute) || 0,
        handshake,
      };
      if (webhook !== undefined)
        return { ...(await call("UpdateWebhook", { webhook: { ...fields, webhook_id: webhook.webhook_id }, update_mask: CHANGED })), secret: "" };
      return call("CreateWebhook", { webhook: { ...fields, slug: slug.trim(), authentication }, secret });
    },
    changes: ["webhooks"],
    done: webhook === undefined ? "The webhook was made" : "The webhook was changed",
    onDone: (saved) => {
      onClose();
      if (saved.webhook !== undefined) onMade?.(saved.webhook, saved.secret);
    },
  });
  return (
    <FormDialog title={webhook === undefined ? "New webhook" : `Change ${webhook.name}`} isWide save={save} onClose={onClose}>
      <div className="form">
        <TextField label="Name" isRequired autoFocus value={name} onChange={setName} />
        <TextField label="What it is for" value={description} onChange={setDescription} />
        {webhook === undefined && (
          <SelectField
            label="Callers prove who they are by"
            value={authentication}
            options={AUTHENTICATIONS}
            onChange={(next) => choose(next as WebhookAuthentication)}
          />
        )}
      </div>
      <h3 className="form-title">A call becomes this event</h3>
      <div className="form">
        <TextField label="Name of the event" hint={"A template: deploy.{{ request.body.stage }}"} isRequired isCode value={event} onChange={setEvent} />
        <TextField label="What it is about" hint={"A template: repository.{{ request.body.repository.full_name }}. Empty: the webhook."} isCode value={resource} onChange={setResource} />
      </div>
      <details className="more-fields">
        <summary>What it tells, its address, and how much it takes</summary>
        <TextField
          label="What the event tells"
          hint={'A JSON object; its texts are templates: {"stage": "{{ request.query.stage }}"}. Empty: the body of the call.'}
          isCode
          lines={4}
          value={payload}
          onChange={setPayload}
        />
        <TextField
          label="What names a call"
          hint={"A template: {{ request.headers['x-github-delivery'] }}. A second call of that name is the same event."}
          isCode
          value={dedup}
          onChange={setDedup}
        />
        <SelectField
          label="Whose question about the address it answers"
          hint="Some services ask before they call for the first time."
          value={handshake}
          options={HANDSHAKES}
          onChange={(next) => setHandshake(next as WebhookHandshake)}
        />
        <div className="field-pair">
          {webhook === undefined && (
            <>
              <TextField label="Last part of its address" hint="Empty: one that nobody guesses." value={slug} onChange={setSlug} />
              {authentication !== "WEBHOOK_AUTHENTICATION_NONE" && (
                <TextField label="Secret" hint="Empty: the server makes one." type="password" value={secret} onChange={setSecret} />
              )}
            </>
          )}
          <TextField label="The same call within" hint="Such as 5m: older ones are refused. Empty: 5m." value={replay} onChange={setReplay} />
          <TextField label="Most calls a minute" hint="Empty: 600." type="number" value={mostPerMinute} onChange={setMostPerMinute} />
          <TextField label="Most bytes of a call" hint="Empty: 262,144." type="number" value={mostBytes} onChange={setMostBytes} />
        </div>
      </details>
    </FormDialog>
  );
}
