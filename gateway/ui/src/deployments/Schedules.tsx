import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Deployment, Schedule } from "../api/contract.gen.ts";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { ScheduleDialog } from "./ScheduleDialog.tsx";
import { RuleText } from "./RuleText.tsx";

/** When a deployment runs by itself. */
export function Schedules({ deployment }: { deployment: Deployment }) {
  const [asked, setAsked] = useState<{ schedule: Schedule | undefined }>();
  return (
    <>
      <div className="panel-head">
        <button type="button" className="button" onClick={() => setAsked({ schedule: undefined })}>
          <Icon name="plus" />
          Add a schedule
        </button>
      </div>
      {deployment.schedules.length === 0 ? (
        <Empty
          title="It runs only when somebody asks"
          code={`headrace.yaml:\n  schedules:\n  - cron: "0 6 * * *"\n    timezone: Europe/Berlin`}
        >
          <p>Add a schedule here, or where the deployment is made:</p>
        </Empty>
      ) : (
        <ul className="cards">
          {deployment.schedules.map((schedule) => (
            <li key={schedule.schedule_id} className="card">
              <Card schedule={schedule} onEdit={() => setAsked({ schedule })} />
            </li>
          ))}
        </ul>
      )}
      {asked !== undefined && (
        <ScheduleDialog deployment={deployment} schedule={asked.schedule} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

function Card({ schedule, onEdit }: { schedule: Schedule; onEdit: () => void }) {
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ["deployments"] });
  const flip = useMutation({
    mutationFn: () =>
      call("UpdateSchedule", {
        schedule: { schedule_id: schedule.schedule_id, rule: schedule.rule, active: !schedule.active },
        update_mask: "active",
      }),
    onSuccess: refresh,
    onError: (error) => tellFault("The schedule could not be changed", error),
  });
  const remove = useMutation({
    mutationFn: () => call("DeleteSchedule", { schedule_id: schedule.schedule_id }),
    onSuccess: async () => {
      await refresh();
      tell(`The schedule ${schedule.slug} was removed`, async () => {
        const { schedule_id: _id, deployment_id: id, next_at: _next, created_at: _made, updated_at: _changed, ...kept } = schedule;
        await call("CreateSchedule", { deployment_id: id, schedule: kept });
        await refresh();
      });
    },
    onError: (error) => tellFault("The schedule could not be removed", error),
  });
  const rest = [
    schedule.starts_at === undefined ? undefined : <>from <Moment at={schedule.starts_at} /></>,
    schedule.ends_at === undefined ? undefined : <>until <Moment at={schedule.ends_at} /></>,
    schedule.catch_up === "CATCH_UP_LATEST" ? "of missed times the last one" : undefined,
    schedule.catch_up === "CATCH_UP_SKIP" ? "missed times are skipped" : undefined,
    schedule.calendar_names.length > 0 ? `not on days of ${schedule.calendar_names.join(", ")}` : undefined,
    Object.keys(schedule.parameters ?? {}).length > 0 ? "with parameters of its own" : undefined,
  ].filter((item) => item !== undefined);
  return (
    <>
      <div className="card-text">
        <p className="card-title">
          <RuleText schedule={schedule} />
          <Mark look={schedule.active ? "completed" : "paused"} label={schedule.active ? "On" : "Off"} />
        </p>
        <p className="quiet">
          {schedule.slug}
          {schedule.active && schedule.next_at !== undefined && (
            <>
              {" · next "}
              <Moment at={schedule.next_at} />
            </>
          )}
          {rest.map((item, index) => (
            <span key={index}> · {item}</span>
          ))}
        </p>
      </div>
      <span className="actions">
        <button type="button" className="button" disabled={flip.isPending} aria-label={`Turn ${schedule.slug} ${schedule.active ? "off" : "on"}`} onClick={() => flip.mutate()}>
          {schedule.active ? "Turn off" : "Turn on"}
        </button>
        <button type="button" className="button" aria-label={`Change ${schedule.slug}`} onClick={onEdit}>
          <Icon name="edit" />
          Change
        </button>
        <button type="button" className="button" disabled={remove.isPending} aria-label={`Remove ${schedule.slug}`} onClick={() => remove.mutate()}>
          <Icon name="trash" />
        </button>
      </span>
    </>
  );
}
