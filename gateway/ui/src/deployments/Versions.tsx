import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Deployment, DeploymentVersion, VersionChange } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";

/** The versions of a deployment, what differs between them, and the way back. */
export function Versions({ deployment }: { deployment: Deployment }) {
  const id = deployment.deployment_id;
  const [{ from = "", to = "" }, change] = useAddress();
  const [asked, setAsked] = useState<DeploymentVersion>();
  const queries = useQueryClient();
  const list = usePaged("ListDeploymentVersions", "deployments", { deployment_id: id }, (page) => page.versions);
  if (list.error !== null) return <Fault error={list.error} onRetry={list.refetch} />;
  if (list.isPending) return <Loading what="versions" />;
  const current = deployment.version_number;
  return (
    <div className="versions">
      <ol className="rows" aria-label="Versions">
        {list.rows.map((version) => {
          const before = version.former_number;
          const isShown = to === String(version.number);
          return (
            <li key={version.deployment_version_id} className={isShown ? "chosen" : undefined}>
              <span className="version-number">{version.number}</span>
              <span className="version-text">
                <strong>{version.message === "" ? (version.content?.version ?? "") || `Version ${version.number}` : version.message}</strong>
                <span className="quiet">
                  <Moment at={version.created_at} />
                  {version.creator?.display_name !== undefined && ` by ${version.creator.display_name}`}
                  {version.content?.version_info?.revision ? ` · ${version.content.version_info.revision.slice(0, 10)}` : ""}
                </span>
              </span>
              {version.current && <Mark look="completed" label="Current" />}
              <span className="actions">
                {before > 0 && (
                  <button
                    type="button"
                    className="button"
                    aria-pressed={isShown}
                    onClick={() =>
                      change(isShown ? { from: undefined, to: undefined } : { from: String(before), to: String(version.number) })
                    }
                  >
                    {`Compare with ${before}`}
                  </button>
                )}
                {!version.current && (
                  <button type="button" className="button" onClick={() => setAsked(version)}>
                    {version.number < current ? "Roll back to it" : "Make it current"}
                  </button>
                )}
              </span>
            </li>
          );
        })}
      </ol>
      <More list={list} />
      {from !== "" && to !== "" && <Comparison deploymentId={id} from={Number(from)} to={Number(to)} />}
      {asked !== undefined && (
        <ConfirmDialog
          title={`Make version ${asked.number} current?`}
          action={asked.number < current ? "Roll back" : "Make it current"}
          isDanger={false}
          isOpen
          onClose={() => setAsked(undefined)}
          onConfirm={async () => {
            await makeCurrent(id, asked.number, asked.number < current);
            await queries.invalidateQueries({ queryKey: ["deployments"] });
            tell(`Version ${asked.number} is current`, async () => {
              await makeCurrent(id, current, asked.number > current);
              await queries.invalidateQueries({ queryKey: ["deployments"] });
            });
          }}
        >
          <p>{`New runs take version ${asked.number}; those that were made go on with the version that they have. This is what changes:`}</p>
          <Comparison deploymentId={id} from={current} to={asked.number} />
        </ConfirmDialog>
      )}
    </div>
  );
}

function makeCurrent(deploymentId: string, number: number, isBack: boolean): Promise<unknown> {
  return call(isBack ? "RollBackDeployment" : "PromoteDeploymentVersion", { deployment_id: deploymentId, number });
}

/** What differs between two versions. */
function Comparison({ deploymentId, from, to }: { deploymentId: string; from: number; to: number }) {
  const { data, error, isPending } = useQuery({
    queryKey: ["version-changes", deploymentId, from, to],
    queryFn: ({ signal }) =>
      call("CompareDeploymentVersions", { deployment_id: deploymentId, from_number: from, to_number: to }, signal),
  });
  if (error !== null) return <Fault error={error} />;
  if (isPending) return <Loading what="the differences" />;
  if (data.changes.length === 0) return <p className="quiet">Nothing differs.</p>;
  return (
    <div className="scroll-x" role="region" tabIndex={0} aria-label={`Version ${from} and ${to}`}>
      <table className="grid diff">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">{`Version ${from}`}</th>
            <th scope="col">{`Version ${to}`}</th>
          </tr>
        </thead>
        <tbody>
          {data.changes.map((change) => (
            <tr key={change.path}>
              <th scope="row">
                <code>{change.path}</code>
              </th>
              <Side change={change} value={change.before} kind="removed" />
              <Side change={change} value={change.after} kind="added" />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Side({ change, value, kind }: { change: VersionChange; value: unknown; kind: "added" | "removed" }) {
  const isThere =
    kind === "added" ? change.kind !== "VERSION_CHANGE_KIND_REMOVED" : change.kind !== "VERSION_CHANGE_KIND_ADDED";
  if (!isThere) return <td className="quiet">–</td>;
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null, null, 2);
  return (
    <td className={`diff-${kind}`}>
      <pre>{text}</pre>
    </td>
  );
}
