import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { call } from "../api/client.ts";
import type { Automation, Input } from "../api/contract.gen.ts";
import { RECENT_SPANS, rangeOf } from "../api/spans.ts";
import { resourceLabel, shortName } from "../events/resources.ts";
import { SelectField } from "../parts/Fields.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Mark } from "../parts/PageHead.tsx";

const PAUSE_MILLISECONDS = 400;
const SHOWN = 8;

/** What is only looked at does nothing. */
const NO_ACTION = [{ do_nothing: {} }];

interface TrialProps {
  /** A stored automation, or one that is only thought of; what is wrong with it where it is none yet. */
  automationId?: string;
  automation?: Input<Automation>;
  wrong?: string | undefined;
}

/** How often an automation would have fired, tried with events of the past. */
export function Trial({ automationId = "", automation, wrong }: TrialProps) {
  const [span, setSpan] = useState("24h");
  const text = JSON.stringify(automation?.trigger ?? null);
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error, isFetching } = useQuery({
    queryKey: ["automation-trial", automationId, asked, span],
    queryFn: ({ signal }) =>
      call(
        "TestAutomation",
        {
          automation_id: automationId,
          automation:
            automationId === ""
              ? { name: "trial", enabled: true, trigger: JSON.parse(asked) as Input<Automation>["trigger"], actions_on_trigger: NO_ACTION }
              : undefined,
          span: rangeOf(span),
        },
        signal,
      ),
    enabled: wrong === undefined && (automationId !== "" || asked !== "null"),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const said = wrong ?? error?.message;
  const fired = Number(data?.fired_count ?? 0);
  return (
    <section className="preview trial" aria-label="What it would have done" aria-busy={isFetching}>
      <h3>What it would have done</h3>
      <SelectField label="Tried with the events of" value={span} options={RECENT_SPANS} onChange={setSpan} />
      {said !== undefined ? (
        <p className="field-error">{said}</p>
      ) : data === undefined ? (
        <p className="quiet">Looking at what happened …</p>
      ) : (
        <>
          <p className="trial-count" role="status">
            <strong>{fired === 0 ? "It would not have fired" : `It would have fired ${fired === 1 ? "once" : `${fired} times`}`}</strong>
            {Number(data.resolved_count) > 0 && `, and ended ${data.resolved_count}`}
            <span className="quiet">{` · ${Number(data.event_count).toLocaleString()} events were looked at${data.capped ? ", and there were more" : ""}`}</span>
          </p>
          <ol className="trial-list">
            {data.firings.slice(0, SHOWN).map((firing, index) => (
              <li key={index}>
                <Mark
                  look={firing.state === "resolved" ? "completed" : "failed"}
                  label={firing.state === "resolved" ? "over" : "fires"}
                />
                <span>
                  <Moment at={firing.at} />
                  {firing.event !== undefined && (
                    <>
                      {" "}
                      <Link to="/events/$eventId" params={{ eventId: firing.event.event_id }}>
                        {shortName(firing.event.name)}
                      </Link>{" "}
                      <span className="quiet">{resourceLabel(firing.event.resource)}</span>
                    </>
                  )}
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}
