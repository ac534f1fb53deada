import { Link } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { useAddress } from "../api/address.ts";
import type { Event, EventFilter, Input } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { usePaged } from "../api/paged.ts";
import { rangeOf } from "../api/spans.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Dotted } from "../parts/Dotted.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { kindOfResource, lookOfEvent, resourceLabel, shortName } from "./resources.ts";
import { ResourceLink } from "./ResourceLink.tsx";

/** As many events that came while one looks are kept; older ones stay on the server. */
const MOST_LIVE = 500;
const MOST_FACETS = 12;

const FIELDS = [
  { key: "name", label: "Names", kind: "list", placeholder: "headrace.flow-run.*" },
  { key: "resource", label: "About or concerning (id)", kind: "list", placeholder: "headrace.flow-run.<id>" },
  { key: "about", label: "About", kind: "list", placeholder: "headrace.deployment.*" },
  { key: "span", label: "Time", kind: "span" },
] as const;

function words(text: string | undefined): string[] {
  return (text ?? "").split(",").map((word) => word.trim()).filter((word) => word !== "");
}

const COLUMNS: Column<Event>[] = [
  {
    id: "name",
    header: "Event",
    cell: ({ row: { original: event } }) => (
      <Link to="/events/$eventId" params={{ eventId: event.event_id }} className="run-link">
        <span className="run-name">
          <span className={`event-mark state-${lookOfEvent(event.name)}`} aria-hidden="true" />
          <Dotted name={shortName(event.name)} />
        </span>
      </Link>
    ),
  },
  { id: "resource", header: "About", cell: ({ row: { original: event } }) => <ResourceLink resource={event.resource} /> },
  {
    id: "related",
    header: "Concerns",
    cell: ({ row: { original: event } }) => (
      <span className="quiet clipped">
        {event.related.map((resource) => `${resource.role}: ${resourceLabel(resource)}`).join(", ")}
      </span>
    ),
  },
  { id: "at", header: "When", cell: ({ row: { original: event } }) => <Moment at={event.occurred_at} /> },
];

/** What happened, newest first, as it happens. */
export function EventsPage() {
  const [search, change] = useAddress();
  const { text = "", name, resource, about, span, follow } = search;
  const isLive = follow !== "off" && span === undefined;
  const filter: Input<EventFilter> = useMemo(
    () => ({
      text,
      names: words(name),
      any_resource_ids: words(resource),
      resource_ids: words(about),
      occurred: span === undefined ? undefined : rangeOf(span),
    }),
    [text, name, resource, about, span],
  );
  const list = usePaged("ListEvents", "events", { filter, sort: "EVENT_SORT_OCCURRED_DESC" }, (page) => page.events);
  const key = JSON.stringify(filter);
  const [live, setLive] = useState<{ key: string; events: Event[] }>({ key, events: [] });
  const waiting = useRef<Event[]>([]);
  const frame = useRef(0);
  /** Where the stream of a filter goes on. */
  const token = useRef({ key: "", token: "" });
  useStream(
    "FollowEvents",
    isLive ? { filter } : undefined,
    {
      onOpen: list.refetch,
      onAnswer: ({ events, follow_token: next }) => {
        if (next !== "") token.current = { key, token: next };
        waiting.current.push(...events);
        if (events.length === 0 || frame.current !== 0) return;
        frame.current = requestAnimationFrame(() => {
          frame.current = 0;
          const fresh = waiting.current.reverse();
          waiting.current = [];
          setLive((old) => ({ key, events: [...fresh, ...(old.key === key ? old.events : [])].slice(0, MOST_LIVE) }));
        });
      },
    },
    { renew: (asked) => (token.current.key === key ? { ...asked, follow_token: token.current.token } : asked) },
  );
  const rows = useMemo(() => {
    const known = new Map<string, Event>();
    for (const event of [...(live.key === key ? live.events : []), ...list.rows]) known.set(event.event_id, event);
    return [...known.values()].sort((a, b) => (b.occurred_at ?? "").localeCompare(a.occurred_at ?? ""));
  }, [live, key, list.rows]);
  const isFiltered = text !== "" || name !== undefined || resource !== undefined || about !== undefined || span !== undefined;
  return (
    <>
      <div className="page-head">
        <h1>Events</h1>
        <span className="actions">
          <button
            type="button"
            className="button"
            aria-pressed={isLive}
            disabled={span !== undefined}
            onClick={() => change({ follow: isLive ? "off" : undefined })}
          >
            <Icon name={isLive ? "pause" : "play"} />
            {isLive ? "Hold still" : "Follow"}
          </button>
        </span>
      </div>
      <FilterBar fields={FIELDS} searchLabel="Search events" />
      <div className="faceted">
        <Facets rows={rows} name={name} about={about} onChange={change} />
        <div>
          {list.isPending && list.error === null && <Loading what="events" />}
          {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
          {rows.length > 0 && <DataTable label="Events" columns={COLUMNS} rows={rows} rowKey={(event) => event.event_id} />}
          <More list={list} />
          {!list.isPending && rows.length === 0 && list.error === null && (
            isFiltered ? (
              <Empty title="No event fits these filters">
                <p>
                  {isLive ? "One that comes now shows up here. " : ""}
                  <Link to="/events">Show all events</Link>
                </p>
              </Empty>
            ) : (
              <Empty title="Nothing happened yet" code={"@flow\ndef hello() -> None: ...\n\nhello()"}>
                <p>Each state of a run, each change of a deployment and each worker that comes or goes is an event. Run something:</p>
              </Empty>
            )
          )}
        </div>
      </div>
    </>
  );
}

interface FacetsProps {
  rows: Event[];
  name: string | undefined;
  about: string | undefined;
  onChange: (change: Record<string, string | undefined>) => void;
}

function counted(values: string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_FACETS);
}

/** What the listed events are of; one click shows only those. */
function Facets({ rows, name, about, onChange }: FacetsProps) {
  const names = useMemo(() => counted(rows.map((event) => event.name)), [rows]);
  const kinds = useMemo(() => counted(rows.map((event) => kindOfResource(event.resource?.resource_id ?? ""))), [rows]);
  if (rows.length === 0 && name === undefined && about === undefined) return null;
  const chosenNames = words(name);
  const toggleName = (value: string) => {
    const next = chosenNames.includes(value) ? chosenNames.filter((other) => other !== value) : [...chosenNames, value];
    onChange({ name: next.join(",") });
  };
  return (
    <aside className="facets" aria-label="What the listed events are of">
      <h2>About</h2>
      <ul>
        {kinds.map(([kind, count]) => {
          const word = `headrace.${kind}.*`;
          return (
            <li key={kind}>
              <button type="button" aria-pressed={about === word} onClick={() => onChange({ about: about === word ? undefined : word })}>
                <span>{kind === "" ? "other" : kind}</span>
                <span className="count">{count}</span>
              </button>
            </li>
          );
        })}
      </ul>
      <h2>Names</h2>
      <ul>
        {names.map(([value, count]) => (
          <li key={value}>
            <button type="button" aria-pressed={chosenNames.includes(value)} onClick={() => toggleName(value)}>
              <span>
                <Dotted name={shortName(value)} />
              </span>
              <span className="count">{count}</span>
            </button>
          </li>
        ))}
      </ul>
      <p className="quiet">Counted among those that are listed.</p>
    </aside>
  );
}
