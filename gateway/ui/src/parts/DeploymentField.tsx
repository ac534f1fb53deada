import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { SelectField } from "./Fields.tsx";

const MOST = 200;

interface DeploymentFieldProps {
  label: string;
  /** What it says while none is chosen. */
  none: string;
  /** The id of a deployment; empty: none. */
  value: string;
  onChange: (value: string) => void;
}

/** One of the deployments, by its name. */
export function DeploymentField({ label, none, value, onChange }: DeploymentFieldProps) {
  const { data, isPending } = useQuery({
    queryKey: ["deployments", "choices"],
    queryFn: ({ signal }) => call("ListDeployments", { page_size: MOST, sort: "DEPLOYMENT_SORT_NAME_ASC" }, signal),
  });
  const options = (data?.deployments ?? []).map((one) => ({ value: one.deployment_id, label: `${one.flow_name}/${one.name}` }));
  return <SelectField label={label} value={value} isDisabled={isPending} options={[{ value: "", label: none }, ...options]} onChange={onChange} />;
}
