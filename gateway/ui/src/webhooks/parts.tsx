import type { Webhook } from "../api/contract.gen.ts";
import { Code } from "../parts/CopyButton.tsx";
import { Once } from "../parts/Once.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { callOf } from "./words.ts";

/** Whether calls are taken, and whether the last one was. */
export function WebhookStatus({ webhook }: { webhook: Webhook }) {
  if (webhook.paused) return <Mark look="paused" label="Paused" />;
  const { last_error_at: failedAt, last_received_at: takenAt } = webhook;
  if (failedAt !== undefined && (takenAt === undefined || Date.parse(failedAt) > Date.parse(takenAt)))
    return <Mark look="failed" label="Refused the last call" title={webhook.last_error} />;
  if (takenAt === undefined) return <Mark look="scheduled" label="Never called" />;
  return <Mark look="completed" label="Takes calls" />;
}

/** The secret of a webhook, and how it is used. */
export function WebhookSecret({ webhook, secret, onClose }: { webhook: Webhook; secret: string; onClose: () => void }) {
  return (
    <Once title={`The secret of ${webhook.name}`} what="the secret" text={secret} onClose={onClose}>
      <p className="said">Who calls uses it so:</p>
      <Code text={callOf(webhook, secret)} />
    </Once>
  );
}
