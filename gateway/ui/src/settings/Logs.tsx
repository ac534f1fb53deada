import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { GetLogSettingsResponse, LogRetentionRule } from "../api/contract.gen.ts";
import { useName } from "../api/names.ts";
import { DeploymentField } from "../parts/DeploymentField.tsx";
import { SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { Facts } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";
import { Sinks } from "./Sinks.tsx";
import { LEVELS } from "./levels.ts";
import { bytesText } from "./sizes.ts";

const MEGA = 1_000_000;

function perSecond(lines: number): string {
  return lines === 0 ? "as many as they like" : `${lines.toLocaleString()} lines a second`;
}

function perDay(bytes: string): string {
  return Number(bytes) === 0 ? "as much as they like" : `${bytesText(bytes)} a day`;
}

/** How much runs may log, for how long it is kept, and where else it goes. */
export function Logs() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["log-settings"],
    queryFn: ({ signal }) => call("GetLogSettings", {}, signal),
  });
  return (
    <div className="sections">
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading what="log settings" />}
      {data !== undefined && (
        <>
          <Limits settings={data} />
          <Retention settings={data} />
        </>
      )}
      <Sinks />
    </div>
  );
}

function Limits({ settings }: { settings: GetLogSettingsResponse }) {
  const [isChanging, setChanging] = useState(false);
  const most = settings.limits;
  const isFull = Number(most?.bytes_per_day ?? 0) > 0 && Number(settings.bytes_today) >= Number(most?.bytes_per_day);
  return (
    <section>
      <div className="panel-head">
        <h2>Runs may write</h2>
        <button type="button" className="button" onClick={() => setChanging(true)}>
          <Icon name="edit" />
          Change
        </button>
      </div>
      <Facts
        facts={{
          "Lines (each server process)": perSecond(most?.lines_per_second ?? 0),
          "In a day (UTC)": perDay(most?.bytes_per_day ?? "0"),
          "Written today": `${Number(settings.records_today).toLocaleString()} lines, ${bytesText(settings.bytes_today)}`,
        }}
      />
      {isFull && (
        <p className="state-message">The day is full: what runs log until midnight (UTC) is refused. Let them write more, or log less.</p>
      )}
      {isChanging && <LimitsDialog settings={settings} onClose={() => setChanging(false)} />}
    </section>
  );
}

function LimitsDialog({ settings, onClose }: { settings: GetLogSettingsResponse; onClose: () => void }) {
  const { limits, server_limits: server } = settings;
  const [lines, setLines] = useState(limits === undefined || limits.lines_per_second === 0 ? "" : String(limits.lines_per_second));
  const [megabytes, setMegabytes] = useState(limits === undefined || Number(limits.bytes_per_day) === 0 ? "" : String(Number(limits.bytes_per_day) / MEGA));
  const save = useChange({
    run: () =>
      call("SetLogLimits", {
        limits: { lines_per_second: Number(lines) || 0, bytes_per_day: String(Math.round((Number(megabytes) || 0) * MEGA)) },
      }),
    changes: ["log-settings"],
    done: "The limits hold within some seconds",
    onDone: onClose,
  });
  return (
    <FormDialog title="How much runs may write" save={save} onClose={onClose}>
      <p className="quiet">{`The server itself lets them write ${perSecond(server?.lines_per_second ?? 0)}, ${perDay(server?.bytes_per_day ?? "0")}.`}</p>
      <TextField label="Lines a second, by each server process" hint="Empty: as many as the server allows." type="number" autoFocus value={lines} onChange={setLines} />
      <TextField label="Megabytes a day" hint="Empty: as much as the server allows." type="number" value={megabytes} onChange={setMegabytes} />
    </FormDialog>
  );
}

function ruleText(rule: LogRetentionRule, deployment: string): string {
  const what = LEVELS.find(({ value }) => Number(value) === rule.level_at_most);
  const level = rule.level_at_most === 0 ? "All lines" : `${what?.label ?? `Level ${rule.level_at_most}`} and below`;
  return rule.deployment_id === "" ? level : `${level} of the deployment ${deployment}`;
}

function Retention({ settings }: { settings: GetLogSettingsResponse }) {
  const queries = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const remove = useChange({
    run: async (rule: LogRetentionRule) => {
      await call("DeleteLogRetentionRule", { deployment_id: rule.deployment_id, level_at_most: rule.level_at_most });
      tell("The rule was removed", async () => {
        const { swept_until: _swept, ...kept } = rule;
        await call("SetLogRetentionRule", { retention_rule: kept });
        await queries.invalidateQueries({ queryKey: ["log-settings"] });
      });
    },
    changes: ["log-settings"],
    failed: "The rule could not be removed",
  });
  const days = settings.server_retention_days;
  return (
    <section>
      <div className="panel-head">
        <h2>Kept for</h2>
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New rule
        </button>
      </div>
      <ul className="rows" aria-label="Rules for logs">
        {settings.retention_rules.map((rule) => (
          <li key={`${rule.deployment_id} ${rule.level_at_most}`}>
            <Rule rule={rule} isBusy={remove.isPending} onRemove={() => remove.mutate(rule)} />
          </li>
        ))}
        <li>
          <span className="version-text">
            <strong>{settings.retention_rules.length === 0 ? "All lines" : "All others"}</strong>
            <span className="quiet">
              by the server&rsquo;s setting <code>HEADRACE_SERVER_LOG_RETENTION_DAYS</code>
            </span>
          </span>
          <span>{days === 0 ? "for ever" : `${days} ${days === 1 ? "day" : "days"}`}</span>
        </li>
      </ul>
      {isMaking && <RuleDialog onClose={() => setMaking(false)} />}
    </section>
  );
}

function Rule({ rule, isBusy, onRemove }: { rule: LogRetentionRule; isBusy: boolean; onRemove: () => void }) {
  const deployment = useName("deployment", rule.deployment_id);
  const text = ruleText(rule, deployment?.name ?? rule.deployment_id);
  return (
    <>
      <span className="version-text">
        <strong>{text}</strong>
      </span>
      <span>{`${rule.days} ${rule.days === 1 ? "day" : "days"}`}</span>
      <span className="actions">
        <IconButton icon="trash" label={`Remove the rule for ${text}`} isDisabled={isBusy} onClick={onRemove} />
      </span>
    </>
  );
}

function RuleDialog({ onClose }: { onClose: () => void }) {
  const [level, setLevel] = useState("10");
  const [days, setDays] = useState("3");
  const [deployment, setDeployment] = useState("");
  const save = useChange({
    run: () =>
      call("SetLogRetentionRule", {
        retention_rule: { deployment_id: deployment, level_at_most: Number(level), days: Number(days) },
      }),
    changes: ["log-settings"],
    done: "The rule was set",
    onDone: onClose,
  });
  return (
    <FormDialog title="How long lines are kept" save={save} onClose={onClose}>
      <SelectField
        label="What"
        value={level}
        options={[{ value: "0", label: "All lines" }, ...LEVELS.map(({ value, label }) => ({ value, label: `${label} and below` }))]}
        onChange={setLevel}
      />
      <TextField label="Days" type="number" isRequired value={days} onChange={setDays} />
      <DeploymentField label="Only of the deployment" none="of all" value={deployment} onChange={setDeployment} />
    </FormDialog>
  );
}
