import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, lazy, type ReactNode } from "react";
import { call } from "../api/client.ts";
import type { Deployment, ServiceLevel, ServiceLevelKind } from "../api/contract.gen.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { Moment } from "../parts/Moment.tsx";
import { Loading } from "../parts/Notice.tsx";
import { Facts, Mark } from "../parts/PageHead.tsx";
import { concurrencyText } from "./words.ts";

const Markdown = lazy(() => import("../run/Markdown.tsx"));

const PROMISES: Record<ServiceLevelKind, string> = {
  SERVICE_LEVEL_KIND_UNSPECIFIED: "Kept",
  SERVICE_LEVEL_KIND_COMPLETION: "A run takes no longer than",
  SERVICE_LEVEL_KIND_LATENESS: "A run starts no later than",
  SERVICE_LEVEL_KIND_FREQUENCY: "A run completes at least every",
};

/** What a deployment is made of, and the promises about its runs. */
export function Overview({ deployment }: { deployment: Deployment }) {
  const content = deployment.content;
  const levels = useQuery({
    queryKey: ["deployments", deployment.deployment_id, "service-levels"],
    queryFn: ({ signal }) => call("GetServiceLevels", { deployment_id: deployment.deployment_id }, signal),
  });
  const promised = levels.data?.service_levels ?? [];
  return (
    <div className="sections">
      {content !== undefined && content.description !== "" && (
        <section>
          <Suspense fallback={<Loading what="the description" />}>
            <Markdown source={content.description} />
          </Suspense>
        </section>
      )}
      {promised.length > 0 && (
        <section>
          <h2>Promises</h2>
          <ul className="rows">
            {promised.map((level) => (
              <li key={level.service_level_id}>
                <Promise level={level} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>How it runs</h2>
        <Facts
          facts={{
            Entrypoint: content?.entrypoint ? <code>{content.entrypoint}</code> : undefined,
            Folder: content?.path ? <code>{content.path}</code> : undefined,
            "Work queue": content?.work_queue_name ?? "",
            "At once": concurrencyText(deployment.concurrency),
            Retries: retryText(deployment),
            Source: sourceOf(deployment),
            Created: <Moment at={deployment.created_at} />,
            Changed: <Moment at={deployment.updated_at} />,
            "Made by": deployment.creator?.display_name ?? "",
          }}
        />
      </section>
      <Json title="Pull steps" value={content?.pull_steps.map(({ step, inputs }) => ({ [step]: inputs ?? {} }))} />
      <Json title="Job variables" value={content?.job_variables} />
      <Json title="Labels of workers" value={content?.worker_labels} />
      <Json title="Labels" value={content?.labels} />
    </div>
  );
}

function Promise({ level }: { level: ServiceLevel }) {
  const look = level.disabled ? "cancelled" : level.violated_at === undefined ? "completed" : "failed";
  const label = level.disabled ? "Not looked at" : level.violated_at === undefined ? "Kept" : "Was broken";
  return (
    <>
      <Mark look={look} label={label} />
      <span>
        <strong>{level.name}</strong> {`${PROMISES[level.kind]} ${spanText(secondsOf(level.within) ?? 0)}`}
      </span>
      {level.violated_at !== undefined && (
        <Link to="/events" search={{ name: "headrace.service-level.violated" }} className="quiet">
          last <Moment at={level.violated_at} />
        </Link>
      )}
    </>
  );
}

function retryText({ content }: Deployment): string {
  const count = content?.retry_policy?.retries ?? 0;
  return count === 0 ? "none" : `up to ${count}`;
}

function sourceOf({ content }: Deployment): ReactNode {
  const info = content?.version_info;
  if (info === undefined || info.revision === "") return undefined;
  const text = `${info.branch === "" ? "" : `${info.branch} `}${info.revision.slice(0, 10)}`;
  return /^https?:\/\//.test(info.url) ? (
    <a href={info.url} target="_blank" rel="noreferrer">
      {text}
    </a>
  ) : (
    <code>{text}</code>
  );
}

function Json({ title, value }: { title: string; value: unknown }) {
  if (value === undefined || value === null || Object.keys(value).length === 0) return null;
  return (
    <section className="json">
      <h2>{title}</h2>
      <pre className="code" tabIndex={0}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </section>
  );
}
