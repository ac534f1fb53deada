import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { CallError, call } from "../api/client.ts";
import { CopyButton } from "../parts/CopyButton.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, PageHead } from "../parts/PageHead.tsx";
import { ResourceLink } from "./ResourceLink.tsx";

const route = getRouteApi("/events/$eventId");

/** One event, with all that it says. */
export function EventPage() {
  const { eventId } = route.useParams();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["events", eventId],
    queryFn: ({ signal }) => call("GetEvent", { event_id: eventId }, signal),
  });
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such event">
        <p>
          Old events are deleted after a time. <Link to="/events">Show all events</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.event === undefined) return <Loading what="the event" />;
  const event = data.event;
  const payload = JSON.stringify(event.payload ?? {}, null, 2);
  const labels = Object.entries(event.resource?.labels ?? {});
  return (
    <>
      <PageHead
        title={event.name}
        from={{ to: "/events", label: "Events" }}
        actions={
          <>
            <Link to="/events" search={{ resource: event.resource?.resource_id }} className="button">
              All about it
            </Link>
            <Link to="/automations/new" search={{ event: event.name }} className="button">
              <Icon name="automations" />
              Automate
            </Link>
          </>
        }
      />
      <Facts
        facts={{
          About: <ResourceLink resource={event.resource} />,
          Happened: <Moment at={event.occurred_at} />,
          Stored: <Moment at={event.received_at} />,
          Follows:
            event.follows_event_id === "" ? undefined : (
              <Link to="/events/$eventId" params={{ eventId: event.follows_event_id }}>
                an event before
              </Link>
            ),
        }}
      />
      <div className="sections">
        {event.related.length > 0 && (
          <section>
            <h2>It concerns</h2>
            <ul className="rows">
              {event.related.map((resource) => (
                <li key={`${resource.role} ${resource.resource_id}`}>
                  <span className="tag">{resource.role}</span>
                  <ResourceLink resource={resource} />
                </li>
              ))}
            </ul>
          </section>
        )}
        {labels.length > 0 && (
          <section>
            <h2>Labels</h2>
            <div className="scroll-x" role="region" tabIndex={0} aria-label="Labels">
              <table className="grid">
                <tbody>
                  {labels.map(([name, value]) => (
                    <tr key={name}>
                      <th scope="row">
                        <code>{name}</code>
                      </th>
                      <td>{value}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        )}
        <section>
          <h2>Details</h2>
          <div className="copy-code">
            <pre className="code" tabIndex={0}>
              {payload}
            </pre>
            <CopyButton text={payload} label="Copy the details" />
          </div>
        </section>
      </div>
    </>
  );
}
