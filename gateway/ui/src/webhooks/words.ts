// Webhooks in words.

import type { Webhook, WebhookAuthentication, WebhookHandshake } from "../api/contract.gen.ts";

/** How a webhook tells who calls it. */
export const AUTHENTICATIONS: { value: WebhookAuthentication; label: string }[] = [
  { value: "WEBHOOK_AUTHENTICATION_TOKEN", label: "a token that comes along" },
  { value: "WEBHOOK_AUTHENTICATION_GITHUB", label: "a signature as GitHub makes it" },
  { value: "WEBHOOK_AUTHENTICATION_STRIPE", label: "a signature as Stripe makes it" },
  { value: "WEBHOOK_AUTHENTICATION_SLACK", label: "a signature as Slack makes it" },
  { value: "WEBHOOK_AUTHENTICATION_HEADRACE", label: "a signature as Headrace makes it" },
  { value: "WEBHOOK_AUTHENTICATION_NONE", label: "nothing: whoever knows the address may call" },
];

/** Whose question about its address a webhook answers. */
export const HANDSHAKES: { value: WebhookHandshake; label: string }[] = [
  { value: "WEBHOOK_HANDSHAKE_NONE", label: "nobody's" },
  { value: "WEBHOOK_HANDSHAKE_SLACK", label: "Slack's" },
  { value: "WEBHOOK_HANDSHAKE_META", label: "Meta's (Facebook, Instagram, WhatsApp)" },
  { value: "WEBHOOK_HANDSHAKE_MICROSOFT_GRAPH", label: "Microsoft Graph's" },
  { value: "WEBHOOK_HANDSHAKE_EVENT_GRID", label: "Azure Event Grid's" },
  { value: "WEBHOOK_HANDSHAKE_DROPBOX", label: "Dropbox's" },
];

/** What a webhook is filled in with to begin with. */
export const BEGINNINGS: Partial<Record<WebhookAuthentication, { event: string; resource: string; dedup: string }>> = {
  WEBHOOK_AUTHENTICATION_GITHUB: {
    event: "github.{{ request.headers['x-github-event'] }}",
    resource: "repository.{{ request.body.repository.full_name }}",
    dedup: "{{ request.headers['x-github-delivery'] }}",
  },
  WEBHOOK_AUTHENTICATION_STRIPE: { event: "stripe.{{ request.body.type }}", resource: "", dedup: "{{ request.body.id }}" },
  WEBHOOK_AUTHENTICATION_SLACK: { event: "slack.{{ request.body.type }}", resource: "", dedup: "{{ request.body.event_id }}" },
};

/** Returns how a webhook tells who calls it. */
export function authenticationText({ authentication }: Webhook): string {
  return AUTHENTICATIONS.find(({ value }) => value === authentication)?.label ?? "a token that comes along";
}

/** Returns where a webhook is called. */
export function addressOf(webhook: Webhook): string {
  return `${window.location.origin}/hooks/${webhook.slug}`;
}

/** Returns lines that call a webhook. */
export function callOf(webhook: Webhook, secret = "$SECRET"): string {
  const address = addressOf(webhook);
  const body = `'{"stage": "production"}'`;
  switch (webhook.authentication) {
    case "WEBHOOK_AUTHENTICATION_NONE":
      return `curl ${address} \\\n  --json ${body}`;
    case "WEBHOOK_AUTHENTICATION_GITHUB":
    case "WEBHOOK_AUTHENTICATION_STRIPE":
    case "WEBHOOK_AUTHENTICATION_SLACK":
      return `Payload URL: ${address}\nSecret: ${secret}`;
    case "WEBHOOK_AUTHENTICATION_HEADRACE":
      return [
        `at=$(date +%s); body=${body}`,
        `sign=$(printf '%s.%s' "$at" "$body" | openssl dgst -sha256 -hmac "${secret}" -hex | cut -d' ' -f2)`,
        `curl ${address} -H "Headrace-Signature: t=$at,v1=$sign" \\\n  --json "$body"`,
      ].join("\n");
    default:
      return `curl ${address} \\\n  -H "X-Headrace-Token: ${secret}" \\\n  --json ${body}`;
  }
}
