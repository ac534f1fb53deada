import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "../api/client.ts";
import type { Event, Input, JsonObject, JsonValue, Trigger } from "../api/contract.gen.ts";
import { idOfResource } from "../events/resources.ts";
import { Moment } from "../parts/Moment.tsx";
import { actionText, type ActionDraft } from "./actions.ts";
import { computes, documentOf, filledIn } from "./documents.ts";

interface TextPreviewProps {
  actions: ActionDraft[];
  trigger: Input<Trigger> | undefined;
}

function templatesIn(value: JsonValue | undefined, path: string): [string, string][] {
  if (typeof value === "string") return value.includes("{{") || value.includes("{%") ? [[path, value]] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    templatesIn(inner, path === "" ? name : `${path}.${name}`),
  );
}

function runIn(event: Event | undefined): string | undefined {
  const found = [event?.resource, ...(event?.related ?? [])].find((resource) =>
    resource?.resource_id.startsWith("headrace.flow-run."),
  );
  return found === undefined ? undefined : idOfResource(found.resource_id);
}

/** What the texts of actions say, with the newest event that fits. */
export function TextPreview({ actions, trigger }: TextPreviewProps) {
  const names = trigger?.event?.expect ?? [];
  const { data } = useQuery({
    queryKey: ["events", "sample", names],
    queryFn: ({ signal }) => call("ListEvents", { filter: { names }, sort: "EVENT_SORT_OCCURRED_DESC", page_size: 1 }, signal),
  });
  const event = data?.events[0];
  const runId = runIn(event);
  const run = useQuery({
    queryKey: ["flow-run-of-event", runId],
    queryFn: ({ signal }) => call("GetFlowRun", { flow_run_id: runId ?? "" }, signal),
    enabled: runId !== undefined,
    retry: false,
  }).data?.flow_run;
  const document: JsonObject | undefined = useMemo(
    () => (event === undefined ? undefined : documentOf(event, run, "This automation")),
    [event, run],
  );
  const texts = actions.flatMap((action, index) =>
    templatesIn(action.values, "").map(([path, template]) => ({
      key: `${index} ${path}`,
      label: `${actionText(action.kind)}: ${path.replaceAll("_", " ")}`,
      template,
    })),
  );
  return (
    <section className="preview" aria-label="What its texts say">
      <h3>What its texts say</h3>
      {document === undefined || event === undefined ? (
        <p className="quiet">No event of these names came yet to try them with.</p>
      ) : texts.length === 0 ? (
        <p className="quiet">
          Texts may name values of the event and its run: <code>{"{{ flow_run.name }}"}</code>,{" "}
          <code>{"{{ flow_run.state.message }}"}</code>, <code>{"{{ event.resource.name }}"}</code>.
        </p>
      ) : (
        <>
          <p className="quiet">
            With {event.name} of <Moment at={event.occurred_at} />:
          </p>
          {texts.map(({ key, label, template }) => (
            <div key={key} className="said">
              <p className="quiet">{label}</p>
              <pre className="plain">{filledIn(template, document)}</pre>
              {computes(template) && <p className="quiet">Conditions, loops and filters are worked out by the server when it fires.</p>}
            </div>
          ))}
        </>
      )}
    </section>
  );
}
