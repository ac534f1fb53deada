import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { ResourceLink } from "../events/ResourceLink.tsx";
import { lookOfEvent, shortName } from "../events/resources.ts";
import { More } from "../parts/More.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";

/** What happened that concerns the run, newest first. */
export function RunEvents({ flowRunId }: { flowRunId: string }) {
  const own = `headrace.flow-run.${flowRunId}`;
  const filter = useMemo(() => ({ any_resource_ids: [own] }), [own]);
  useInvalidation([], ["run-events"], filter);
  const request = useMemo(() => ({ filter, sort: "EVENT_SORT_OCCURRED_DESC" as const }), [filter]);
  const list = usePaged("ListEvents", "run-events", request, (page) => page.events);
  if (list.error !== null) return <Fault error={list.error} onRetry={list.refetch} />;
  if (list.isPending) return <Loading what="events" />;
  if (list.rows.length === 0) return <Empty title="No event of this run is kept" />;
  return (
    <>
      <ol className="history">
        {list.rows.map((event) => (
          <li key={event.event_id}>
            <span className={`event-mark state-${lookOfEvent(event.name)}`} aria-hidden="true" />
            <Link to="/events/$eventId" params={{ eventId: event.event_id }}>
              <strong>{shortName(event.name)}</strong>
            </Link>
            {event.resource?.resource_id !== own && <ResourceLink resource={event.resource} />}
            <span className="quiet">
              <Moment at={event.occurred_at} />
            </span>
            <details>
              <summary>Details</summary>
              <pre className="code" tabIndex={0}>
                {JSON.stringify({ resource: event.resource, related: event.related, payload: event.payload }, null, 2)}
              </pre>
            </details>
          </li>
        ))}
      </ol>
      <More list={list} />
    </>
  );
}
