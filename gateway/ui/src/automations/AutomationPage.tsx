import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { CallError, call } from "../api/client.ts";
import type { Action, Automation, Delivery, DeliveryStatus } from "../api/contract.gen.ts";
import type { NamedKind } from "../api/names.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Named } from "../parts/Named.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark, PageHead } from "../parts/PageHead.tsx";
import { Tabs } from "../parts/Tabs.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { actionText, kindOfAction } from "./actions.ts";
import {
  ActionFields,
  NameFields,
  TriggerFields,
  automationOf,
  draftOfAutomation,
  faultOfActions,
  useChoices,
} from "./AutomationForm.tsx";
import { TextPreview } from "./TextPreview.tsx";
import { Trial } from "./Trial.tsx";
import { triggerOf, triggerText } from "./triggers.ts";

const route = getRouteApi("/automations/$automationId");
const EVENTS = ["headrace.flow-run.*", "headrace.worker.*"];
const TABS = [
  { key: "overview", label: "Overview" },
  { key: "done", label: "What it did" },
  { key: "change", label: "Change" },
] as const;
const MASK = "name,description,enabled,trigger,actions,actions_on_trigger,actions_on_resolve";

const DELIVERY_LOOKS: Record<DeliveryStatus, { look: string; label: string }> = {
  DELIVERY_STATUS_UNSPECIFIED: { look: "unknown", label: "Unknown" },
  DELIVERY_STATUS_PENDING: { look: "pending", label: "Under way" },
  DELIVERY_STATUS_DELIVERED: { look: "completed", label: "Done" },
  DELIVERY_STATUS_DEAD: { look: "failed", label: "Given up" },
};

/** One automation: when it fires, what it did, and what it would do. */
export function AutomationPage() {
  const { automationId } = route.useParams();
  useInvalidation(EVENTS, ["automations", "deliveries"]);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["automations", automationId],
    queryFn: ({ signal }) => call("GetAutomation", { automation_id: automationId }, signal),
  });
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such automation">
        <p>
          It may have been deleted. <Link to="/automations">Show all automations</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.automation === undefined) return <Loading what="the automation" />;
  return <Shown automation={data.automation} />;
}

function Shown({ automation }: { automation: Automation }) {
  const id = automation.automation_id;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [{ tab: asked }, change] = useAddress();
  const tab = TABS.find(({ key }) => key === asked)?.key ?? "overview";
  const [isDeleting, setDeleting] = useState(false);
  const flip = useMutation({
    mutationFn: () =>
      call("UpdateAutomation", { automation: { automation_id: id, enabled: !automation.enabled }, update_mask: "enabled" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["automations"] }),
    onError: (error) => tellFault("The automation could not be changed", error),
  });
  return (
    <>
      <PageHead
        title={automation.name}
        from={{ to: "/automations", label: "Automations" }}
        badge={automation.enabled ? <Mark look="completed" label="On" /> : <Mark look="paused" label="Off" />}
        actions={
          <>
            <button type="button" className="button" disabled={flip.isPending} onClick={() => flip.mutate()}>
              {automation.enabled ? "Turn off" : "Turn on"}
            </button>
            <button type="button" className="button" onClick={() => setDeleting(true)}>
              Delete
            </button>
          </>
        }
      />
      {automation.description !== "" && <p className="lead">{automation.description}</p>}
      <Facts
        facts={{
          When: triggerText(automation.trigger),
          "Last fired": <Moment at={automation.last_fired_at} />,
          Made: <Moment at={automation.created_at} />,
          "Made by": automation.creator?.display_name ?? "",
        }}
      />
      <Tabs tabs={TABS} value={tab} onChange={(next) => change({ tab: next === "overview" ? undefined : next }, true)}>
        {tab === "overview" && (
          <div className="two-columns">
            <div className="sections">
              <Actions title="When it fires" actions={[...automation.actions, ...automation.actions_on_trigger]} />
              <Actions title="When it is over" actions={[...automation.actions, ...automation.actions_on_resolve]} />
              <details className="more-fields">
                <summary>Trigger as JSON</summary>
                <pre className="code" tabIndex={0}>
                  {JSON.stringify(automation.trigger ?? {}, null, 2)}
                </pre>
              </details>
            </div>
            <Trial automationId={id} />
          </div>
        )}
        {tab === "done" && <Done automationId={id} />}
        {tab === "change" && <Change key={automation.updated_at} automation={automation} onDone={() => change({ tab: undefined })} />}
      </Tabs>
      <ConfirmDialog
        title={`Delete ${automation.name}?`}
        action="Delete the automation"
        typedName={automation.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteAutomation", { automation_id: id });
          tell(`${automation.name} was deleted`);
          await navigate({ to: "/automations" });
          await queries.invalidateQueries({ queryKey: ["automations"] });
        }}
      >
        <p>What it did is forgotten, too. This cannot be undone; turning it off can.</p>
      </ConfirmDialog>
    </>
  );
}

function Actions({ title, actions }: { title: string; actions: Action[] }) {
  if (actions.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ol className="rows">
        {actions.map((action, index) => {
          const kind = kindOfAction(action);
          const values = Object.entries((action[kind] ?? {}) as Record<string, unknown>).filter(
            ([, value]) => value !== "" && value !== false && JSON.stringify(value) !== "{}",
          );
          return (
            <li key={index}>
              <strong>{actionText(kind)}</strong>
              {values.map(([name, value]) => (
                <ActionValue key={name} name={name} value={value} />
              ))}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** Fields of actions that are ids, and what of. */
const ID_FIELDS: Record<string, NamedKind> = { channel_id: "channel", deployment_id: "deployment", flow_run_id: "flow-run" };

function ActionValue({ name, value }: { name: string; value: unknown }) {
  const kind = ID_FIELDS[name];
  if (kind !== undefined && typeof value === "string")
    return (
      <span className="resource">
        <span className="quiet">{`${kind.replaceAll("-", " ")}: `}</span>
        <Named kind={kind} id={value} isFull />
      </span>
    );
  return <span className="quiet clipped">{`${name.replaceAll("_", " ")}: ${typeof value === "string" ? value : JSON.stringify(value)}`}</span>;
}

function Done({ automationId }: { automationId: string }) {
  const queries = useQueryClient();
  const request = useMemo(() => ({ automation_id: automationId, page_size: 50 }), [automationId]);
  const list = usePaged("ListDeliveries", "deliveries", request, (page) => page.deliveries);
  const { mutate: resend } = useMutation({
    mutationFn: (delivery: Delivery) => call("ResendDelivery", { delivery_id: delivery.delivery_id }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["deliveries"] });
      tell("It is tried again");
    },
    onError: (error) => tellFault("It could not be tried again", error),
  });
  const columns = useMemo(
    (): Column<Delivery>[] => [
      {
        id: "name",
        header: "Action",
        cell: ({ row: { original: delivery } }) => (
          <span className="run-link">
            <span className="run-name">{actionText(delivery.action_kind)}</span>
            <span className="quiet clipped">{delivery.last_answer}</span>
          </span>
        ),
      },
      { id: "status", header: "Status", cell: ({ row: { original: delivery } }) => <Mark {...DELIVERY_LOOKS[delivery.status]} /> },
      { id: "tries", header: "Tries", cell: ({ row: { original: delivery } }) => <span className="number">{delivery.tries}</span> },
      {
        id: "event",
        header: "For",
        cell: ({ row: { original: delivery } }) =>
          delivery.event_id === "" ? (
            <span className="quiet none">–</span>
          ) : (
            <Link to="/events/$eventId" params={{ eventId: delivery.event_id }}>
              an event
            </Link>
          ),
      },
      { id: "at", header: "When", cell: ({ row: { original: delivery } }) => <Moment at={delivery.created_at} /> },
      {
        id: "actions",
        header: () => <span className="hidden">What to do</span>,
        cell: ({ row: { original: delivery } }) =>
          delivery.status !== "DELIVERY_STATUS_PENDING" && (
            <button type="button" className="button" onClick={() => resend(delivery)}>
              Do it again
            </button>
          ),
      },
    ],
    [resend],
  );
  if (list.error !== null) return <Fault error={list.error} onRetry={list.refetch} />;
  if (list.isPending) return <Loading what="what it did" />;
  if (list.rows.length === 0) return <Empty title="It has done nothing yet" />;
  return (
    <>
      <DataTable label="What it did" columns={columns} rows={list.rows} rowKey={(delivery) => delivery.delivery_id} />
      <More list={list} />
    </>
  );
}

function Change({ automation, onDone }: { automation: Automation; onDone: () => void }) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(() => draftOfAutomation(automation));
  const choices = useChoices();
  const made = useMemo(() => {
    try {
      return { automation: { trigger: triggerOf(draft.trigger) }, wrong: undefined };
    } catch (error) {
      return { automation: undefined, wrong: (error as Error).message };
    }
  }, [draft.trigger]);
  const save = useMutation({
    mutationFn: async () => {
      const fault = faultOfActions(draft.actions, choices);
      if (fault !== undefined) throw new Error(fault);
      return call("UpdateAutomation", {
        automation: { ...automationOf(draft), automation_id: automation.automation_id },
        update_mask: MASK,
      });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["automations"] });
      tell("The automation was changed");
      onDone();
    },
  });
  return (
    <div className="two-columns">
      <form
        className="panel-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <NameFields draft={draft} onChange={(part) => setDraft((old) => ({ ...old, ...part }))} />
        <h3 className="form-title">When</h3>
        <TriggerFields draft={draft.trigger} onChange={(trigger) => setDraft((old) => ({ ...old, trigger }))} />
        <h3 className="form-title">Then</h3>
        <ActionFields
          actions={draft.actions}
          choices={choices}
          canResolve={draft.trigger.kind !== "events"}
          onChange={(actions) => setDraft((old) => ({ ...old, actions }))}
        />
        {save.error !== null && <Fault error={save.error} />}
        <div className="modal-foot">
          <button type="submit" className="button button-main" disabled={save.isPending}>
            Save
          </button>
        </div>
      </form>
      <div className="side-panel">
        <Trial automation={made.automation} wrong={made.wrong} />
        <TextPreview actions={draft.actions} trigger={made.automation?.trigger} />
      </div>
    </div>
  );
}
