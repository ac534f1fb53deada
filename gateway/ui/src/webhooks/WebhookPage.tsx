import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Webhook } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { useInvalidation } from "../api/watch.ts";
import { secondsOfText } from "../deployments/schedules.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Code } from "../parts/CopyButton.tsx";
import { TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { One } from "../parts/One.tsx";
import { Facts, PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";
import { WebhookDialog } from "./WebhookDialog.tsx";
import { WebhookSecret, WebhookStatus } from "./parts.tsx";
import { authenticationText, callOf } from "./words.ts";

const route = getRouteApi("/webhooks/$webhookId");
const KEYS = ["webhooks", "webhook-events"];

const resourceOf = (webhookId: string) => `headrace.webhook.${webhookId}`;

/** One webhook: how it is called, and what its calls became. */
export function WebhookPage() {
  const { webhookId } = route.useParams();
  useInvalidation([], KEYS, { any_resource_ids: [resourceOf(webhookId)] });
  const query = useQuery({
    queryKey: ["webhooks", webhookId],
    queryFn: ({ signal }) => call("GetWebhook", { webhook: webhookId }, signal),
  });
  return (
    <One
      query={query}
      what="the webhook"
      missing={
        <Empty title="There is no such webhook">
          <p>
            It was deleted, or is in another workspace. <Link to="/webhooks">Show all webhooks</Link>
          </p>
        </Empty>
      }
    >
      {({ webhook: found }) => found !== undefined && <Shown webhook={found} />}
    </One>
  );
}

function Shown({ webhook }: { webhook: Webhook }) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<"change" | "rotate" | "delete">();
  const [secret, setSecret] = useState<string>();
  const id = webhook.webhook_id;
  const flip = useChange({
    run: () => call("UpdateWebhook", { webhook: { webhook_id: id, paused: !webhook.paused }, update_mask: "paused" }),
    changes: ["webhooks"],
    failed: "The webhook could not be changed",
  });
  const remove = useChange({
    run: () => call("DeleteWebhook", { webhook_id: id }),
    changes: [],
    // Asked for again here it would be missing; the list asks when it is shown.
    forgets: "webhooks",
    onDone: () => {
      tell(`${webhook.name} was deleted`);
      void navigate({ to: "/webhooks" });
    },
  });
  const isSigned = webhook.authentication !== "WEBHOOK_AUTHENTICATION_NONE";
  const close = () => setAsked(undefined);
  return (
    <>
      <PageHead
        title={webhook.name}
        from={{ to: "/webhooks", label: "Webhooks" }}
        badge={<WebhookStatus webhook={webhook} />}
        actions={
          <>
            <button type="button" className="button" disabled={flip.isPending} onClick={() => flip.mutate()}>
              <Icon name={webhook.paused ? "play" : "pause"} />
              {webhook.paused ? "Resume" : "Pause"}
            </button>
            <button type="button" className="button" onClick={() => setAsked("change")}>
              <Icon name="edit" />
              Change
            </button>
            {isSigned && (
              <button type="button" className="button" onClick={() => setAsked("rotate")}>
                New secret
              </button>
            )}
            <button type="button" className="button" onClick={() => setAsked("delete")}>
              Delete
            </button>
          </>
        }
      />
      {webhook.description !== "" && <p className="lead">{webhook.description}</p>}
      <Facts
        facts={{
          "Callers prove themselves by": authenticationText(webhook),
          "Calls taken": Number(webhook.received_count).toLocaleString(),
          "Last call": webhook.last_received_at === undefined ? "never" : <Moment at={webhook.last_received_at} />,
          "Most a minute": webhook.most_per_minute === 0 ? "600" : webhook.most_per_minute.toLocaleString(),
          "The same within": spanText(secondsOf(webhook.replay_window) ?? 300),
          Made: <Moment at={webhook.created_at} />,
        }}
      />
      {webhook.last_error !== "" && (
        <p className="state-message">
          The last call that it refused, <Moment at={webhook.last_error_at} />: {webhook.last_error}
        </p>
      )}
      <div className="sections">
        <section>
          <h2>How it is called</h2>
          <Code text={callOf(webhook)} />
        </section>
        <section>
          <h2>What a call becomes</h2>
          <Facts
            facts={{
              Event: <code>{webhook.template?.event_name}</code>,
              About: webhook.template?.resource_id === "" ? "the webhook" : <code>{webhook.template?.resource_id}</code>,
              "A call is named by": webhook.template?.dedup_key === "" ? undefined : <code>{webhook.template?.dedup_key}</code>,
            }}
          />
          {webhook.template?.payload !== undefined && <Code text={JSON.stringify(webhook.template.payload, null, 2)} />}
        </section>
        <Became webhook={webhook} />
      </div>
      {asked === "change" && <WebhookDialog webhook={webhook} onClose={close} />}
      {asked === "rotate" && <RotateDialog webhook={webhook} onClose={close} onSecret={setSecret} />}
      {secret !== undefined && <WebhookSecret webhook={webhook} secret={secret} onClose={() => setSecret(undefined)} />}
      <ConfirmDialog
        title={`Delete ${webhook.name}?`}
        action="Delete the webhook"
        typedName={webhook.name}
        isOpen={asked === "delete"}
        onClose={close}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Who calls its address is refused from then on. The events that it made stay. This cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

/** The newest events that calls became. */
function Became({ webhook }: { webhook: Webhook }) {
  const list = usePaged(
    "ListEvents",
    "webhook-events",
    { filter: { any_resource_ids: [resourceOf(webhook.webhook_id)] }, sort: "EVENT_SORT_OCCURRED_DESC", page_size: 20 },
    (page) => page.events,
  );
  return (
    <section>
      <h2>What its calls became</h2>
      <Listing list={list} what="events" empty={<p className="quiet">No call came yet. What comes shows up here by itself.</p>}>
        {(events) => (
          <ul className="rows" aria-label="Events">
            {events.map((event) => (
              <li key={event.event_id}>
                <span className="version-text">
                  <Link to="/events/$eventId" params={{ eventId: event.event_id }}>
                    {event.name}
                  </Link>
                  {event.resource?.resource_id !== resourceOf(webhook.webhook_id) && (
                    <span className="quiet">{event.resource?.resource_id}</span>
                  )}
                </span>
                <span className="quiet">
                  <Moment at={event.occurred_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Listing>
    </section>
  );
}

function RotateDialog({ webhook, onClose, onSecret }: { webhook: Webhook; onClose: () => void; onSecret: (secret: string) => void }) {
  const [grace, setGrace] = useState("1h");
  const save = useChange({
    run: () => {
      const seconds = grace.trim() === "" ? 0 : secondsOfText(grace);
      if (seconds === undefined) throw new Error("That is a span such as 30m, 1h or 2d.");
      return call("RotateWebhookSecret", { webhook_id: webhook.webhook_id, grace: seconds === 0 ? undefined : `${seconds}s` });
    },
    changes: ["webhooks"],
    onDone: ({ secret }) => {
      onClose();
      onSecret(secret);
    },
  });
  return (
    <FormDialog title="Another secret" action="Make another secret" save={save} onClose={onClose}>
      <p>The server makes another one, and shows it once.</p>
      <TextField label="The one before is taken for" hint="Such as 1h, at most a week. Empty: not any more." autoFocus value={grace} onChange={setGrace} />
    </FormDialog>
  );
}
