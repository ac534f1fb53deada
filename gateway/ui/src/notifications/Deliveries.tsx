import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { ChannelDelivery, ChannelDeliveryStatus } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { FilterBar, type FilterField } from "../parts/FilterBar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark } from "../parts/PageHead.tsx";
import { tell, tellFault } from "../parts/toasts.ts";

const MOST = 200;
const EVENTS = ["headrace.flow-run.*", "headrace.worker.*"];
const LOOKS: Record<ChannelDeliveryStatus, { look: string; label: string }> = {
  CHANNEL_DELIVERY_STATUS_UNSPECIFIED: { look: "unknown", label: "Unknown" },
  CHANNEL_DELIVERY_STATUS_PENDING: { look: "pending", label: "Under way" },
  CHANNEL_DELIVERY_STATUS_DELIVERED: { look: "completed", label: "Delivered" },
  CHANNEL_DELIVERY_STATUS_DEAD: { look: "failed", label: "Given up" },
  CHANNEL_DELIVERY_STATUS_GROUPED: { look: "cancelled", label: "Gathered" },
};
const STATUSES = (Object.keys(LOOKS) as ChannelDeliveryStatus[])
  .filter((status) => status !== "CHANNEL_DELIVERY_STATUS_UNSPECIFIED")
  .map((status) => ({ value: status.replace("CHANNEL_DELIVERY_STATUS_", "").toLowerCase(), label: LOOKS[status].label }));

/** What people were told, with what became of it. */
export function Deliveries() {
  useInvalidation(EVENTS, ["channel-deliveries"]);
  const queries = useQueryClient();
  const [{ status = "", channel = "", acknowledged }] = useAddress();
  const [shown, setShown] = useState<string>();
  const channels = useQuery({
    queryKey: ["channels", "choices"],
    queryFn: ({ signal }) => call("ListChannels", { page_size: MOST }, signal),
  }).data?.channels;
  const fields = useMemo(
    (): FilterField[] => [
      { key: "status", label: "Status", kind: "choices", options: STATUSES },
      {
        key: "channel",
        label: "Channel",
        kind: "choice",
        options: (channels ?? []).map((item) => ({ value: item.channel_id, label: item.name })),
      },
      { key: "acknowledged", label: "Acknowledged", kind: "flag" },
    ],
    [channels],
  );
  const list = usePaged(
    "ListChannelDeliveries",
    "channel-deliveries",
    {
      channel_id: channel,
      statuses:
        status === "" ? [] : status.split(",").map((word) => `CHANNEL_DELIVERY_STATUS_${word.toUpperCase()}` as ChannelDeliveryStatus),
      acknowledged: acknowledged === undefined ? undefined : acknowledged === "true",
    },
    (page) => page.deliveries,
  );
  const { mutate: change } = useMutation({
    mutationFn: ({ name, delivery }: { name: "ResendChannelDelivery" | "AcknowledgeChannelDelivery"; delivery: ChannelDelivery }) =>
      call(name, { channel_delivery_id: delivery.channel_delivery_id }),
    onSuccess: async (_, { name }) => {
      await queries.invalidateQueries({ queryKey: ["channel-deliveries"] });
      tell(name === "ResendChannelDelivery" ? "It is sent again" : "Acknowledged");
    },
    onError: (error) => tellFault("That did not work", error),
  });
  const columns = useMemo(
    () =>
      makeColumns(
        setShown,
        (delivery) => change({ name: "ResendChannelDelivery", delivery }),
        (delivery) => change({ name: "AcknowledgeChannelDelivery", delivery }),
      ),
    [change],
  );
  const isFiltered = status !== "" || channel !== "" || acknowledged !== undefined;
  return (
    <>
      <div className="panel-head">
        <FilterBar fields={fields} />
        <button type="button" className="button" onClick={list.refetch}>
          <Icon name="retry" />
          Look again
        </button>
      </div>
      {list.isPending && list.error === null && <Loading what="deliveries" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && (
        <DataTable label="Deliveries" columns={columns} rows={list.rows} rowKey={(delivery) => delivery.channel_delivery_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        <Empty title={isFiltered ? "No message fits these filters" : "Nobody was told anything yet"}>
          <p>Each message to a channel is kept here, with its tries and answers, until retention deletes it.</p>
        </Empty>
      )}
      {shown !== undefined && <Details deliveryId={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

function makeColumns(
  onShow: (id: string) => void,
  onResend: (delivery: ChannelDelivery) => void,
  onAcknowledge: (delivery: ChannelDelivery) => void,
): Column<ChannelDelivery>[] {
  return [
    {
      id: "name",
      header: "Message",
      cell: ({ row: { original: delivery } }) => (
        <span className="run-link">
          <button type="button" className="link" onClick={() => onShow(delivery.channel_delivery_id)}>
            {delivery.message?.subject === "" || delivery.message === undefined ? "Message" : delivery.message.subject}
          </button>
          <span className="quiet clipped">{delivery.last_answer}</span>
        </span>
      ),
    },
    { id: "status", header: "Status", cell: ({ row: { original: delivery } }) => <Mark {...LOOKS[delivery.status]} /> },
    { id: "channel", header: "Channel", cell: ({ row: { original: delivery } }) => delivery.channel_name },
    { id: "tries", header: "Tries", cell: ({ row: { original: delivery } }) => <span className="number">{delivery.tries}</span> },
    { id: "at", header: "When", cell: ({ row: { original: delivery } }) => <Moment at={delivery.created_at} /> },
    {
      id: "acknowledged",
      header: "Acknowledged",
      cell: ({ row: { original: delivery } }) =>
        delivery.acknowledged_at === undefined ? <span className="quiet none">–</span> : `by ${delivery.acknowledged_by}`,
    },
    {
      id: "actions",
      header: () => <span className="hidden">What to do</span>,
      cell: ({ row: { original: delivery } }) => (
        <span className="actions">
          {delivery.acknowledged_at === undefined && (
            <button type="button" className="button" onClick={() => onAcknowledge(delivery)}>
              Acknowledge
            </button>
          )}
          <button type="button" className="button" onClick={() => onResend(delivery)}>
            Send again
          </button>
        </span>
      ),
    },
  ];
}

function Details({ deliveryId, onClose }: { deliveryId: string; onClose: () => void }) {
  const { data, error } = useQuery({
    queryKey: ["channel-deliveries", deliveryId],
    queryFn: ({ signal }) => call("GetChannelDelivery", { channel_delivery_id: deliveryId }, signal),
  });
  const delivery = data?.delivery;
  return (
    <Modal title={delivery?.message?.subject ?? "Message"} isOpen onClose={onClose}>
      <div className="wide">
        {error !== null && <Fault error={error} />}
        {delivery === undefined && error === null && <Loading what="the message" />}
        {delivery !== undefined && (
          <>
            <Facts
              facts={{
                Channel: delivery.channel_name,
                Status: <Mark {...LOOKS[delivery.status]} />,
                "Stands for": delivery.grouped > 1 ? `${delivery.grouped} messages` : undefined,
                "Tried next": delivery.next_try_at === undefined ? undefined : <Moment at={delivery.next_try_at} />,
                "Told further": delivery.escalates_at === undefined ? undefined : <Moment at={delivery.escalates_at} />,
                Run:
                  delivery.flow_run_id === "" ? undefined : (
                    <Link to="/runs/$flowRunId" params={{ flowRunId: delivery.flow_run_id }}>
                      its flow run
                    </Link>
                  ),
                Automation:
                  delivery.automation_id === "" ? undefined : (
                    <Link to="/automations/$automationId" params={{ automationId: delivery.automation_id }}>
                      its automation
                    </Link>
                  ),
              }}
            />
            <pre className="code" tabIndex={0}>
              {delivery.message?.body}
            </pre>
            <h3 className="form-title">Tries</h3>
            <ol className="rows">
              {data?.tries.map((attempt) => (
                <li key={attempt.number}>
                  <span className="version-number">{attempt.number}</span>
                  <Mark look={attempt.delivered ? "completed" : "failed"} label={attempt.delivered ? "Taken" : "Not taken"} />
                  <Moment at={attempt.ended_at} />
                  <span className="quiet">{`${attempt.status_code > 0 ? `${attempt.status_code} ` : ""}${attempt.answer} · ${spanText(secondsOf(attempt.took) ?? 0)}`}</span>
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
    </Modal>
  );
}
