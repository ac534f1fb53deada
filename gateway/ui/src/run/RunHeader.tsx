import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { FlowRun } from "../api/contract.gen.ts";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Named } from "../parts/Named.tsx";
import { Tags } from "../parts/PageHead.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { RunActions } from "./RunActions.tsx";
import { StateMessage } from "./StateMessage.tsx";

interface RunHeaderProps {
  run: FlowRun;
  onChange: (run: FlowRun) => void;
}

/** The run's name, state, times and what can be done with it. */
export function RunHeader({ run, onChange }: RunHeaderProps) {
  return (
    <header className="run-head">
      <nav className="crumbs" aria-label="Way here">
        <Link to="/runs">Runs</Link>
        {run.parent_flow_run_id !== "" && (
          <Named kind="flow-run" id={run.parent_flow_run_id} />
        )}
        <Link to="/flows/$flowId" params={{ flowId: run.flow_id }}>
          {run.flow_name}
        </Link>
      </nav>
      <div className="page-head">
        <h1>{run.name}</h1>
        <StateBadge state={run.state} />
        <RunActions run={run} onChange={onChange} />
      </div>
      <StateMessage state={run.state} />
      <dl className="facts">
        <Fact name="Duration">
          <Elapsed from={run.started_at} until={run.ended_at} />
        </Fact>
        <Fact name={run.started_at === undefined ? "Due" : "Started"}>
          <Moment at={run.started_at ?? run.next_scheduled_start_at ?? run.expected_start_at} />
        </Fact>
        {run.ended_at !== undefined && (
          <Fact name="Ended">
            <Moment at={run.ended_at} />
          </Fact>
        )}
        {run.run_count > 1 && <Fact name="Times run">{run.run_count}</Fact>}
        {run.deployment_name !== "" && (
          <Fact name="Deployment">
            <Link to="/deployments/$deploymentId" params={{ deploymentId: run.deployment_id }}>
              {run.deployment_name}
            </Link>
          </Fact>
        )}
        {run.work_pool_name !== "" && (
          <Fact name="Work pool">
            <Link to="/work-pools/$workPoolName" params={{ workPoolName: run.work_pool_name }}>
              {run.work_pool_name}
            </Link>
          </Fact>
        )}
        {run.worker_name !== "" && <Fact name="Worker">{run.worker_name}</Fact>}
        {run.flow_version !== "" && <Fact name="Version">{run.flow_version}</Fact>}
        {run.creator !== undefined && run.creator.display_name !== "" && <Fact name="Made by">{run.creator.display_name}</Fact>}
        {run.tags.length > 0 && (
          <Fact name="Tags">
            <Tags tags={run.tags} />
          </Fact>
        )}
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
