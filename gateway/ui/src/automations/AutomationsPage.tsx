import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Automation } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { tellFault } from "../parts/toasts.ts";
import { actionText, kindOfAction } from "./actions.ts";
import { triggerText } from "./triggers.ts";

const EXAMPLE = `curl -X POST "$HEADRACE_API_URL/v1/automations" -H content-type:application/json -d '{"automation": {
  "name": "Runs that fail", "enabled": true,
  "trigger": {"event": {"posture": "TRIGGER_POSTURE_REACTIVE", "expect": ["headrace.flow-run.Failed"], "threshold": 1}},
  "actions_on_trigger": [{"call_webhook": {"url": "https://chat.example/hook"}}]}}'`;

/** What is done when something happens, or does not. */
export function AutomationsPage() {
  const queries = useQueryClient();
  const [{ text = "" }, change] = useAddress();
  const list = usePaged("ListAutomations", "automations", { name_contains: text }, (page) => page.automations);
  const { mutate: flip } = useMutation({
    mutationFn: (automation: Automation) =>
      call("UpdateAutomation", {
        automation: { automation_id: automation.automation_id, enabled: !automation.enabled },
        update_mask: "enabled",
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["automations"] }),
    onError: (error) => tellFault("The automation could not be changed", error),
  });
  const columns = useMemo(() => makeColumns(flip), [flip]);
  return (
    <>
      <div className="page-head">
        <h1>Automations</h1>
        <SearchField label="Search automations" value={text} onChange={(next) => change({ text: next })} />
        <Link to="/automations/new" className="button button-main">
          <Icon name="plus" />
          New automation
        </Link>
      </div>
      {list.isPending && list.error === null && <Loading what="automations" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && (
        <DataTable label="Automations" columns={columns} rows={list.rows} rowKey={(automation) => automation.automation_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        text === "" ? (
          <Empty title="No automations yet" code={EXAMPLE}>
            <p>
              An automation does something when something happens: it tells somebody, runs a deployment, pauses a pool.{" "}
              <Link to="/automations/new">Make one here</Link>, or by a call:
            </p>
          </Empty>
        ) : (
          <Empty title="No automation is called so">
            <p>
              <Link to="/automations">Show all automations</Link>
            </p>
          </Empty>
        )
      )}
    </>
  );
}

function makeColumns(onFlip: (automation: Automation) => void): Column<Automation>[] {
  return [
    {
      id: "name",
      header: "Automation",
      cell: ({ row: { original: automation } }) => (
        <Link to="/automations/$automationId" params={{ automationId: automation.automation_id }} className="run-link">
          <span className="run-name">{automation.name}</span>
          <span className="quiet clipped">{automation.description}</span>
        </Link>
      ),
    },
    {
      id: "status",
      header: "Status",
      cell: ({ row: { original: automation } }) =>
        automation.enabled ? <Mark look="completed" label="On" /> : <Mark look="paused" label="Off" />,
    },
    { id: "trigger", header: "When", cell: ({ row: { original: automation } }) => triggerText(automation.trigger) },
    {
      id: "actions_done",
      header: "Then",
      cell: ({ row: { original: automation } }) => {
        const all = [...automation.actions, ...automation.actions_on_trigger, ...automation.actions_on_resolve];
        return [...new Set(all.map((action) => actionText(kindOfAction(action))))].join(", ");
      },
    },
    { id: "fired", header: "Last fired", cell: ({ row: { original: automation } }) => <Moment at={automation.last_fired_at} /> },
    {
      id: "actions",
      header: () => <span className="hidden">What to do</span>,
      cell: ({ row: { original: automation } }) => (
        <button
          type="button"
          className="button"
          aria-label={`Turn ${automation.name} ${automation.enabled ? "off" : "on"}`}
          onClick={() => onFlip(automation)}
        >
          {automation.enabled ? "Turn off" : "Turn on"}
        </button>
      ),
    },
  ];
}
