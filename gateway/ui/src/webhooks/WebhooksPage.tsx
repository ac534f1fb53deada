import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Webhook } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { CopyButton } from "../parts/CopyButton.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { PageHead } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { useChange } from "../parts/useChange.ts";
import { WebhookDialog } from "./WebhookDialog.tsx";
import { WebhookSecret, WebhookStatus } from "./parts.tsx";
import { addressOf } from "./words.ts";

const EXAMPLE = `headrace webhook create deploys --event deploy.done
curl $HEADRACE_API_URL/hooks/SLUG -H "X-Headrace-Token: SECRET" --json '{"stage": "production"}'
headrace event ls --name deploy.done`;

/** Addresses that other systems call; each call becomes an event. */
export function WebhooksPage() {
  const navigate = useNavigate();
  const [{ text = "" }, change] = useAddress();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<{ webhook: Webhook; secret: string }>();
  const list = usePaged("ListWebhooks", "webhooks", { name_contains: text }, (page) => page.webhooks);
  const flip = useChange({
    run: (webhook: Webhook) =>
      call("UpdateWebhook", { webhook: { webhook_id: webhook.webhook_id, paused: !webhook.paused }, update_mask: "paused" }),
    changes: ["webhooks"],
    failed: "The webhook could not be changed",
  }).mutate;
  const columns = useMemo(() => columnsWith(flip), [flip]);
  const goTo = (webhook: Webhook) => navigate({ to: "/webhooks/$webhookId", params: { webhookId: webhook.webhook_id } });
  return (
    <>
      <PageHead
        title="Webhooks"
        actions={
          <>
            <SearchField label="Search webhooks" value={text} onChange={(next) => change({ text: next })} />
            <button type="button" className="button button-main" onClick={() => setMaking(true)}>
              <Icon name="plus" />
              New webhook
            </button>
          </>
        }
      />
      <Listing
        list={list}
        what="webhooks"
        empty={
          text === "" ? (
            <Empty title="No webhooks yet" code={EXAMPLE}>
              <p>
                A webhook is an address of this server that other systems call: GitHub, a shop, a script. Each call becomes an event, and{" "}
                <Link to="/automations">automations</Link> do something when it comes.
              </p>
            </Empty>
          ) : (
            <Empty title="No webhook is called so">
              <p>
                <Link to="/webhooks">Show all webhooks</Link>
              </p>
            </Empty>
          )
        }
      >
        {(rows) => <DataTable label="Webhooks" columns={columns} rows={rows} rowKey={(webhook) => webhook.webhook_id} />}
      </Listing>
      {isMaking && (
        <WebhookDialog
          webhook={undefined}
          onClose={() => setMaking(false)}
          onMade={(webhook, secret) => {
            if (secret === "") void goTo(webhook);
            else setMade({ webhook, secret });
          }}
        />
      )}
      {made !== undefined && <WebhookSecret {...made} onClose={() => void goTo(made.webhook)} />}
    </>
  );
}

function columnsWith(onFlip: (webhook: Webhook) => void): Column<Webhook>[] {
  return [
    {
      id: "name",
      header: "Webhook",
      cell: ({ row: { original: webhook } }) => (
        <Link to="/webhooks/$webhookId" params={{ webhookId: webhook.webhook_id }} className="run-link">
          <span className="run-name">{webhook.name}</span>
          <span className="quiet clipped">{webhook.description === "" ? webhook.template?.event_name : webhook.description}</span>
        </Link>
      ),
    },
    { id: "status", header: "Status", cell: ({ row: { original: webhook } }) => <WebhookStatus webhook={webhook} /> },
    {
      id: "address",
      header: "Address",
      cell: ({ row: { original: webhook } }) => (
        <span className="copied">
          <code className="clipped short">{`/hooks/${webhook.slug}`}</code>
          <CopyButton text={addressOf(webhook)} label={`Copy the address of ${webhook.name}`} />
        </span>
      ),
    },
    {
      id: "calls",
      header: "Calls taken",
      cell: ({ row: { original: webhook } }) => <span className="number">{Number(webhook.received_count).toLocaleString()}</span>,
    },
    { id: "last", header: "Last call", cell: ({ row: { original: webhook } }) => <Moment at={webhook.last_received_at} /> },
    {
      id: "actions",
      header: () => <span className="hidden">What to do</span>,
      cell: ({ row: { original: webhook } }) => (
        <button type="button" className="button" aria-label={`${webhook.paused ? "Resume" : "Pause"} ${webhook.name}`} onClick={() => onFlip(webhook)}>
          {webhook.paused ? "Resume" : "Pause"}
        </button>
      ),
    },
  ];
}
