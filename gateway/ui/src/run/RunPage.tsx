import { Tabs } from "@base-ui/react/tabs";
import { Link, getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { useAddress } from "../api/address.ts";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Artifacts } from "./Artifacts.tsx";
import { Logs } from "./Logs.tsx";
import { Parameters } from "./Parameters.tsx";
import { RunHeader } from "./RunHeader.tsx";
import { StateHistory } from "./StateHistory.tsx";
import { RUN_TABS, TAB_LABELS, type RunTab } from "./tabs.ts";
import { Tasks } from "./Tasks.tsx";
import { useRun } from "./useRun.ts";

const route = getRouteApi("/runs/$flowRunId");

/** One flow run. */
export function RunPage() {
  const { flowRunId } = route.useParams();
  // A page of its own for each run: nothing of one is ever shown with another.
  return <Run key={flowRunId} flowRunId={flowRunId} />;
}

function Run({ flowRunId }: { flowRunId: string }) {
  const [search, change] = useAddress();
  const tab = RUN_TABS.find((one) => one === search.tab) ?? "tasks";
  const { run, tasks, refused, takeRun } = useRun(flowRunId);
  const name = run?.name;
  useEffect(() => {
    if (name === undefined) return;
    document.title = `${name} · Headrace`;
    return () => {
      document.title = "Headrace";
    };
  }, [name]);

  if (refused !== undefined)
    return refused.status === 404 ? (
      <Empty title="There is no such run">
        <p>
          It may have been deleted. <Link to="/runs">Show all runs</Link>
        </p>
      </Empty>
    ) : (
      <Fault error={refused} onRetry={() => window.location.reload()} />
    );
  if (run === undefined) return <Loading what="the run" />;

  const ended = tasks.filter((task) => task.ended_at !== undefined).length;
  return (
    <>
      <RunHeader run={run} onChange={takeRun} />
      <Tabs.Root
        value={tab}
        onValueChange={(next: RunTab) => change({ tab: next })}
      >
        <Tabs.List className="tabs">
          {RUN_TABS.map((name) => (
            <Tabs.Tab key={name} value={name} className="tab">
              {TAB_LABELS[name]}
              {name === "tasks" && tasks.length > 0 && <span className="count">{tasks.length}</span>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="tasks" className="panel">
          <Tasks run={run} tasks={tasks} />
        </Tabs.Panel>
        <Tabs.Panel value="logs" className="panel">
          <Logs
            flowRunId={flowRunId}
            tasks={tasks}
            level={Number(search.level ?? 0)}
            onLevel={(next) => change({ level: next > 0 ? String(next) : undefined })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="artifacts" className="panel">
          {/* Tasks make artifacts before they end: then is the time to look. */}
          <Artifacts flowRunId={flowRunId} round={`${ended} ${run.state?.state_id ?? ""}`} />
        </Tabs.Panel>
        <Tabs.Panel value="parameters" className="panel">
          <Parameters run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="states" className="panel">
          <StateHistory flowRunId={flowRunId} latest={run.state?.state_id ?? ""} />
        </Tabs.Panel>
      </Tabs.Root>
    </>
  );
}
