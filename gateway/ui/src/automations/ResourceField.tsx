import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { NamedKind } from "../api/names.ts";
import { idOfResource, kindOfResource, shortName } from "../events/resources.ts";
import { Field } from "../parts/Fields.tsx";
import { Icon } from "../parts/Icon.tsx";
import { NameOf } from "../parts/Named.tsx";
import { wordsOf } from "./triggers.ts";

const MOST = 200;
/** Kinds that have a name beside their id. */
const NAMED: readonly string[] = ["flow-run", "task-run", "flow", "deployment", "work-pool", "work-queue", "automation"] satisfies NamedKind[];

/** What a resource is called, where it is one of Headrace. */
function Resource({ id }: { id: string }) {
  const kind = kindOfResource(id);
  const own = idOfResource(id);
  if (own === "" || own.includes("*") || !NAMED.includes(kind))
    return kind === "tag" ? <>the tag {own}</> : <>{shortName(id)}</>;
  return (
    <>
      <NameOf kind={kind as NamedKind} id={own} /> <span className="quiet">{kind.replaceAll("-", " ")}</span>
    </>
  );
}

interface Group {
  label: string;
  options: { value: string; label: string }[];
}

/** Returns what can be picked by its name. */
function useGroups(): Group[] {
  const { data } = useQuery({
    queryKey: ["resource-choices"],
    queryFn: async ({ signal }) => {
      const [deployments, flows, pools] = await Promise.all([
        call("ListDeployments", { page_size: MOST, sort: "DEPLOYMENT_SORT_NAME_ASC" }, signal),
        call("ListFlows", { page_size: MOST }, signal),
        call("ListWorkPools", { page_size: MOST }, signal),
      ]);
      return [
        {
          label: "Deployments",
          options: deployments.deployments.map((one) => ({
            value: `headrace.deployment.${one.deployment_id}`,
            label: `${one.flow_name}/${one.name}`,
          })),
        },
        { label: "Flows", options: flows.flows.map((flow) => ({ value: `headrace.flow.${flow.flow_id}`, label: flow.name })) },
        {
          label: "Work pools",
          options: pools.work_pools.map((pool) => ({ value: `headrace.work-pool.${pool.work_pool_id}`, label: pool.name })),
        },
      ];
    },
    staleTime: 0,
  });
  return (data ?? []).filter(({ options }) => options.length > 0);
}

interface ResourceFieldProps {
  label: string;
  hint: string;
  /** Ids of resources, joined by commas. */
  value: string;
  onChange: (value: string) => void;
}

/** Things by their names; what has none is written as its id. */
export function ResourceField({ label, hint, value, onChange }: ResourceFieldProps) {
  const groups = useGroups();
  const chosen = wordsOf(value);
  const [typed, setTyped] = useState("");
  const add = (ids: string[]) => onChange([...new Set([...chosen, ...ids])].join(", "));
  const commit = () => {
    if (wordsOf(typed).length === 0) return;
    add(wordsOf(typed));
    setTyped("");
  };
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <div className="resource-field">
          {chosen.length > 0 && (
            <div className="filter-chips" role="group" aria-label={`${label}: chosen`}>
              {chosen.map((id) => (
                <button
                  key={id}
                  type="button"
                  className="filter-chip"
                  title={id}
                  onClick={() => onChange(chosen.filter((one) => one !== id).join(", "))}
                >
                  <span>
                    <Resource id={id} />
                  </span>
                  <span className="hidden">, remove it</span>
                  <Icon name="close" />
                </button>
              ))}
            </div>
          )}
          <div className="resource-add">
            <select {...ids} className="field" value="" onChange={(event) => add([event.target.value])}>
              <option value="">Choose …</option>
              {groups.map((group) => (
                <optgroup key={group.label} label={group.label}>
                  {group.options
                    .filter((option) => !chosen.includes(option.value))
                    .map((option) => (
                      <option key={option.value} value={option.value}>
                        {option.label}
                      </option>
                    ))}
                </optgroup>
              ))}
            </select>
            <input
              type="text"
              className="field"
              aria-label={`${label}: another id`}
              placeholder="or an id: headrace.tag.production"
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
              onBlur={commit}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                commit();
              }}
            />
          </div>
        </div>
      )}
    </Field>
  );
}
