// Permissions in words, by what they are about.

import type { ObjectKind, Permission } from "../api/contract.gen.ts";

const ABOUT: { label: string; permissions: Permission[] }[] = [
  { label: "Flows", permissions: ["PERMISSION_FLOWS_VIEW", "PERMISSION_FLOWS_EDIT", "PERMISSION_FLOWS_DELETE"] },
  {
    label: "Runs",
    permissions: [
      "PERMISSION_RUNS_VIEW",
      "PERMISSION_RUN_PAYLOADS_VIEW",
      "PERMISSION_RUNS_EDIT",
      "PERMISSION_RUNS_DELETE",
      "PERMISSION_RUNS_IMPORT",
      "PERMISSION_OTHER_RUNS_EDIT",
    ],
  },
  {
    label: "Deployments",
    permissions: [
      "PERMISSION_DEPLOYMENTS_VIEW",
      "PERMISSION_DEPLOYMENTS_RUN",
      "PERMISSION_DEPLOYMENTS_EDIT",
      "PERMISSION_DEPLOYMENTS_DELETE",
    ],
  },
  {
    label: "Work pools and workers",
    permissions: [
      "PERMISSION_WORK_POOLS_VIEW",
      "PERMISSION_WORK_POOLS_EDIT",
      "PERMISSION_WORK_POOLS_DELETE",
      "PERMISSION_WORKERS_CONNECT",
    ],
  },
  {
    label: "Limits",
    permissions: ["PERMISSION_CONCURRENCY_VIEW", "PERMISSION_CONCURRENCY_EDIT", "PERMISSION_CONCURRENCY_ACQUIRE"],
  },
  { label: "Artifacts", permissions: ["PERMISSION_ARTIFACTS_VIEW", "PERMISSION_ARTIFACTS_EDIT"] },
  { label: "Variables", permissions: ["PERMISSION_VARIABLES_VIEW", "PERMISSION_VARIABLES_EDIT"] },
  {
    label: "Blocks",
    permissions: [
      "PERMISSION_BLOCKS_VIEW",
      "PERMISSION_BLOCK_SECRETS_VIEW",
      "PERMISSION_BLOCKS_EDIT",
      "PERMISSION_BLOCKS_DELETE",
    ],
  },
  { label: "Logs", permissions: ["PERMISSION_LOGS_VIEW", "PERMISSION_LOGS_WRITE"] },
  { label: "Events", permissions: ["PERMISSION_EVENTS_VIEW", "PERMISSION_EVENTS_EMIT"] },
  {
    label: "Automations",
    permissions: ["PERMISSION_AUTOMATIONS_VIEW", "PERMISSION_AUTOMATIONS_EDIT", "PERMISSION_AUTOMATIONS_DELETE"],
  },
  {
    label: "Workspace",
    permissions: [
      "PERMISSION_WORKSPACE_VIEW",
      "PERMISSION_WORKSPACE_EDIT",
      "PERMISSION_WORKSPACE_DELETE",
      "PERMISSION_MEMBERS_VIEW",
      "PERMISSION_MEMBERS_EDIT",
      "PERMISSION_AUDIT_VIEW",
    ],
  },
  { label: "Account", permissions: ["PERMISSION_ACCOUNT_ADMIN"] },
];

const KNOWN = new Set(ABOUT.flatMap(({ permissions }) => permissions));

/** Returns a permission in words. */
export function permissionText(permission: Permission): string {
  const words = permission.replace("PERMISSION_", "").toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Returns a permission in words behind what it is about: "Flows edit" of flows is "edit". */
export function permissionWord(permission: Permission, about: string): string {
  const text = permissionText(permission);
  return text.startsWith(`${about} `) ? text.slice(about.length + 1) : text;
}

/** Returns permissions by what they are about; what is not known here comes last. */
export function grouped(permissions: readonly Permission[]): { label: string; permissions: Permission[] }[] {
  const has = new Set(permissions);
  const groups = ABOUT.map(({ label, permissions: all }) => ({ label, permissions: all.filter((one) => has.has(one)) }));
  groups.push({ label: "Other", permissions: permissions.filter((one) => !KNOWN.has(one)) });
  return groups.filter(({ permissions: some }) => some.length > 0);
}

/** All permissions that a role can have. */
export const ALL_PERMISSIONS = [...KNOWN];

/** Kinds of objects that a role can be given on. */
export const OBJECTS: { value: ObjectKind; label: string; hint: string }[] = [
  { value: "OBJECT_KIND_DEPLOYMENT", label: "one deployment", hint: "Its id." },
  { value: "OBJECT_KIND_WORK_POOL", label: "one work pool", hint: "Its name." },
  { value: "OBJECT_KIND_BLOCK", label: "one block", hint: "type/name, such as secret/api-token." },
  { value: "OBJECT_KIND_AUTOMATION", label: "one automation", hint: "Its id." },
];
