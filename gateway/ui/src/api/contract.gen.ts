// Generated from protos/: do not edit. `make protos` writes it.

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** What a call sends: any part of the request. */
export type Input<T> = T extends JsonObject
  ? T
  : T extends (infer Item)[]
    ? Input<Item>[]
    : T extends object
      ? { [Key in keyof T]?: Input<T[Key]> }
      : T;

/** Asks to take an invitation up. */
export interface AcceptInvitationRequest {
  /** The secret part of the link. */
  token: string;
  /** The name that people read; empty is the address. */
  display_name: string;
}

/** Returns the user. */
export interface AcceptInvitationResponse {
  /** The user. */
  user?: User;
  /** A key of the user; only here. */
  key: string;
}

/** Asks to acknowledge by a link. */
export interface AcknowledgeByLinkRequest {
  /** The last part of the link. */
  token: string;
}

/** Returns what was acknowledged. */
export interface AcknowledgeByLinkResponse {
  /** What was acknowledged. */
  acknowledgement?: Acknowledgement;
}

/** Asks to acknowledge a delivery. */
export interface AcknowledgeChannelDeliveryRequest {
  /** Which one. */
  channel_delivery_id: string;
}

/** Returns the delivery. */
export interface AcknowledgeChannelDeliveryResponse {
  /** The delivery. */
  delivery?: ChannelDelivery;
}

/** What a link acknowledges. */
export interface Acknowledgement {
  /** The subject of the message. */
  subject: string;
  /** When the message was queued. */
  created_at?: string;
  /** When it was acknowledged; unset if it is not. */
  acknowledged_at?: string;
  /** By whom. */
  acknowledged_by: string;
}

/** Asks for slots. */
export interface AcquireSlotsRequest {
  /** UUIDv7 of the lease, made by the caller, which makes the call repeatable. */
  lease_id: string;
  /** The limits. A name without a limit holds nothing back, unless `strict`. */
  names: string[];
  /** How many slots of each; 0 is 1. */
  slots: number;
  /** How long the lease holds without a renewal; unset is 60 seconds. */
  lease_duration?: string;
  /** How long to wait in line; unset is not at all. The server may answer earlier with `wait`. */
  wait_up_to?: string;
  /** What kind of holder: "flow-run", "task-run", "client". */
  holder_kind: string;
  /** Which holder. */
  holder_id: string;
  /** True: a name without a limit is an error (NOT_FOUND). */
  strict: boolean;
  /** True: all limits must be rate limits (else INVALID_ARGUMENT), and no lease is kept: what was taken comes back with time. */
  rate: boolean;
}

/** What became of it. */
export interface AcquireSlotsResponse {
  /** The slots are held. */
  held?: SlotsHeld;
  /** Not yet: call again with the same lease_id, which keeps the place in line. */
  wait?: SlotsWait;
  /** Not now and not later: a limit of tasks with a tag ("tag:...") is 0. */
  refused?: SlotsRefused;
}

/** What to do. */
export interface Action {
  /** Calls a URL. */
  call_webhook?: CallWebhookAction;
  /** Starts a run of a deployment. */
  run_deployment?: RunDeploymentAction;
  /** Changes the state of a flow run. */
  change_flow_run_state?: ChangeFlowRunStateAction;
  /** Cancels a flow run. */
  cancel_flow_run?: CancelFlowRunAction;
  /** Sends the event to a flow run. */
  send_run_input?: SendRunInputAction;
  /** Pauses a deployment: its schedules start nothing. */
  pause_deployment?: TargetAction;
  /** Resumes a deployment. */
  resume_deployment?: TargetAction;
  /** Pauses a work pool: nothing is claimed from it. */
  pause_work_pool?: WorkPoolAction;
  /** Resumes a work pool. */
  resume_work_pool?: WorkPoolAction;
  /** Pauses a work queue: nothing is claimed from it. */
  pause_work_queue?: WorkQueueAction;
  /** Resumes a work queue. */
  resume_work_queue?: WorkQueueAction;
  /** Disables an automation, by default this one. */
  pause_automation?: TargetAction;
  /** Enables an automation, by default this one. */
  resume_automation?: TargetAction;
  /** Suspends a flow run. */
  suspend_flow_run?: TargetAction;
  /** Resumes a flow run that is paused or suspended. */
  resume_flow_run?: TargetAction;
  /** Deletes a flow run. */
  delete_flow_run?: TargetAction;
  /** Pauses a schedule of a deployment. */
  pause_schedule?: ScheduleAction;
  /** Resumes a schedule of a deployment. */
  resume_schedule?: ScheduleAction;
  /** Emits an event, which other automations may wait for. */
  emit_event?: EmitEventAction;
  /** Does nothing but be recorded: to see when an automation would act. */
  do_nothing?: DoNothingAction;
  /** Sends a message to a channel. */
  send_notification?: SendNotificationAction;
}

/** A key, without its text. */
export interface ApiKey {
  /** The part of the key that is no secret. */
  api_key_id: string;
  /** What it is for. */
  name: string;
  /** The user or service account that it proves. */
  principal_id: string;
  /** The only workspace that it works in; empty is every one of its holder's. */
  workspace_id: string;
  /** When it was made. */
  created_at?: string;
  /** When it stops to work; unset is never. */
  expires_at?: string;
  /** When it was revoked; unset if it was not. */
  revoked_at?: string;
  /** When it was last used, to about a minute; unset if never. */
  last_used_at?: string;
  /** The key that it is to be replaced by; empty if there is none. */
  replaced_by_id: string;
  /** The most that it can do, whatever its holder may; empty is all. */
  permissions: Permission[];
  /** The name of its holder that people read. */
  holder: string;
}

/** Asks to store records. */
export interface AppendLogsRequest {
  /** The records. */
  records: LogRecord[];
}

/** The records are committed. */
export interface AppendLogsResponse {
  /** How many were new. */
  stored: number;
}

/** Asks to create or change a calendar. */
export interface ApplyCalendarRequest {
  /** The calendar. */
  calendar?: Calendar;
}

/** Returns the calendar. */
export interface ApplyCalendarResponse {
  /** The calendar. */
  calendar?: Calendar;
  /** True if it was made by this call. */
  created: boolean;
  /** How many schedules have their runs to come made anew. */
  schedules: number;
}

/** Asks to create or change a deployment. */
export interface ApplyDeploymentRequest {
  /** UUIDv7 made by the caller for a new deployment; empty lets the server make one. */
  deployment_id: string;
  /** The flow's name; an unknown one is created. */
  flow_name: string;
  /** Unique in the flow. */
  name: string;
  /** The content. */
  content?: DeploymentContent;
  /** Its schedules, in place of those that it has; a schedule keeps its identity by its slug. */
  schedules: Schedule[];
  /** True: the schedules that it has are left alone and `schedules` must be empty. */
  keep_schedules: boolean;
  /** How many runs at once. */
  concurrency?: DeploymentConcurrency;
  /** True: its schedules make no runs; unset leaves it as it is. */
  paused?: boolean;
  /** What to say about a new version; the version's source message if empty. */
  message: string;
  /** True: content that differs makes a version, but the current version stays until another is promoted. */
  keep_current: boolean;
  /** True: everything is checked and answered as if it were done, and nothing is kept. */
  validate_only: boolean;
}

/** Returns the deployment. */
export interface ApplyDeploymentResponse {
  /** The deployment. */
  deployment?: Deployment;
  /** True if it was made by this call. */
  created: boolean;
  /** True if this call made a new version. */
  new_version: boolean;
  /** The version with the content of this call. */
  version?: DeploymentVersion;
}

/** What a run made for people to look at. */
export interface Artifact {
  /** UUIDv7. */
  artifact_id: string;
  /** Artifacts with the same key are versions of one thing. */
  key: string;
  /** What kind. */
  kind: ArtifactKind;
  /** With ARTIFACT_KIND_OTHER: the kind's name. */
  type: string;
  /** Of a markdown artifact. */
  markdown?: string;
  /** Of a table. */
  table?: TableContent;
  /** Of a link. */
  link?: LinkContent;
  /** Of a progress: 0 to 100. */
  progress?: number | "NaN" | "Infinity" | "-Infinity";
  /** Of an image. */
  image?: ImageContent;
  /** Of anything else. */
  value?: JsonValue;
  /** What it shows, in Markdown. */
  description: string;
  /** More about it. */
  metadata?: JsonObject;
  /** The flow run that made it. */
  flow_run_id: string;
  /** The task run that made it. */
  task_run_id: string;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** True if no later artifact has the same key. */
  latest: boolean;
}

/** Which artifacts. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface ArtifactFilter {
  /** Any of these ids. */
  artifact_ids: string[];
  /** Any of these keys. */
  keys: string[];
  /** A part of the key. */
  key_contains: string;
  /** Any of these kinds. */
  kinds: ArtifactKind[];
  /** Made by any of these flow runs. */
  flow_run_ids: string[];
  /** Made by any of these task runs. */
  task_run_ids: string[];
  /** True: only the latest of each key. */
  latest_only: boolean;
  /** Made in this span. */
  created?: TimeRange;
  /** With ARTIFACT_KIND_OTHER: any of these types. */
  types: string[];
  /** A part of the key or of the description, upper and lower case alike. */
  text: string;
  /** Last changed in this span. */
  updated?: TimeRange;
  /** True: only artifacts with a key; false: only artifacts without. */
  has_key?: boolean;
  /** Made by runs of any of these flows. */
  flow_ids: string[];
  /** Made by runs of any of these deployments. */
  deployment_ids: string[];
}

/** What kind of artifact it is. */
export type ArtifactKind =
  | "ARTIFACT_KIND_UNSPECIFIED"
  | "ARTIFACT_KIND_MARKDOWN"
  | "ARTIFACT_KIND_TABLE"
  | "ARTIFACT_KIND_LINK"
  | "ARTIFACT_KIND_PROGRESS"
  | "ARTIFACT_KIND_IMAGE"
  | "ARTIFACT_KIND_RESULT"
  | "ARTIFACT_KIND_OTHER";

/** In which order to list artifacts. */
export type ArtifactSort =
  | "ARTIFACT_SORT_UNSPECIFIED"
  | "ARTIFACT_SORT_ID_DESC"
  | "ARTIFACT_SORT_ID_ASC"
  | "ARTIFACT_SORT_UPDATED_DESC"
  | "ARTIFACT_SORT_KEY_ASC"
  | "ARTIFACT_SORT_KEY_DESC";

/** Something that runs make for others to use. */
export interface Asset {
  /** Follows from the workspace and the key. */
  asset_id: string;
  /** Where it is, as a URI, e.g. "s3://lake/orders.parquet". Unique in the workspace. */
  key: string;
  /** The name that people read; empty shows the key. */
  name: string;
  /** What it is, in Markdown. */
  description: string;
  /** Where people find more about it. */
  url: string;
  /** Who looks after it. */
  owners: string[];
  /** When it was first heard of. */
  created_at?: string;
  /** When anything of it last changed. */
  updated_at?: string;
  /** The last one that succeeded, if any. */
  last_materialization?: Materialization;
}

/** An asset is made from another. */
export interface AssetDependency {
  /** What is made. */
  asset_id: string;
  /** What it is made from. */
  upstream_asset_id: string;
  /** When it was last made from it. */
  last_at?: string;
}

/** Which assets. Fields are joined by AND, values in a field by OR. */
export interface AssetFilter {
  /** Any of these ids. */
  asset_ids: string[];
  /** Any of these keys. */
  keys: string[];
  /** What the key begins with. */
  key_prefix: string;
  /** A part of the key, the name or the description, upper and lower case alike. */
  text: string;
  /** Looked after by any of these. */
  owners: string[];
  /** Last made in this span. */
  materialized?: TimeRange;
}

/** Asks to give a role. */
export interface AssignRoleRequest {
  /** The role's handle. */
  role: string;
  /** The user or service account that gets it; this or a team. */
  principal_id: string;
  /** The team that gets it. */
  team_id: string;
  /** Whether it holds in the whole account, for which the caller must administer the account; otherwise it holds in the workspace of the call. */
  in_account: boolean;
  /** What kind of object it is given on; unspecified is all. */
  object_kind: ObjectKind;
  /** Which object. */
  object: string;
}

/** Returns what was given. */
export interface AssignRoleResponse {
  /** That somebody holds a role somewhere. */
  role_assignment?: RoleAssignment;
}

/** The right to execute one attempt of a flow run. */
export interface Attempt {
  /** The flow run. */
  flow_run_id: string;
  /** The number of the attempt, from 1. */
  number: number;
  /** Without it, or with one of an earlier attempt, nothing can be written. */
  token: string;
  /** The lease has to be renewed before. */
  lease_expires_at?: string;
  /** How long each renewal holds. */
  lease_duration?: string;
}

/** An attempt may no longer write. */
export interface AttemptLost {
  /** The flow run. */
  flow_run_id: string;
  /** Stable word, e.g. "LEASE_LOST". */
  code: string;
  /** A sentence for people. */
  reason: string;
}

/** One change, or an attempt at one. It holds no content: only digests, whose key the server alone has. */
export interface AuditEntry {
  /** UUIDv7. */
  audit_entry_id: string;
  /** The workspace; the nil UUID where no workspace was proven. */
  workspace_id: string;
  /** Counts from 1 in each workspace, without gaps. */
  sequence: string;
  /** When it happened, by the clock of the service. */
  occurred_at?: string;
  /** Who: the id of a user or service account, `local` on a server without sign-in, `anonymous`. */
  principal_id: string;
  /** `user`, `service_account`, `local`, `anonymous`. */
  principal_kind: string;
  /** The name that people read. */
  principal_name: string;
  /** What: the method, `VariableService.SetVariable`. */
  action: string;
  /** The permission that it takes. */
  permission: string;
  /** The kind of the object, as in addresses: `variables`. */
  object_kind: string;
  /** Which object, by what identifies it in addresses. */
  object_id: string;
  /** How it ended. */
  outcome: AuditOutcome;
  /** The reason of an error, `PERMISSION_DENIED`; empty where it was done. */
  reason: string;
  /** The network address that the call came from. */
  address: string;
  /** The program that called. */
  user_agent: string;
  /** Names the call in logs and traces. */
  correlation_id: string;
  /** Keyed digest of the object as the entry before left it; empty if there is none. */
  before_digest: string;
  /** Keyed digest of the object as this one left it; empty if it is gone or unknown. */
  after_digest: string;
  /** Hash of the entry before in the workspace, hexadecimal. */
  previous_hash: string;
  /** SHA-256 over the hash before and all other fields, hexadecimal. */
  hash: string;
}

/** How an attempt to change something ended. */
export type AuditOutcome =
  | "AUDIT_OUTCOME_UNSPECIFIED"
  | "AUDIT_OUTCOME_DONE"
  | "AUDIT_OUTCOME_DENIED"
  | "AUDIT_OUTCOME_FAILED";

/** What to do when something happens or does not happen. */
export interface Automation {
  /** UUIDv7. */
  automation_id: string;
  /** The name that people read. */
  name: string;
  /** What it is for. */
  description: string;
  /** False: it does nothing. */
  enabled: boolean;
  /** Words to find it by. */
  tags: string[];
  /** The condition. A new automation has to have one. */
  trigger?: Trigger;
  /** Done whenever the trigger fires or resolves. */
  actions: Action[];
  /** Done when it fires. */
  actions_on_trigger: Action[];
  /** Done when it resolves. */
  actions_on_resolve: Action[];
  /** The resource that owns it, e.g. "headrace.deployment.<uuid>". */
  owner_resource_id: string;
  /** Who created it. */
  creator?: Creator;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** When it last fired. */
  last_fired_at?: string;
}

/** Runs of a deployment for many times or parameters. */
export interface Backfill {
  /** UUIDv7. */
  backfill_id: string;
  /** The deployment. */
  deployment_id: string;
  /** The version that its runs are of. */
  deployment_version_id: string;
  /** The name that people read. */
  name: string;
  /** Where it stands. */
  status: BackfillStatus;
  /** Why it stands there, if that needs a word. */
  message: string;
  /** How many of its runs at once at most; 0: as many as can. */
  concurrency: number;
  /** In which order they are made. */
  order: BackfillOrder;
  /** How far it is. */
  progress?: BackfillProgress;
  /** Who created it. */
  creator?: Creator;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** When the last of its runs was over. */
  ended_at?: string;
}

/** In which order runs are made. */
export type BackfillOrder =
  | "BACKFILL_ORDER_UNSPECIFIED"
  | "BACKFILL_ORDER_ASC"
  | "BACKFILL_ORDER_DESC";

/** How far a backfill is, in runs. */
export interface BackfillProgress {
  /** All. */
  total: number;
  /** Not made yet. */
  waiting: number;
  /** Made and not over. */
  active: number;
  /** Completed. */
  completed: number;
  /** Failed. */
  failed: number;
  /** Crashed. */
  crashed: number;
  /** Cancelled, or deleted by somebody. */
  cancelled: number;
}

/** The times that a backfill makes up for. */
export interface BackfillRange {
  /** From this moment on. */
  from?: string;
  /** Up to this moment, which itself does not count. */
  until?: string;
  /** The slug of a schedule of the deployment; may be empty if it has just one, or if a rule is given. */
  schedule_slug: string;
  /** A rule in place of a schedule of the deployment. */
  rule?: ScheduleRule;
  /** The parameter that gets each time, as text of RFC 3339; empty: none does. */
  slot_parameter: string;
}

/** One run of a backfill. */
export interface BackfillRun {
  /** From 1, in the order in which runs are made. */
  number: number;
  /** The time of the schedule that it is for; unset without a schedule. */
  slot_at?: string;
  /** Its parameters, on top of the deployment's. */
  parameters?: JsonObject;
  /** The flow run, the latest one of several tries; empty if it is not made yet. */
  flow_run_id: string;
  /** The type of the state that it ended in; unspecified if it is not over. */
  end_state: StateType;
  /** How often it was made. */
  tries: number;
}

/** Where a backfill stands. */
export type BackfillStatus =
  | "BACKFILL_STATUS_UNSPECIFIED"
  | "BACKFILL_STATUS_RUNNING"
  | "BACKFILL_STATUS_PAUSED"
  | "BACKFILL_STATUS_CANCELLING"
  | "BACKFILL_STATUS_CANCELLED"
  | "BACKFILL_STATUS_COMPLETED"
  | "BACKFILL_STATUS_FAILED";

/** Asks for flow runs by their ids. */
export interface BatchGetFlowRunsRequest {
  /** Which ones. */
  flow_run_ids: string[];
}

/** Returns flow runs. */
export interface BatchGetFlowRunsResponse {
  /** Those that exist, in the order asked for. */
  flow_runs: FlowRun[];
}

/** Asks to sign in a program. */
export interface BeginDeviceSignInRequest {
  /** What the program calls itself, for the person who decides. */
  client_name: string;
  /** A port of the person's own machine where the program waits for the browser; 0 if it only asks from time to time. */
  loopback_port: number;
}

/** Tells how to go on. */
export interface BeginDeviceSignInResponse {
  /** Proves the program when it collects. */
  device_code: string;
  /** What the person types or compares. */
  user_code: string;
  /** The page to open, without the server's address. */
  verification_path: string;
  /** How often to ask at most. */
  interval?: string;
  /** When both codes stop to be good. */
  expires_at?: string;
}

/** Asks to begin. */
export interface BeginProviderSignInRequest {
  /** Which provider. */
  provider: string;
  /** Where the provider sends the browser back to; it has to know this address. */
  redirect_uri: string;
}

/** Tells where to go. */
export interface BeginProviderSignInResponse {
  /** Where to send the browser. */
  authorization_url: string;
  /** To be given back at the end, by the same browser. */
  flow_token: string;
}

/** Asks for a secret. */
export interface BeginTotpRequest {
  /** The caller's password. */
  password: string;
}

/** Returns the secret. */
export interface BeginTotpResponse {
  /** The secret, base32; only here. */
  secret: string;
  /** The same as an address that apps read. */
  uri: string;
}

/** Typed configuration under a name. */
export interface Block {
  /** UUIDv7. */
  block_id: string;
  /** Its type. */
  type_slug: string;
  /** Its name; unique among those of the type. */
  name: string;
  /** Its values. A secret reads "********" unless it was asked for. `{"$block": "<type>/<name>"}` stands for another block. */
  data?: JsonObject;
  /** Where secrets are in the data, as JSON pointers. */
  secrets: string[];
  /** The schema that it was saved with. */
  schema?: BlockSchema;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** What a block holds. */
export interface BlockSchema {
  /** JSON schema of its data. */
  fields?: JsonObject;
  /** Paths of its secrets: names joined by dots, "*" for every key or place, for example "token", "headers.*". */
  secret_fields: string[];
  /** What its code can do, for example "get-directory", "write-path". */
  capabilities: string[];
  /** Version of the code. */
  version: string;
  /** Digest of the above, made by the server. */
  checksum: string;
  /** UUIDv7, made by the server. */
  block_schema_id: string;
  /** The type that it belongs to. */
  type_slug: string;
  /** The digest by which the client's own code knows the schema; it can be found by it. */
  client_checksum: string;
  /** When it was made. */
  created_at?: string;
}

/** What blocks of a kind have in common. */
export interface BlockType {
  /** UUIDv7. */
  block_type_id: string;
  /** Unique in the workspace. */
  slug: string;
  /** What people read. */
  name: string;
  /** What it is for. */
  description: string;
  /** A picture. */
  logo_url: string;
  /** Where it is documented. */
  documentation_url: string;
  /** How it is used in Python. */
  code_example: string;
  /** Its newest schema. */
  schema?: BlockSchema;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** What becomes of each flow run. */
export interface BulkAction {
  /** It is asked to stop, with its subflows. */
  cancel?: BulkCancel;
  /** It is scheduled again, if it is final. */
  retry?: BulkRetry;
  /** It is deleted, if it is final or was never started. Needs the permission to delete runs. */
  delete?: BulkDelete;
  /** A state is proposed for it. */
  set_state?: BulkSetState;
  /** Tags are added and removed. */
  change_tags?: BulkChangeTags;
}

/** Flow runs are asked to stop. */
export interface BulkCancel {
  /** Why; kept as the state's message. */
  reason: string;
}

/** Tags of flow runs are changed. */
export interface BulkChangeTags {
  /** Added where they are missing. */
  add: string[];
  /** Removed where they are. */
  remove: string[];
}

export type BulkDelete = Record<string, never>;

/** One change to many flow runs. */
export interface BulkOperation {
  /** UUIDv7. */
  bulk_operation_id: string;
  /** What becomes of each flow run. */
  action?: BulkAction;
  /** Which flow runs. */
  filter?: FlowRunFilter;
  /** How far it has come. */
  status: BulkOperationStatus;
  /** How many runs matched when it was started. */
  run_count: string;
  /** True if counting stopped at the server's bound, so that there are at least that many. */
  run_count_capped: boolean;
  /** How many runs it has looked at. */
  looked_at_count: string;
  /** How many of them it changed. */
  changed_count: string;
  /** How many the rules left as they were. */
  refused_count: string;
  /** Why runs were left as they were; the first 20. */
  refusals: BulkRefusal[];
  /** Who started it. */
  creator?: Creator;
  /** When it was started. */
  created_at?: string;
  /** When it last came further. */
  updated_at?: string;
  /** When it ended. */
  ended_at?: string;
}

/** How far an operation has come. */
export type BulkOperationStatus =
  | "BULK_OPERATION_STATUS_UNSPECIFIED"
  | "BULK_OPERATION_STATUS_PENDING"
  | "BULK_OPERATION_STATUS_RUNNING"
  | "BULK_OPERATION_STATUS_COMPLETED"
  | "BULK_OPERATION_STATUS_CANCELLED";

/** A run that was left as it was. */
export interface BulkRefusal {
  /** The flow run. */
  flow_run_id: string;
  /** Stable word, e.g. "NOT_FINAL". */
  code: string;
  /** A sentence for people. */
  reason: string;
}

/** Flow runs are scheduled again. */
export interface BulkRetry {
  /** What is executed again: RETRY_SCOPE_UNFINISHED or RETRY_SCOPE_ALL. */
  scope: RetryScope;
}

/** One run of many. */
export interface BulkRun {
  /** UUIDv7 made by the caller, which makes the call repeatable; empty lets the server make one. */
  flow_run_id: string;
  /** The name that people read; empty lets the server make one. */
  name: string;
  /** Parameters, on top of the deployment's. */
  parameters?: JsonObject;
  /** When; unset is now. */
  scheduled_at?: string;
  /** A second call with the same key returns the first run. */
  idempotency_key: string;
  /** Words to find it by, beside the deployment's. */
  tags: string[];
  /** Values for the base job template, on top of the deployment's. */
  job_variables?: JsonObject;
}

/** What became of one run of many. */
export interface BulkRunResult {
  /** The flow run, new or found by its id or idempotency key. */
  flow_run_id: string;
  /** True if it was made by this call. */
  created: boolean;
}

/** A state is proposed for flow runs. */
export interface BulkSetState {
  /** The type. */
  type: StateType;
  /** The name; empty is the usual one of the type. */
  name: string;
  /** Why. */
  message: string;
  /** True: only the rules that protect data and release slots apply. */
  force: boolean;
}

/** Times at which schedules make no runs. */
export interface Calendar {
  /** Unique in the workspace. */
  name: string;
  /** What it is for. */
  description: string;
  /** IANA name of the time zone that its days are days of; empty is UTC. */
  time_zone: string;
  /** Whole days: "2026-12-25", or "12-25" for that day of every year. */
  dates: string[];
  /** Whole days of every week: 1 is Monday, 7 is Sunday. */
  weekdays: number[];
  /** Spans of time. */
  blackouts: TimeRange[];
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** Calls a URL. */
export interface CallWebhookAction {
  /** The URL; http or https. */
  url: string;
  /** POST if empty. */
  method: string;
  /** Headers. Values are stored encrypted and never returned. */
  headers: Record<string, string>;
  /** The body, a template over the event and its run; empty: the event as JSON. */
  body_template: string;
  /** The secret that the body is signed with (HMAC-SHA256). Stored encrypted and never returned. */
  signing_secret: string;
  /** True: addresses of private networks and of this machine are allowed. */
  allow_private_addresses: boolean;
  /** The block that the call was made from, kept for those who ask; what is sent does not depend on it. */
  block_id: string;
}

/** Asks to cancel a backfill. */
export interface CancelBackfillRequest {
  /** Which one. */
  backfill_id: string;
}

/** Returns the backfill. */
export interface CancelBackfillResponse {
  /** The backfill. */
  backfill?: Backfill;
}

/** Cancels a background task. */
export interface CancelBackgroundTaskRequest {
  /** Which. */
  task_run_id: string;
}

/** Returns what became of it. */
export interface CancelBackgroundTaskResponse {
  /** True: it is cancelled or was over. False: the process that executes it was told. */
  is_over: boolean;
}

/** Asks to stop an operation. */
export interface CancelBulkOperationRequest {
  /** Which one. */
  bulk_operation_id: string;
}

/** Returns the operation. */
export interface CancelBulkOperationResponse {
  /** The operation as it ends. */
  bulk_operation?: BulkOperation;
}

/** Cancels a flow run. */
export interface CancelFlowRunAction {
  /** Which one; empty: the one that the event is about. */
  flow_run_id: string;
}

/** Asks a flow run to stop. */
export interface CancelFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
  /** UUIDv7 that makes the call repeatable. */
  request_id: string;
  /** Why; kept as the state's message. */
  reason: string;
}

/** Returns the verdict. */
export interface CancelFlowRunResponse {
  /** What was decided: CANCELLING, or CANCELLED where nothing has to be stopped. */
  verdict?: Verdict;
  /** The flow run after it. */
  flow_run?: FlowRun;
}

/** What happens to times that were missed: while nothing could make runs, or nobody took the runs that were made. */
export type CatchUp =
  | "CATCH_UP_UNSPECIFIED"
  | "CATCH_UP_ALL"
  | "CATCH_UP_LATEST"
  | "CATCH_UP_SKIP";

/** Changes the state of a flow run. */
export interface ChangeFlowRunStateAction {
  /** Which one; empty: the one that the event is about. */
  flow_run_id: string;
  /** The state. */
  type: StateType;
  /** Its name. */
  name: string;
  /** Its message, a template. */
  message: string;
  /** True: only the rules that protect data and release slots apply. */
  force: boolean;
}

/** Asks to change who is in a team. */
export interface ChangeTeamMembersRequest {
  /** Which team. */
  team_id: string;
  /** Ids of users to put in; those that are in it stay. */
  add_user_ids: string[];
  /** Ids of users to take out. */
  remove_user_ids: string[];
}

export type ChangeTeamMembersResponse = Record<string, never>;

/** Where people are told what happened. */
export interface Channel {
  /** UUIDv7. */
  channel_id: string;
  /** Unique in the workspace. */
  name: string;
  /** What it is for. */
  description: string;
  /** One of those that GetChannelKinds returns, for example "slack", "email". */
  kind: string;
  /** True: nothing is sent; what is queued waits. */
  paused: boolean;
  /** As the kind's schema says. A secret reads "********"; written so, it stays as it was. */
  config?: JsonObject;
  /** How messages are sent to it. */
  policy?: ChannelPolicy;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** Nothing is sent before: the receiver asked for it. */
  held_until?: string;
}

/** A message on its way to a channel. */
export interface ChannelDelivery {
  /** UUIDv7. */
  channel_delivery_id: string;
  /** The channel. */
  channel_id: string;
  /** The channel's name when it was queued. */
  channel_name: string;
  /** The channel's kind when it was queued. */
  channel_kind: string;
  /** What is told. */
  message?: Message;
  /** How it stands. */
  status: ChannelDeliveryStatus;
  /** How often it was tried. */
  tries: number;
  /** When it is tried next. */
  next_try_at?: string;
  /** What the last try was answered, cut to 2,000 characters, without secrets. */
  last_answer: string;
  /** The HTTP status or SMTP code of the last try. */
  last_status_code: number;
  /** When it was queued. */
  created_at?: string;
  /** When it was delivered, given up or taken into another. */
  ended_at?: string;
  /** The same for all tries; the receiver can tell repeated ones by it. */
  dedup_key: string;
  /** The event behind it, if any. */
  event_id: string;
  /** The automation behind it, if any. */
  automation_id: string;
  /** The flow run that it is about, if any. */
  flow_run_id: string;
  /** The delivery that it was sent as a part of. */
  digest_id: string;
  /** How many messages it stands for. */
  grouped: number;
  /** When it was acknowledged. */
  acknowledged_at?: string;
  /** By whom; "link" if by the link in the message. */
  acknowledged_by: string;
  /** When another channel is told unless it is acknowledged. */
  escalates_at?: string;
  /** The delivery to the other channel that was told. */
  escalated_to_id: string;
  /** The delivery that nobody acknowledged, which this one is about. */
  escalation_of_id: string;
}

/** How a delivery to a channel stands. */
export type ChannelDeliveryStatus =
  | "CHANNEL_DELIVERY_STATUS_UNSPECIFIED"
  | "CHANNEL_DELIVERY_STATUS_PENDING"
  | "CHANNEL_DELIVERY_STATUS_DELIVERED"
  | "CHANNEL_DELIVERY_STATUS_DEAD"
  | "CHANNEL_DELIVERY_STATUS_GROUPED";

/** One try of a delivery. */
export interface ChannelDeliveryTry {
  /** 1 is the first. */
  number: number;
  /** When it ended. */
  ended_at?: string;
  /** How long it took. */
  took?: string;
  /** Whether the receiver took it. */
  delivered: boolean;
  /** The HTTP status or SMTP code; 0 if there was none. */
  status_code: number;
  /** What was answered, or what went wrong; cut to 2,000 characters, without secrets. */
  answer: string;
}

/** A kind of channels. */
export interface ChannelKind {
  /** The word for it, for example "slack". */
  kind: string;
  /** What people read. */
  title: string;
  /** What it does. */
  description: string;
  /** JSON schema of the configuration; secrets are strings with "writeOnly": true. */
  schema?: JsonObject;
  /** Fields that are secret: names joined by dots, "*" for every key. */
  secret_fields: string[];
  /** How many messages a minute at most, where the channel does not say. */
  most_per_minute: number | "NaN" | "Infinity" | "-Infinity";
  /** Where its service is documented. */
  documentation_url: string;
}

/** How messages are sent to a channel. */
export interface ChannelPolicy {
  /** How many messages a minute at most; 0 is what suits the kind. */
  most_per_minute: number | "NaN" | "Infinity" | "-Infinity";
  /** Messages that belong together (of one automation, unless they say otherwise) and come within this time after one was sent are gathered, and sent as one. Unset: each is sent alone. At most a day. */
  group_within?: string;
  /** When only what is severe is sent. */
  quiet_hours?: QuietHours;
  /** Whom to tell if nobody acknowledges. */
  escalation?: Escalation;
  /** How often a message is tried before it is given up; 0 is 12. */
  most_tries: number;
}

/** Asks for the key. */
export interface CollectDeviceSignInRequest {
  /** What the beginning returned. */
  device_code: string;
}

/** Returns the key, or that nobody has decided yet. */
export interface CollectDeviceSignInResponse {
  /** Whether nobody has decided yet. */
  pending: boolean;
  /** The key; only here. */
  key: string;
  /** Whose it is. */
  user?: User;
}

/** Asks what differs between two versions. */
export interface CompareDeploymentVersionsRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** The earlier version's number; 0 is the one that the later replaced. */
  from_number: number;
  /** The later version's number; 0 is the current version. */
  to_number: number;
}

/** Tells what differs. */
export interface CompareDeploymentVersionsResponse {
  /** The earlier version; unset if the later is the first. */
  from_version?: DeploymentVersion;
  /** The later version. */
  to_version?: DeploymentVersion;
  /** What differs, in the order of the paths. */
  changes: VersionChange[];
}

/** Asks to end what was begun. */
export interface CompleteProviderSignInRequest {
  /** What the beginning returned. */
  flow_token: string;
  /** As the provider sent it. */
  state: string;
  /** As the provider sent it. */
  code: string;
  /** As the provider sent it (`iss`, RFC 9207); empty if it sent none. */
  issuer: string;
}

/** The caller is signed in. */
export interface CompleteProviderSignInResponse {
  /** Who. */
  user?: User;
  /** What proves the session; over HTTP it is a cookie. */
  session_token: string;
  /** When it ends. */
  expires_at?: string;
}

/** Fires on several conditions. */
export interface CompoundTrigger {
  /** The conditions. */
  triggers: Trigger[];
  /** How many of them it takes; 0 is all. */
  require: number;
  /** In which span of time. */
  within?: string;
}

/** How many at once. */
export interface ConcurrencyLimit {
  /** Unique in the workspace. Names with a colon are of a kind: "tag:<tag>", "deployment:<id>", "work-pool:<id>", "work-queue:<id>"; others are global. */
  name: string;
  /** How many slots. */
  limit: number;
  /** False: it holds nothing back. */
  active: boolean;
  /** Above 0 it is a rate limit: taken slots come back at this rate. */
  slot_decay_per_second: number | "NaN" | "Infinity" | "-Infinity";
  /** Slots that are taken now. */
  active_slots: number;
  /** Who holds them, up to 100. */
  holders: SlotHolder[];
  /** Who waits for them, up to 100, first in line first. */
  waiters: SlotHolder[];
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** What happens to a run when all slots are taken. */
export type ConcurrencyStrategy =
  | "CONCURRENCY_STRATEGY_UNSPECIFIED"
  | "CONCURRENCY_STRATEGY_ENQUEUE"
  | "CONCURRENCY_STRATEGY_CANCEL_NEW"
  | "CONCURRENCY_STRATEGY_CANCEL_RUNNING";

/** Proves a code. */
export interface ConfirmTotpRequest {
  /** A code that holds now. */
  code: string;
}

/** One-time codes are needed from now on. */
export interface ConfirmTotpResponse {
  /** Each takes the place of a code once; only here. */
  recovery_codes: string[];
}

/** Asks to count events. */
export interface CountEventsRequest {
  /** Which ones. Without a span of time: of the last day. */
  filter?: EventFilter;
  /** By what. */
  facet: EventFacet;
  /** How many values at most, the most frequent ones; 0 is 20. */
  most_values: number;
  /** Into how many buckets of the same length the time is cut; 0 is 1. */
  bucket_count: number;
}

/** Returns counts. */
export interface CountEventsResponse {
  /** By value, the most frequent first. */
  counts: EventCount[];
  /** How many events there are. */
  total: string;
  /** How many there are in each bucket, oldest first. */
  over_time: string[];
  /** The span that was counted. */
  span?: TimeRange;
  /** True if counting stopped at the server's bound: there are older events. */
  capped: boolean;
}

/** Asks how many flow runs there are. */
export interface CountFlowRunsRequest {
  /** Which ones. */
  filter?: FlowRunFilter;
}

/** Returns counts. */
export interface CountFlowRunsResponse {
  /** How many by state type. */
  counts: StateCount[];
  /** True if counting stopped at the server's bound, so that there are at least that many. */
  capped: boolean;
}

/** Asks how many task runs there are. */
export interface CountTaskRunsRequest {
  /** Which ones. */
  filter?: TaskRunFilter;
}

/** Returns counts. */
export interface CountTaskRunsResponse {
  /** How many by state type. */
  counts: TaskStateCount[];
  /** True if counting stopped at the server's bound, so that there are at least that many. */
  capped: boolean;
}

/** Asks to create a key. */
export interface CreateApiKeyRequest {
  /** What it is for. */
  name: string;
  /** The user or service account that it is for; empty is the caller. */
  principal_id: string;
  /** After this long it stops to work; unset is never. */
  lifetime?: string;
  /** Whether it works in the workspace of the call only. */
  only_here: boolean;
  /** The most that it can do, whatever its holder may; empty is all. */
  permissions: Permission[];
}

/** Returns the key. */
export interface CreateApiKeyResponse {
  /** The key without its text. */
  api_key?: ApiKey;
  /** The text, `hr_<id>_<secret>`; only here. */
  key: string;
}

/** Asks to create an artifact. */
export interface CreateArtifactRequest {
  /** The artifact. Its id may be made by the caller, which makes the call repeatable. */
  artifact?: Artifact;
}

/** Returns the artifact. */
export interface CreateArtifactResponse {
  /** The artifact. */
  artifact?: Artifact;
}

/** Asks to create an automation. */
export interface CreateAutomationRequest {
  /** The automation. Its id may be made by the caller, which makes the call repeatable. */
  automation?: Automation;
}

/** Returns the automation. */
export interface CreateAutomationResponse {
  /** The automation. */
  automation?: Automation;
}

/** Asks to create a backfill. */
export interface CreateBackfillRequest {
  /** UUIDv7 made by the caller, which makes the call repeatable; empty lets the server make one. */
  backfill_id: string;
  /** Of which deployment. */
  deployment_id: string;
  /** The name that people read. */
  name: string;
  /** The times to make up for. */
  range?: BackfillRange;
  /** Lists of values by parameter: a run for each combination (with each time of the range, if there is one). */
  matrix?: JsonObject;
  /** Parameters of all runs, on top of the deployment's and of the schedule's. */
  parameters?: JsonObject;
  /** In which order to make the runs. */
  order: BackfillOrder;
  /** How many of its runs at once at most; 0: as many as can. */
  concurrency: number;
  /** True: nothing is made; the answer says what would be. */
  dry_run: boolean;
  /** A version other than the current one. */
  deployment_version_id: string;
}

/** Returns the backfill. */
export interface CreateBackfillResponse {
  /** The backfill; of a dry run without an id. */
  backfill?: Backfill;
  /** Of a dry run: what would be run, at most the first 1,000. */
  runs: BackfillRun[];
}

/** Queues background tasks. */
export interface CreateBackgroundTasksRequest {
  /** Which. */
  tasks: NewBackgroundTask[];
}

/** Returns when they are queued. */
export interface CreateBackgroundTasksResponse {
  /** How many were queued by this request; the others were there already. */
  queued: number;
}

/** Asks to change many flow runs. */
export interface CreateBulkOperationRequest {
  /** UUIDv7 made by the caller, which makes the call repeatable; empty lets the server make one. */
  bulk_operation_id: string;
  /** Which flow runs. */
  filter?: FlowRunFilter;
  /** What becomes of each. */
  action?: BulkAction;
  /** True: only count. */
  dry_run: boolean;
  /** Must be true where the filter is empty: all flow runs of the workspace. */
  all_runs: boolean;
}

/** Returns the operation. */
export interface CreateBulkOperationResponse {
  /** The operation, new or found by its id. Of a dry run: without an id. */
  bulk_operation?: BulkOperation;
}

/** Asks to create a channel. */
export interface CreateChannelRequest {
  /** The channel. Its id may be made by the caller, which makes the call repeatable. */
  channel?: Channel;
}

/** Returns the channel. */
export interface CreateChannelResponse {
  /** The channel. */
  channel?: Channel;
}

/** Asks to create a flow. */
export interface CreateFlowRequest {
  /** UUIDv7 made by the caller; empty lets the server make one. */
  flow_id: string;
  /** Unique in the workspace. */
  name: string;
  /** What the flow does, in Markdown. */
  description: string;
  /** Words to find it by. */
  tags: string[];
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
}

/** Returns the flow. */
export interface CreateFlowResponse {
  /** The flow, new or found by its name. */
  flow?: Flow;
  /** True if it was made by this call. */
  created: boolean;
}

/** Asks to create a flow run. */
export interface CreateFlowRunRequest {
  /** UUIDv7 made by the caller, which makes the call repeatable; empty lets the server make one. */
  flow_run_id: string;
  /** The flow's id. */
  flow_id?: string;
  /** The flow's name. */
  flow_name?: string;
  /** The name that people read; empty lets the server make one. */
  name: string;
  /** The first state: SCHEDULED (the default), PENDING or RUNNING. */
  state?: State;
  /** The flow's parameters. */
  parameters?: JsonObject;
  /** Whatever the creator wants to keep with the run. */
  context?: JsonObject;
  /** Words to find it by. */
  tags: string[];
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
  /** The flow's version, as the user names it. */
  flow_version: string;
  /** How often and when it is retried. */
  retry_policy?: RetryPolicy;
  /** A second creation with the same key returns the first run. */
  idempotency_key: string;
  /** The task run of the parent flow run that stands for this run. */
  parent_task_run_id: string;
  /** The flow run that calls it. */
  parent_flow_run_id: string;
  /** What identifies the process, if it is created by the one that runs it. */
  infrastructure_id: string;
  /** The token of the attempt that begins if the run is created as PENDING or RUNNING by a client that neither keeps tokens nor gives signs of life: see ProposeFlowRunStateRequest. */
  own_token: string;
  /** Values for the base job template of its pool. */
  job_variables?: JsonObject;
  /** The work pool whose workers take it while it is SCHEDULED; empty: none does. They have to know how to load it without a deployment. */
  work_pool_name: string;
  /** The queue of the pool; empty is the default one. */
  work_queue_name: string;
  /** Labels that its worker must have. */
  worker_labels?: JsonObject;
}

/** Returns the flow run. */
export interface CreateFlowRunResponse {
  /** The flow run, new or found by its id or idempotency key. */
  flow_run?: FlowRun;
  /** True if it was made by this call. */
  created: boolean;
  /** The attempt, if the run was created as RUNNING by this call (or by the call that this one repeats). */
  attempt?: Attempt;
}

/** Asks to invite somebody. */
export interface CreateInvitationRequest {
  /** Their address. */
  email: string;
  /** The handle of the role that they get in the workspace of the call. */
  role: string;
}

/** Returns the invitation. */
export interface CreateInvitationResponse {
  /** The invitation. */
  invitation?: Invitation;
  /** The secret part of the link; only here. */
  token: string;
  /** Whether the link was sent by e-mail; servers send none until they are told of an SMTP server. */
  emailed: boolean;
}

/** Asks to create a notification policy. */
export interface CreateNotificationPolicyRequest {
  /** The policy. Its id may be made by the caller, which makes the call repeatable. */
  notification_policy?: NotificationPolicy;
}

/** Returns the notification policy. */
export interface CreateNotificationPolicyResponse {
  /** The policy. */
  notification_policy?: NotificationPolicy;
}

/** Asks to create a role. */
export interface CreateRoleRequest {
  /** Unique in the account; never changes. */
  handle: string;
  /** The name that people read; empty is the handle. */
  name: string;
  /** What it is for. */
  description: string;
  /** What its holders may do. */
  permissions: Permission[];
}

/** Returns the role. */
export interface CreateRoleResponse {
  /** The role. */
  role?: Role;
}

/** Asks to send an input. */
export interface CreateRunInputRequest {
  /** To which flow run. */
  flow_run_id: string;
  /** Unique in the flow run; makes the call repeatable. */
  key: string;
  /** Any JSON value, up to 512 KiB. */
  value?: JsonValue;
  /** Who sends it. */
  sender: string;
  /** True: it takes the place of an older one with the key. */
  replace: boolean;
}

/** Returns the input. */
export interface CreateRunInputResponse {
  /** The input with the key, which another may have sent before. */
  run_input?: RunInput;
  /** True if it was sent by this call. */
  created: boolean;
}

/** Asks to add a note. */
export interface CreateRunNoteRequest {
  /** To which flow run. */
  flow_run_id: string;
  /** UUIDv7 made by the caller, which makes the call repeatable; empty lets the server make one. */
  run_note_id: string;
  /** The text, in Markdown. */
  text: string;
}

/** Returns the note. */
export interface CreateRunNoteResponse {
  /** The note, new or found by its id. */
  run_note?: RunNote;
}

/** Asks for the token of a flow run. */
export interface CreateRunTokenRequest {
  /** The flow run. */
  flow_run_id: string;
  /** The token of its newest attempt, which was claimed for the caller. */
  attempt_token: string;
}

/** Returns the token of a flow run. */
export interface CreateRunTokenResponse {
  /** The token, to be used like a key. */
  token: string;
}

/** Asks to add a schedule. */
export interface CreateScheduleRequest {
  /** To which deployment. */
  deployment_id: string;
  /** The schedule. */
  schedule?: Schedule;
}

/** Returns the schedule. */
export interface CreateScheduleResponse {
  /** The schedule. */
  schedule?: Schedule;
}

/** Asks to create a service account. */
export interface CreateServiceAccountRequest {
  /** Unique in the workspace. */
  handle: string;
  /** The name that people read; empty is the handle. */
  display_name: string;
  /** The handle of a role to give it in the workspace; empty gives none. */
  role: string;
}

/** Returns the service account. */
export interface CreateServiceAccountResponse {
  /** The service account. */
  service_account?: ServiceAccount;
}

/** Asks to create a team. */
export interface CreateTeamRequest {
  /** Unique in the account. */
  handle: string;
  /** The name that people read; empty is the handle. */
  name: string;
  /** What it is for. */
  description: string;
  /** What a directory calls it. */
  external_id: string;
}

/** Returns the team. */
export interface CreateTeamResponse {
  /** The team. */
  team?: Team;
}

/** Asks to create a user. */
export interface CreateUserRequest {
  /** Unique in the account. */
  email: string;
  /** The name that people read; empty is the address. */
  display_name: string;
  /** What a directory calls the user. */
  external_id: string;
}

/** Returns the user. */
export interface CreateUserResponse {
  /** The user. */
  user?: User;
}

/** Asks to create a webhook. */
export interface CreateWebhookRequest {
  /** The webhook. Its id may be made by the caller. */
  webhook?: Webhook;
  /** The secret, where the sender chooses it; empty: the server makes one. */
  secret: string;
}

/** Returns the webhook. */
export interface CreateWebhookResponse {
  /** The webhook. */
  webhook?: Webhook;
  /** Its secret; empty where there is none. */
  secret: string;
}

/** Asks to create a work pool. */
export interface CreateWorkPoolRequest {
  /** The pool; its name and type are needed. */
  work_pool?: WorkPool;
}

/** Returns the work pool. */
export interface CreateWorkPoolResponse {
  /** The work pool. */
  work_pool?: WorkPool;
}

/** Asks to add a queue. */
export interface CreateWorkQueueRequest {
  /** To which pool. */
  work_pool_name: string;
  /** The queue; its name is needed. */
  work_queue?: WorkQueue;
}

/** Returns the queue. */
export interface CreateWorkQueueResponse {
  /** The queue. */
  work_queue?: WorkQueue;
}

/** Asks to create a workspace. */
export interface CreateWorkspaceRequest {
  /** Unique; used in URLs. */
  handle: string;
  /** The name that people read; empty is the handle. */
  name: string;
  /** What it is for. */
  description: string;
  /** UUIDv7 made by the caller, so that a repeated request returns the same workspace; empty lets the server make one. */
  workspace_id: string;
}

/** Returns the workspace. */
export interface CreateWorkspaceResponse {
  /** The workspace. */
  workspace?: Workspace;
}

/** Who or what created something. */
export interface Creator {
  /** What kind of thing it is. */
  kind: CreatorKind;
  /** Its id, e.g. the schedule's or the principal's. */
  creator_id: string;
  /** The name that people read. */
  display_name: string;
}

/** What kind of thing created something. */
export type CreatorKind =
  | "CREATOR_KIND_UNSPECIFIED"
  | "CREATOR_KIND_USER"
  | "CREATOR_KIND_SERVICE_ACCOUNT"
  | "CREATOR_KIND_SCHEDULE"
  | "CREATOR_KIND_AUTOMATION"
  | "CREATOR_KIND_BACKFILL"
  | "CREATOR_KIND_FLOW_RUN"
  | "CREATOR_KIND_SYSTEM";

/** A cron expression. */
export interface CronRule {
  /** Five fields, or six with seconds last. */
  expression: string;
  /** IANA name of the time zone; empty is UTC. */
  time_zone: string;
  /** True (the default): day of month or day of week is enough; false: both must match. */
  day_or?: boolean;
}

/** Decides about a program. */
export interface DecideDeviceSignInRequest {
  /** The code that it shows. */
  user_code: string;
  /** Whether it may act as the caller. */
  approve: boolean;
}

/** It is decided. */
export interface DecideDeviceSignInResponse {
  /** Where the program waits for the browser; empty if it does not. */
  redirect_url: string;
}

/** Asks to delete an artifact. */
export interface DeleteArtifactRequest {
  /** Which one. */
  artifact_id: string;
}

export type DeleteArtifactResponse = Record<string, never>;

/** Asks to delete an asset. */
export interface DeleteAssetRequest {
  /** Which one. */
  asset_id: string;
}

export type DeleteAssetResponse = Record<string, never>;

/** Asks to delete an automation. */
export interface DeleteAutomationRequest {
  /** Which one. */
  automation_id: string;
}

export type DeleteAutomationResponse = Record<string, never>;

/** Asks to delete a block. */
export interface DeleteBlockRequest {
  /** Its type. */
  type_slug: string;
  /** Its name. */
  name: string;
}

export type DeleteBlockResponse = Record<string, never>;

/** Asks to delete a schema. */
export interface DeleteBlockSchemaRequest {
  /** Which one. */
  block_schema_id: string;
}

export type DeleteBlockSchemaResponse = Record<string, never>;

/** Asks to delete a type. */
export interface DeleteBlockTypeRequest {
  /** Which one. */
  slug: string;
}

export type DeleteBlockTypeResponse = Record<string, never>;

/** Asks to delete a calendar. */
export interface DeleteCalendarRequest {
  /** Which one. */
  name: string;
}

export type DeleteCalendarResponse = Record<string, never>;

/** Asks to delete a channel. */
export interface DeleteChannelRequest {
  /** Which one. */
  channel_id: string;
}

export type DeleteChannelResponse = Record<string, never>;

/** Asks to delete a limit. */
export interface DeleteConcurrencyLimitRequest {
  /** Which one. */
  name: string;
}

export type DeleteConcurrencyLimitResponse = Record<string, never>;

/** Asks to delete a deployment. */
export interface DeleteDeploymentRequest {
  /** Which one. */
  deployment_id: string;
}

export type DeleteDeploymentResponse = Record<string, never>;

/** Asks to delete a flow. */
export interface DeleteFlowRequest {
  /** Which one. */
  flow_id: string;
}

export type DeleteFlowResponse = Record<string, never>;

/** Asks to delete a flow run. */
export interface DeleteFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
}

export type DeleteFlowRunResponse = Record<string, never>;

/** Asks to delete a provider. */
export interface DeleteIdentityProviderRequest {
  /** Which one. */
  handle: string;
}

export type DeleteIdentityProviderResponse = Record<string, never>;

/** Asks to take an invitation back. */
export interface DeleteInvitationRequest {
  /** Which one. */
  invitation_id: string;
}

export type DeleteInvitationResponse = Record<string, never>;

/** Asks to delete a rule. */
export interface DeleteLogRetentionRuleRequest {
  /** Its deployment; empty: that for all. */
  deployment_id: string;
  /** Its level. */
  level_at_most: number;
}

export type DeleteLogRetentionRuleResponse = Record<string, never>;

/** Asks to delete a sink. */
export interface DeleteLogSinkRequest {
  /** Its name. */
  name: string;
}

export type DeleteLogSinkResponse = Record<string, never>;

/** Asks to delete a notification policy. */
export interface DeleteNotificationPolicyRequest {
  /** Which one. */
  notification_policy_id: string;
}

export type DeleteNotificationPolicyResponse = Record<string, never>;

/** Asks to delete a rule. */
export interface DeleteRetentionRuleRequest {
  /** What. */
  kind: RetentionKind;
  /** Flow runs of this deployment. */
  deployment_id?: string;
  /** Flow runs with this tag. */
  tag?: string;
}

export type DeleteRetentionRuleResponse = Record<string, never>;

/** Asks to delete a role. */
export interface DeleteRoleRequest {
  /** Which one. */
  handle: string;
}

export type DeleteRoleResponse = Record<string, never>;

/** Asks to delete an input. */
export interface DeleteRunInputRequest {
  /** Of which flow run. */
  flow_run_id: string;
  /** Which one. */
  key: string;
}

export type DeleteRunInputResponse = Record<string, never>;

/** Asks to delete a note. */
export interface DeleteRunNoteRequest {
  /** On which flow run. */
  flow_run_id: string;
  /** Which one. */
  run_note_id: string;
}

export type DeleteRunNoteResponse = Record<string, never>;

/** Asks to delete a schedule. */
export interface DeleteScheduleRequest {
  /** Which one. */
  schedule_id: string;
}

export type DeleteScheduleResponse = Record<string, never>;

/** Asks to delete a service account. */
export interface DeleteServiceAccountRequest {
  /** Which one. */
  service_account_id: string;
}

export type DeleteServiceAccountResponse = Record<string, never>;

/** Asks to end a session. */
export interface DeleteSessionRequest {
  /** Which one. */
  session_id: string;
}

export type DeleteSessionResponse = Record<string, never>;

/** Asks to delete a task run. */
export interface DeleteTaskRunRequest {
  /** Which one. */
  task_run_id: string;
}

export type DeleteTaskRunResponse = Record<string, never>;

/** Asks to delete a team. */
export interface DeleteTeamRequest {
  /** Which one. */
  team_id: string;
  /** Only if it last changed then (ABORTED, reason CHANGED_MEANWHILE); unset deletes it in any case. */
  if_updated_at?: string;
}

export type DeleteTeamResponse = Record<string, never>;

/** Asks to delete a user. */
export interface DeleteUserRequest {
  /** Which one. */
  user_id: string;
  /** Only if it last changed then (ABORTED, reason CHANGED_MEANWHILE); unset deletes it in any case. */
  if_updated_at?: string;
}

export type DeleteUserResponse = Record<string, never>;

/** Asks to delete a variable. */
export interface DeleteVariableRequest {
  /** Which one. */
  name: string;
}

export type DeleteVariableResponse = Record<string, never>;

/** Asks to delete a webhook. */
export interface DeleteWebhookRequest {
  /** Which one. */
  webhook_id: string;
}

export type DeleteWebhookResponse = Record<string, never>;

/** Asks to delete a work pool. */
export interface DeleteWorkPoolRequest {
  /** Which one. */
  work_pool_name: string;
}

export type DeleteWorkPoolResponse = Record<string, never>;

/** Asks to delete a queue. */
export interface DeleteWorkQueueRequest {
  /** Of which pool. */
  work_pool_name: string;
  /** Which queue. */
  work_queue_name: string;
}

export type DeleteWorkQueueResponse = Record<string, never>;

/** Asks to forget a worker. */
export interface DeleteWorkerRequest {
  /** Which one. */
  worker_id: string;
}

export type DeleteWorkerResponse = Record<string, never>;

/** One action that is done, or tried, for one event. */
export interface Delivery {
  /** UUIDv7. */
  delivery_id: string;
  /** The automation. */
  automation_id: string;
  /** The automation's name. */
  automation_name: string;
  /** The event that made it fire. */
  event_id: string;
  /** What kind of action: "call_webhook", ... */
  action_kind: string;
  /** How it stands. */
  status: DeliveryStatus;
  /** How often it was tried. */
  tries: number;
  /** When it is tried next. */
  next_try_at?: string;
  /** What the last try was answered, cut to 2,000 characters. */
  last_answer: string;
  /** The HTTP status of the last try. */
  last_status_code: number;
  /** When it was made. */
  created_at?: string;
  /** When it was delivered or given up. */
  ended_at?: string;
  /** The receiver can tell repeated tries by this key. */
  dedup_key: string;
}

/** How a delivery stands. */
export type DeliveryStatus =
  | "DELIVERY_STATUS_UNSPECIFIED"
  | "DELIVERY_STATUS_PENDING"
  | "DELIVERY_STATUS_DELIVERED"
  | "DELIVERY_STATUS_DEAD";

/** A flow made runnable. */
export interface Deployment {
  /** UUIDv7. */
  deployment_id: string;
  /** The flow. */
  flow_id: string;
  /** The flow's name. */
  flow_name: string;
  /** Unique in the flow. */
  name: string;
  /** What is versioned: its content in the current version. */
  content?: DeploymentContent;
  /** The current version. */
  current_version_id: string;
  /** The number of the current version, from 1. */
  version_number: number;
  /** True: its schedules make no runs. */
  paused: boolean;
  /** Whether somebody is there to run it. */
  status: DeploymentStatus;
  /** When it runs by itself. */
  schedules: Schedule[];
  /** How many runs at once, and what happens to more. */
  concurrency?: DeploymentConcurrency;
  /** Who created it. */
  creator?: Creator;
  /** When it was made. */
  created_at?: string;
  /** When anything of it last changed. */
  updated_at?: string;
  /** The pool that its runs wait in; empty without one. */
  work_pool_id: string;
  /** The queue that its runs wait in; empty without a pool. */
  work_queue_id: string;
}

/** How many runs of a deployment at once, and what happens to more. */
export interface DeploymentConcurrency {
  /** How many at most; unset: any number. */
  limit?: number;
  /** What happens to a run when all slots are taken. */
  strategy: ConcurrencyStrategy;
  /** How long the infrastructure may take to start before the slot is given to another. */
  grace_period?: string;
  /** A shared limit to use in place of one of its own. */
  shared_limit_name: string;
  /** Runs with the same key share `key_limit` slots: a text with placeholders for parameters, "{{ customer.id }}". */
  key: string;
  /** How many runs with the same key at once; unset is 1. */
  key_limit?: number;
}

/** What is versioned of a deployment. */
export interface DeploymentContent {
  /** The version as the user names it. */
  version: string;
  /** What it does, in Markdown. */
  description: string;
  /** Words that it and its runs are found by. */
  tags: string[];
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
  /** Where the flow is: "path/to/file.py:function" or "package.module:function". */
  entrypoint: string;
  /** The folder that a relative entrypoint starts from, on the machine that runs it. */
  path: string;
  /** What to do before the flow is loaded. */
  pull_steps: PullStep[];
  /** Parameters of its runs, unless the run names others. */
  parameters?: JsonObject;
  /** JSON schema of the parameters. */
  parameter_schema?: JsonObject;
  /** True: parameters that do not fit the schema are refused. */
  enforce_parameter_schema: boolean;
  /** Values for the work pool's base job template. */
  job_variables?: JsonObject;
  /** The pool that runs it; empty: it is run by the process that serves it. */
  work_pool_name: string;
  /** The queue of the pool; empty: the default queue. */
  work_queue_name: string;
  /** How often and when its runs are retried. */
  retry_policy?: RetryPolicy;
  /** Where the source came from. */
  version_info?: VersionInfo;
  /** Labels that a worker must have to run it, beside being of the right pool. */
  worker_labels?: JsonObject;
}

/** Which deployments. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface DeploymentFilter {
  /** Any of these ids. */
  deployment_ids: string[];
  /** Of any of these flows. */
  flow_ids: string[];
  /** Any of these names. */
  names: string[];
  /** A part of the name or of the flow's name. */
  name_contains: string;
  /** All of these tags. */
  tags_all: string[];
  /** Any of these tags. */
  tags_any: string[];
  /** None of these tags. */
  tags_none: string[];
  /** All of these labels. */
  labels?: JsonObject;
  /** Run by any of these pools. */
  work_pool_names: string[];
  /** In any of these queues. */
  work_queue_names: string[];
  /** Paused or not. */
  paused?: boolean;
  /** With or without a concurrency limit. */
  has_concurrency_limit?: boolean;
  /** With or without an active schedule. */
  scheduled?: boolean;
}

/** In which order to list deployments. */
export type DeploymentSort =
  | "DEPLOYMENT_SORT_UNSPECIFIED"
  | "DEPLOYMENT_SORT_CREATED_DESC"
  | "DEPLOYMENT_SORT_UPDATED_DESC"
  | "DEPLOYMENT_SORT_NAME_ASC"
  | "DEPLOYMENT_SORT_NAME_DESC";

/** Whether somebody is there to run a deployment. */
export type DeploymentStatus =
  | "DEPLOYMENT_STATUS_UNSPECIFIED"
  | "DEPLOYMENT_STATUS_READY"
  | "DEPLOYMENT_STATUS_NOT_READY";

/** One version of a deployment. */
export interface DeploymentVersion {
  /** UUIDv7. */
  deployment_version_id: string;
  /** The deployment. */
  deployment_id: string;
  /** From 1, increasing. */
  number: number;
  /** The content. */
  content?: DeploymentContent;
  /** Who made it. */
  creator?: Creator;
  /** When it was made. */
  created_at?: string;
  /** True for the version that new runs take. */
  current: boolean;
  /** SHA-256 of the content, in hexadecimal digits: the same content has the same digest. */
  digest: string;
  /** What its maker says about it. */
  message: string;
  /** The number of the version that was current when it was made; 0 for the first. */
  former_number: number;
  /** What differs from that version. Only in the answer of GetDeploymentVersion. */
  changes: VersionChange[];
}

export type DoNothingAction = Record<string, never>;

/** Asks for a document with all records. */
export interface DownloadLogsRequest {
  /** Which ones; it has to name flow runs, task runs or a span of time. */
  filter?: LogFilter;
  /** In which form. */
  format: LogFormat;
  /** True: without ANSI codes (colours and the like); else they are kept. */
  strip_ansi: boolean;
}

/** Asks to drain a worker. */
export interface DrainWorkerRequest {
  /** Which one. */
  worker_id: string;
}

/** The worker was told. */
export interface DrainWorkerResponse {
  /** The worker. */
  worker?: Worker;
}

/** Emits an event. It names the automations that led to it, so that none is led to by itself. */
export interface EmitEventAction {
  /** The event's name, a template. */
  name: string;
  /** What it is about, a template; empty: what the event that made it fire is about. */
  resource_id: string;
  /** The name of what it is about, a template. */
  resource_name: string;
  /** Details; strings are templates. */
  payload?: JsonObject;
}

/** Asks to store events. */
export interface EmitEventsRequest {
  /** The events. */
  events: Event[];
}

/** The events are committed. */
export interface EmitEventsResponse {
  /** How many were new. */
  stored: number;
}

/** Whom to tell if nobody acknowledges. Applies to warnings and worse. */
export interface Escalation {
  /** How long after the message was sent; at least a minute, at most a week. */
  after?: string;
  /** The channel that is told then. It may escalate further. */
  channel_id: string;
}

/** Something that happened to a resource. */
export interface Event {
  /** UUIDv7. For a state of a run it is the state's id. */
  event_id: string;
  /** Its name, e.g. "headrace.flow-run.Failed". */
  name: string;
  /** When it happened. */
  occurred_at?: string;
  /** When the server stored it. */
  received_at?: string;
  /** What it happened to. */
  resource?: EventResource;
  /** What else it concerns. */
  related: EventResource[];
  /** Details. */
  payload?: JsonObject;
  /** The event that it follows, if order matters. */
  follows_event_id: string;
}

/** How many events have a value in common. */
export interface EventCount {
  /** The name, or the id of the resource. */
  value: string;
  /** How many. */
  count: string;
  /** How many in each bucket, oldest first. */
  over_time: string[];
}

/** By what to count events. */
export type EventFacet =
  | "EVENT_FACET_UNSPECIFIED"
  | "EVENT_FACET_NAME"
  | "EVENT_FACET_RESOURCE"
  | "EVENT_FACET_RELATED";

/** Which events. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface EventFilter {
  /** Any of these ids. */
  event_ids: string[];
  /** Any of these names; "*" at the end matches any rest. */
  names: string[];
  /** None of these names; "*" at the end matches any rest. */
  names_excluded: string[];
  /** About any of these resources; "*" at the end matches any rest. */
  resource_ids: string[];
  /** Concerning any of these resources, in any role. */
  related_resource_ids: string[];
  /** About or concerning any of these resources. */
  any_resource_ids: string[];
  /** With a related resource in any of these roles. */
  related_roles: string[];
  /** With all of these labels on the resource. */
  resource_labels: Record<string, string>;
  /** Occurred in this span. */
  occurred?: TimeRange;
  /** Words that the name, the resources or the payload must contain. */
  text: string;
}

/** What an event is about. */
export interface EventResource {
  /** Its id, e.g. "headrace.flow-run.<uuid>". */
  resource_id: string;
  /** Its name. */
  name: string;
  /** Its role among the related resources, e.g. "flow". */
  role: string;
  /** More about it. */
  labels: Record<string, string>;
}

/** In which order to list events. */
export type EventSort =
  | "EVENT_SORT_UNSPECIFIED"
  | "EVENT_SORT_OCCURRED_DESC"
  | "EVENT_SORT_OCCURRED_ASC";

/** Fires on events. */
export interface EventTrigger {
  /** Presence or absence. */
  posture: TriggerPosture;
  /** What the event's resource must be like. */
  match?: ResourceMatch;
  /** What related resources there must be: each of these. */
  match_related: ResourceMatch[];
  /** Names of events that start the watch; "*" at the end matches any rest. Empty: it is always on. */
  after: string[];
  /** Names of the events that are expected; "*" at the end matches any rest. Empty: any event. */
  expect: string[];
  /** Labels by whose values events are counted apart. */
  for_each: string[];
  /** How many expected events it takes; 0 is 1. */
  threshold: number;
  /** In which span of time. */
  within?: string;
}

/** Asks to take slots away. */
export interface EvictSlotHolderRequest {
  /** The limit. */
  name: string;
  /** The holder's lease. That of a flow run lives on without the slots, any other ends, with all of its slots. */
  lease_id: string;
}

/** The slots were taken away. */
export interface EvictSlotHolderResponse {
  /** Who held them. */
  evicted?: SlotHolder;
}

/** Asks about a flow run. */
export interface ExplainFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
}

/** Explains a flow run. */
export interface ExplainFlowRunResponse {
  /** The flow run. */
  flow_run_id: string;
  /** Its state. */
  state?: State;
  /** The most important reason as a sentence, with what to do. */
  summary: string;
  /** All reasons, the most important first. */
  reasons: Explanation[];
  /** True if it runs, is over, or will go on without anybody doing anything. */
  healthy: boolean;
}

/** One reason. */
export interface Explanation {
  /** Which one. */
  kind: ExplanationKind;
  /** A sentence for people. */
  sentence: string;
  /** What can be done about it; empty if nothing needs to be. */
  advice: string;
  /** True if the run would not go on even if all other reasons went away. */
  blocking: boolean;
  /** The same as data, e.g. {"limit": "tag:db", "slots": 2, "holders": [...]}. */
  data?: JsonObject;
  /** When it ends by itself, if that is known. */
  until?: string;
}

/** What holds a flow run back, or where it is. */
export type ExplanationKind =
  | "EXPLANATION_KIND_UNSPECIFIED"
  | "EXPLANATION_KIND_NOT_DUE"
  | "EXPLANATION_KIND_AWAITING_RETRY"
  | "EXPLANATION_KIND_WORK_POOL_PAUSED"
  | "EXPLANATION_KIND_WORK_QUEUE_PAUSED"
  | "EXPLANATION_KIND_LIMIT_FULL"
  | "EXPLANATION_KIND_LIMIT_ZERO"
  | "EXPLANATION_KIND_NO_WORKER"
  | "EXPLANATION_KIND_NO_WORKER_FOR_QUEUE"
  | "EXPLANATION_KIND_NO_WORKER_WITH_LABELS"
  | "EXPLANATION_KIND_WORKERS_FULL"
  | "EXPLANATION_KIND_BEHIND_OTHERS"
  | "EXPLANATION_KIND_WORK_POOL_GONE"
  | "EXPLANATION_KIND_NOT_DISPATCHED"
  | "EXPLANATION_KIND_WAITING_FOR_PARENT"
  | "EXPLANATION_KIND_STARTING"
  | "EXPLANATION_KIND_RUNNING"
  | "EXPLANATION_KIND_WAITING_FOR_CHILD"
  | "EXPLANATION_KIND_PAUSED"
  | "EXPLANATION_KIND_CANCELLING"
  | "EXPLANATION_KIND_FINAL"
  | "EXPLANATION_KIND_READY"
  | "EXPLANATION_KIND_DEPLOYMENT_PAUSED"
  | "EXPLANATION_KIND_TOO_LATE";

/** A name and a value. */
export interface Fact {
  /** The name. */
  name: string;
  /** The value. */
  value: string;
}

/** A flow: a named piece of the user's code that can run. */
export interface Flow {
  /** UUIDv7. */
  flow_id: string;
  /** Unique in the workspace. */
  name: string;
  /** What the flow does, in Markdown. */
  description: string;
  /** Words to find it by. */
  tags: string[];
  /** Key and value pairs (string, number or bool) to find it by. */
  labels?: JsonObject;
  /** When it was first seen. */
  created_at?: string;
  /** When it was last changed. */
  updated_at?: string;
}

/** Which flows to list. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface FlowFilter {
  /** Any of these ids. */
  flow_ids: string[];
  /** Any of these names. */
  names: string[];
  /** A part of the name, upper and lower case alike. */
  name_contains: string;
  /** All of these tags. */
  tags_all: string[];
  /** Any of these tags. */
  tags_any: string[];
  /** None of these tags. */
  tags_none: string[];
  /** All of these labels. */
  labels?: JsonObject;
  /** Created in this span. */
  created?: TimeRange;
  /** True: only flows without tags; false: only flows with tags. */
  untagged?: boolean;
  /** A part of the name or of the description, upper and lower case alike. */
  text: string;
  /** All of these label keys, whatever their values. */
  label_keys: string[];
  /** Last changed in this span. */
  updated?: TimeRange;
  /** Any of these filters. */
  any_of: FlowFilter[];
  /** None of these filters. */
  none_of: FlowFilter[];
}

/** An execution of a flow. */
export interface FlowRun {
  /** UUIDv7. */
  flow_run_id: string;
  /** The flow. */
  flow_id: string;
  /** The flow's name. */
  flow_name: string;
  /** The name that people read. */
  name: string;
  /** The state that it is in. */
  state?: State;
  /** The deployment that it runs, if any. */
  deployment_id: string;
  /** The version of the deployment that it runs. */
  deployment_version_id: string;
  /** The deployment's name. */
  deployment_name: string;
  /** The flow's version, as the user names it. */
  flow_version: string;
  /** The pool it waits in or ran from. */
  work_pool_id: string;
  /** The pool's name. */
  work_pool_name: string;
  /** The queue it waits in or ran from. */
  work_queue_id: string;
  /** The queue's name. */
  work_queue_name: string;
  /** The worker that ran its last attempt. */
  worker_name: string;
  /** The flow's parameters. Empty for callers who may not see payloads. */
  parameters?: JsonObject;
  /** Values for the work pool's base job template. */
  job_variables?: JsonObject;
  /** Whatever the creator wants to keep with the run. */
  context?: JsonObject;
  /** Words to find it by. */
  tags: string[];
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
  /** What people wrote about it. */
  notes: string;
  /** The task run of the parent flow run that stands for this run, if it is a subflow. */
  parent_task_run_id: string;
  /** The flow run that called it, if it is a subflow. */
  parent_flow_run_id: string;
  /** The topmost flow run of the tree that it is part of; its own id at the top. */
  root_flow_run_id: string;
  /** A second creation with the same key returns the first run. */
  idempotency_key: string;
  /** Who created it. */
  creator?: Creator;
  /** True if a schedule made it. */
  auto_scheduled: boolean;
  /** How often and when it is retried. */
  retry_policy?: RetryPolicy;
  /** How many times it entered RUNNING. */
  run_count: number;
  /** The number of the current or last attempt, from 1; 0 before the first claim. */
  attempt: number;
  /** When it was made. */
  created_at?: string;
  /** When anything of it last changed. */
  updated_at?: string;
  /** When it was first expected to start. */
  expected_start_at?: string;
  /** When it is expected to start next. */
  next_scheduled_start_at?: string;
  /** When it first entered RUNNING. */
  started_at?: string;
  /** When it became final. */
  ended_at?: string;
  /** Time in RUNNING, all attempts together. */
  total_run_time?: string;
  /** What identifies its process, container or job. */
  infrastructure_id: string;
  /** The first line of user code was reached this long after it was due. */
  start_delay?: string;
}

/** Which flow runs. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface FlowRunFilter {
  /** Any of these ids. */
  flow_run_ids: string[];
  /** Any of these flows. */
  flow_ids: string[];
  /** Any of these flow names. */
  flow_names: string[];
  /** Any of these deployments. */
  deployment_ids: string[];
  /** Any of these work pools. */
  work_pool_ids: string[];
  /** Any of these work queues. */
  work_queue_ids: string[];
  /** Any of these workers. */
  worker_names: string[];
  /** Any of these state types. */
  state_types: StateType[];
  /** Any of these state names. */
  state_names: string[];
  /** Any of these names. */
  names: string[];
  /** A part of the name, upper and lower case alike. */
  name_contains: string;
  /** A part of the name, the flow's name or the state's message. */
  text: string;
  /** All of these tags. */
  tags_all: string[];
  /** Any of these tags. */
  tags_any: string[];
  /** None of these tags. */
  tags_none: string[];
  /** All of these labels. */
  labels?: JsonObject;
  /** All of these parameter values. */
  parameters?: JsonObject;
  /** Any of these flow versions. */
  flow_versions: string[];
  /** Any of these deployment versions. */
  deployment_version_ids: string[];
  /** Any of these idempotency keys. */
  idempotency_keys: string[];
  /** Children of any of these flow runs. */
  parent_flow_run_ids: string[];
  /** Any of these parent task runs. */
  parent_task_run_ids: string[];
  /** Part of the tree below any of these. */
  root_flow_run_ids: string[];
  /** True: only subflows; false: only runs without a parent. */
  has_parent?: boolean;
  /** Made by any of these (ids of schedules, automations, backfills, principals). */
  creator_ids: string[];
  /** Created in this span. */
  created?: TimeRange;
  /** Expected to start in this span. */
  expected_start?: TimeRange;
  /** Expected to start next in this span. */
  next_scheduled_start?: TimeRange;
  /** Started in this span. */
  started?: TimeRange;
  /** Ended in this span. */
  ended?: TimeRange;
  /** Ran at least this long. */
  run_time_at_least?: string;
  /** Ran at most this long. */
  run_time_at_most?: string;
  /** True: only runs that a schedule made; false: only others. */
  auto_scheduled?: boolean;
  /** None of these state types. */
  state_types_none: StateType[];
  /** Any of these deployment names. */
  deployment_names: string[];
  /** Any of these names of work pools. */
  work_pool_names: string[];
  /** Any of these names of work queues. */
  work_queue_names: string[];
  /** True: only runs of deployments; false: only others. */
  has_deployment?: boolean;
  /** True: only runs without tags; false: only runs with tags. */
  untagged?: boolean;
  /** All of these label keys, whatever their values. */
  label_keys: string[];
  /** All of these conditions on parameters. */
  parameter_conditions: ValueCondition[];
  /** Entered RUNNING at least this often. */
  run_count_at_least?: number;
  /** Entered RUNNING at most this often. */
  run_count_at_most?: number;
  /** Entered its state in this span. */
  state_entered?: TimeRange;
  /** Last changed in this span. */
  updated?: TimeRange;
  /** Made by any of these kinds of creators. */
  creator_kinds: CreatorKind[];
  /** Made by any creator of these names. */
  creator_names: string[];
  /** Any of these filters. */
  any_of: FlowRunFilter[];
  /** None of these filters. */
  none_of: FlowRunFilter[];
}

/** A flow run as a point. */
export interface FlowRunPoint {
  /** The flow run. */
  flow_run_id: string;
  /** Its name. */
  name: string;
  /** Its flow. */
  flow_id: string;
  /** The flow's name. */
  flow_name: string;
  /** Its deployment, if any. */
  deployment_id: string;
  /** The type of its state. */
  state_type: StateType;
  /** The name of its state. */
  state_name: string;
  /** The time that was asked for. */
  at?: string;
  /** Time in RUNNING so far. */
  run_time?: string;
}

/** In which order to list flow runs. */
export type FlowRunSort =
  | "FLOW_RUN_SORT_UNSPECIFIED"
  | "FLOW_RUN_SORT_ID_DESC"
  | "FLOW_RUN_SORT_ID_ASC"
  | "FLOW_RUN_SORT_EXPECTED_START_DESC"
  | "FLOW_RUN_SORT_EXPECTED_START_ASC"
  | "FLOW_RUN_SORT_NEXT_SCHEDULED_START_ASC"
  | "FLOW_RUN_SORT_STARTED_DESC"
  | "FLOW_RUN_SORT_STARTED_ASC"
  | "FLOW_RUN_SORT_ENDED_DESC"
  | "FLOW_RUN_SORT_NAME_ASC"
  | "FLOW_RUN_SORT_NAME_DESC"
  | "FLOW_RUN_SORT_RUN_TIME_DESC";

/** In which order to list flows. */
export type FlowSort =
  | "FLOW_SORT_UNSPECIFIED"
  | "FLOW_SORT_CREATED_DESC"
  | "FLOW_SORT_UPDATED_DESC"
  | "FLOW_SORT_NAME_ASC"
  | "FLOW_SORT_NAME_DESC";

/** Asks for entries in their order. */
export interface FollowAuditEntriesRequest {
  /** Begin behind this one; 0 is the beginning. */
  after_sequence: string;
  /** Whether to wait for further ones at the end. */
  follow: boolean;
}

/** Returns some entries. */
export interface FollowAuditEntriesResponse {
  /** In order of their sequence. */
  entries: AuditEntry[];
}

/** Asks to be told of background task runs. */
export interface FollowBackgroundTasksRequest {
  /** Which. */
  task_run_ids: string[];
}

/** Background task runs as they are now. */
export interface FollowBackgroundTasksResponse {
  /** Those that changed; at first all that exist. */
  task_runs: TaskRun[];
}

/** Asks to follow events. */
export interface FollowEventsRequest {
  /** Which ones. */
  filter?: EventFilter;
  /** A token of FollowEvents: goes on behind it. Empty: from now on. */
  follow_token: string;
}

/** Events, or a sign of life. */
export interface FollowEventsResponse {
  /** The events. */
  events: Event[];
  /** Goes on behind these events. */
  follow_token: string;
}

/** Asks to follow flow runs. */
export interface FollowFlowRunsRequest {
  /** Which ones. */
  filter?: FlowRunFilter;
}

/** Flow runs that changed. */
export interface FollowFlowRunsResponse {
  /** As they are now. */
  flow_runs: FlowRun[];
  /** Sent once when the stream stands, and then as a sign of life. */
  heartbeat: boolean;
}

/** Asks to follow records. */
export interface FollowLogsRequest {
  /** Which ones. */
  filter?: LogFilter;
  /** A token of ListLogs or FollowLogs: goes on behind it. */
  follow_token: string;
  /** Without a token: how many of the newest records to send first; 0 is all, -1 is none. */
  tail: number;
  /** True: the stream ends when every flow run of the filter is final and its records have been sent. */
  until_final: boolean;
}

/** Records, or a sign of life. */
export interface FollowLogsResponse {
  /** The records. */
  logs: LogRecord[];
  /** Goes on behind these records. */
  follow_token: string;
  /** True once everything that was there at the start has been sent. */
  caught_up: boolean;
}

/** Asks what a link acknowledges. */
export interface GetAcknowledgementRequest {
  /** The last part of the link. */
  token: string;
}

/** Returns what a link acknowledges. */
export interface GetAcknowledgementResponse {
  /** What it acknowledges. */
  acknowledgement?: Acknowledgement;
}

/** Asks for an artifact. */
export interface GetArtifactRequest {
  /** Which one. */
  artifact_id: string;
}

/** Returns an artifact. */
export interface GetArtifactResponse {
  /** The artifact. */
  artifact?: Artifact;
}

/** Asks for the lineage of an asset. */
export interface GetAssetLineageRequest {
  /** Of which asset. */
  asset_id: string;
  /** In which direction. */
  direction: LineageDirection;
  /** How many steps at most; 0 is 10. */
  max_depth: number;
}

/** Returns lineage. */
export interface GetAssetLineageResponse {
  /** The asset itself and those it is connected with. */
  assets: Asset[];
  /** What is made from what. */
  dependencies: AssetDependency[];
  /** True if there is more than the server follows (1,000 assets), or more steps than asked for. */
  truncated: boolean;
}

/** Asks for an asset. */
export interface GetAssetRequest {
  /** Which one. */
  asset_id: string;
}

/** Returns an asset. */
export interface GetAssetResponse {
  /** The asset. */
  asset?: Asset;
}

export type GetAuditVerificationRequest = Record<string, never>;

/** Tells whether the log is whole. */
export interface GetAuditVerificationResponse {
  /** Whether every hash is what it should be, and no entry is missing between others. */
  whole: boolean;
  /** How many entries there are. */
  checked: string;
  /** The first entry that is not what it should be; 0 if all are. */
  first_broken_sequence: string;
  /** Sequence of the last entry. */
  last_sequence: string;
  /** Hash of the last entry; who keeps it elsewhere finds out later whether the end was cut off. */
  last_hash: string;
}

/** Asks for an automation. */
export interface GetAutomationRequest {
  /** Which one. */
  automation_id: string;
}

/** Returns an automation. */
export interface GetAutomationResponse {
  /** The automation. */
  automation?: Automation;
}

/** Asks for a backfill. */
export interface GetBackfillRequest {
  /** Which one. */
  backfill_id: string;
}

/** Returns a backfill. */
export interface GetBackfillResponse {
  /** The backfill. */
  backfill?: Backfill;
}

/** Asks for a block. */
export interface GetBlockRequest {
  /** Its type. */
  type_slug: string;
  /** Its name. */
  name: string;
  /** True: with secrets, which needs the permission BLOCK_SECRETS_VIEW. */
  include_secrets: boolean;
}

/** Returns a block. */
export interface GetBlockResponse {
  /** The block. */
  block?: Block;
  /** All blocks that it refers to, also by way of others. */
  referenced: Block[];
}

/** Asks for a type. */
export interface GetBlockTypeRequest {
  /** Which one. */
  slug: string;
}

/** Returns a type. */
export interface GetBlockTypeResponse {
  /** The type. */
  block_type?: BlockType;
}

/** Asks for an operation. */
export interface GetBulkOperationRequest {
  /** Which one. */
  bulk_operation_id: string;
}

/** Returns an operation. */
export interface GetBulkOperationResponse {
  /** The operation. */
  bulk_operation?: BulkOperation;
}

/** Asks for a calendar. */
export interface GetCalendarRequest {
  /** Which one. */
  name: string;
}

/** Returns a calendar. */
export interface GetCalendarResponse {
  /** The calendar. */
  calendar?: Calendar;
}

export type GetCallerRequest = Record<string, never>;

/** Tells who the caller is. */
export interface GetCallerResponse {
  /** The principal. */
  principal_id: string;
  /** What kind it is. */
  kind: PrincipalKind;
  /** The name that people read. */
  display_name: string;
  /** The workspace that the call is about. */
  workspace?: Workspace;
  /** What the caller may do there. */
  permissions: Permission[];
}

/** Asks for a delivery. */
export interface GetChannelDeliveryRequest {
  /** Which one. */
  channel_delivery_id: string;
}

/** Returns a delivery. */
export interface GetChannelDeliveryResponse {
  /** The delivery. */
  delivery?: ChannelDelivery;
  /** Its last 100 tries, the newest last. */
  tries: ChannelDeliveryTry[];
}

export type GetChannelKindsRequest = Record<string, never>;

/** Returns the kinds of channels. */
export interface GetChannelKindsResponse {
  /** The kinds, by title. */
  kinds: ChannelKind[];
}

/** Asks for a channel. */
export interface GetChannelRequest {
  /** Its id or its name. */
  channel: string;
}

/** Returns a channel. */
export interface GetChannelResponse {
  /** The channel. */
  channel?: Channel;
}

/** Asks for a limit. */
export interface GetConcurrencyLimitRequest {
  /** Which one. */
  name: string;
}

/** Returns a limit. */
export interface GetConcurrencyLimitResponse {
  /** The limit. */
  limit?: ConcurrencyLimit;
}

/** Asks for the base job template of a type. */
export interface GetDefaultBaseJobTemplateRequest {
  /** The kind of workers: "process", "docker", "kubernetes", ... */
  type: string;
}

/** Returns the base job template of a type. */
export interface GetDefaultBaseJobTemplateResponse {
  /** As in a work pool. */
  base_job_template?: JsonObject;
  /** The types whose workers come with Headrace. */
  known_types: string[];
}

/** Asks for a deployment by names. */
export interface GetDeploymentByNameRequest {
  /** The flow's name. */
  flow_name: string;
  /** Its own name. */
  deployment_name: string;
}

/** Returns a deployment. */
export interface GetDeploymentByNameResponse {
  /** The deployment. */
  deployment?: Deployment;
}

/** Asks for a deployment. */
export interface GetDeploymentRequest {
  /** Which one. */
  deployment_id: string;
}

/** Returns a deployment. */
export interface GetDeploymentResponse {
  /** The deployment. */
  deployment?: Deployment;
}

/** Asks for a version, by its id or by its number in a deployment. */
export interface GetDeploymentVersionRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** Its number; 0 is the current version. */
  number: number;
  /** Its id, in place of deployment and number. */
  deployment_version_id: string;
}

/** Returns a version. */
export interface GetDeploymentVersionResponse {
  /** The version. */
  version?: DeploymentVersion;
}

/** Asks for a program that waits. */
export interface GetDeviceSignInRequest {
  /** The code that it shows. */
  user_code: string;
}

/** Returns a program that waits. */
export interface GetDeviceSignInResponse {
  /** What it calls itself. */
  client_name: string;
  /** The network address that it asked from. */
  address: string;
  /** When it asked. */
  created_at?: string;
}

/** Asks for an event. */
export interface GetEventRequest {
  /** Which one. */
  event_id: string;
}

/** Returns an event. */
export interface GetEventResponse {
  /** The event. */
  event?: Event;
}

/** Asks for a flow. */
export interface GetFlowRequest {
  /** Which one. */
  flow_id: string;
}

/** Returns a flow. */
export interface GetFlowResponse {
  /** The flow. */
  flow?: Flow;
}

/** Asks for a flow run as a graph. */
export interface GetFlowRunGraphRequest {
  /** Which one. */
  flow_run_id: string;
  /** How many nodes at most; 0 is 1,000. Above, task runs of the same task become one node. */
  max_nodes: number;
  /** Task keys whose task runs are nodes of their own nevertheless. */
  expanded_task_keys: string[];
  /** The cursor of an earlier answer: only nodes that changed since then. */
  since: string;
}

/** Returns a graph. */
export interface GetFlowRunGraphResponse {
  /** The flow run. */
  flow_run_id: string;
  /** Its state. */
  state?: State;
  /** When it first entered RUNNING. */
  started_at?: string;
  /** When it became final. */
  ended_at?: string;
  /** The states that it went through, oldest first; the last 200. */
  states: GraphState[];
  /** Oldest first. */
  nodes: GraphNode[];
  /** What it made; up to 1,000. Empty for callers who may not see artifacts. */
  artifacts: GraphArtifact[];
  /** How many task runs and subflows it has in all. */
  run_count: string;
  /** True if there are more nodes than could be shown even in groups; those that are missing are the latest. */
  truncated: boolean;
  /** Where to go on from, as `since`. */
  cursor: string;
}

/** Asks to count flow runs by time and state. */
export interface GetFlowRunHistogramRequest {
  /** Which ones. */
  filter?: FlowRunFilter;
  /** From when until when; by default the last day until now. */
  span?: TimeRange;
  /** By which time. */
  moment: RunMoment;
  /** Into how many buckets of the same length the span is cut; 0 is 60. */
  bucket_count: number;
}

/** Returns counts. */
export interface GetFlowRunHistogramResponse {
  /** All buckets, also empty ones, oldest first. */
  buckets: RunBucket[];
  /** True if counting stopped at the server's bound. */
  capped: boolean;
  /** If capped: from this time on everything was counted. */
  complete_from?: string;
}

/** Asks how late flow runs started. */
export interface GetFlowRunLatenessRequest {
  /** Which ones. */
  filter?: FlowRunFilter;
  /** When they were expected to start; by default in the last day until now. */
  span?: TimeRange;
}

/** Returns how late flow runs started. */
export interface GetFlowRunLatenessResponse {
  /** How many started. */
  started_count: string;
  /** How many are due and have not started. */
  waiting_count: string;
  /** How long after they were due they started, on average. */
  average?: string;
  /** Half of them started sooner. */
  median?: string;
  /** 95 of 100 started sooner. */
  percentile_95?: string;
  /** The longest. */
  longest?: string;
  /** For how long the one that waits longest is due. */
  longest_waiting?: string;
  /** True if looking stopped at the server's bound. */
  capped: boolean;
}

/** Asks for a flow run. */
export interface GetFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
}

/** Returns a flow run. */
export interface GetFlowRunResponse {
  /** The flow run. */
  flow_run?: FlowRun;
}

/** Asks for a state. */
export interface GetFlowRunStateRequest {
  /** Which one. A state whose id is no UUIDv7 is found for a week. */
  state_id: string;
}

/** Returns a state. */
export interface GetFlowRunStateResponse {
  /** The state. */
  state?: State;
  /** The flow run that it is a state of. */
  flow_run_id: string;
}

/** Asks for a provider. */
export interface GetIdentityProviderRequest {
  /** Which one. */
  handle: string;
}

/** Returns a provider. */
export interface GetIdentityProviderResponse {
  /** The provider. */
  provider?: IdentityProvider;
}

/** Asks for the last flow runs of each of some flows or deployments. */
export interface GetLastFlowRunsRequest {
  /** Of these flows. */
  flow_ids: string[];
  /** Of these deployments. */
  deployment_ids: string[];
  /** How many of each at most; 0 is 12. */
  run_count: number;
}

/** Returns the last flow runs. */
export interface GetLastFlowRunsResponse {
  /** One for each flow and deployment asked for, in that order: flows first. */
  owners: LastFlowRuns[];
}

/** Asks for counts by level over time. */
export interface GetLogHistogramRequest {
  /** Of which records. Without a span it reaches from the first to the last of them. */
  filter?: LogFilter;
  /** Into how many equal spans at most; 0 is 60. */
  buckets: number;
}

/** Returns counts. */
export interface GetLogHistogramResponse {
  /** One span after the other, without a gap; empty if there are no records. */
  buckets: LogBucket[];
  /** How long each span is. */
  width?: string;
  /** How many records in all. */
  total: string;
}

export type GetLogSettingsRequest = Record<string, never>;

/** Returns the settings. */
export interface GetLogSettingsResponse {
  /** What holds: the narrower of the workspace's limits and the server's. */
  limits?: LogLimits;
  /** The server's own. */
  server_limits?: LogLimits;
  /** Records written today (UTC). */
  records_today: string;
  /** Bytes written today (UTC). */
  bytes_today: string;
  /** The rules; the one for a deployment goes before that for all, the one for a lower level before a higher. */
  retention_rules: LogRetentionRule[];
  /** How many days the server keeps records for which there is no rule; 0 is for ever. */
  server_retention_days: number;
}

/** Asks for a notification policy. */
export interface GetNotificationPolicyRequest {
  /** Which one. */
  notification_policy_id: string;
}

/** Returns a notification policy. */
export interface GetNotificationPolicyResponse {
  /** The policy. */
  notification_policy?: NotificationPolicy;
}

export type GetRetentionRulesRequest = Record<string, never>;

/** Returns the rules. */
export interface GetRetentionRulesResponse {
  /** The most general ones of each kind first. */
  rules: RetentionRule[];
}

/** Asks for a role. */
export interface GetRoleRequest {
  /** Which one. */
  handle: string;
}

/** Returns a role. */
export interface GetRoleResponse {
  /** The role. */
  role?: Role;
}

/** Asks for an input. */
export interface GetRunInputRequest {
  /** Of which flow run. */
  flow_run_id: string;
  /** Which one. */
  key: string;
}

/** Returns an input. */
export interface GetRunInputResponse {
  /** The input. */
  run_input?: RunInput;
}

export type GetServerSettingsRequest = Record<string, never>;

/** Returns the settings of the server. */
export interface GetServerSettingsResponse {
  /** All settings, in the order of the documentation. */
  settings: ServerSetting[];
}

/** Asks for a service account. */
export interface GetServiceAccountRequest {
  /** The id or handle. */
  service_account: string;
}

/** Returns a service account. */
export interface GetServiceAccountResponse {
  /** The service account. */
  service_account?: ServiceAccount;
}

/** Asks for service levels. */
export interface GetServiceLevelsRequest {
  /** Of which deployment. */
  deployment_id: string;
}

/** Returns the service levels. */
export interface GetServiceLevelsResponse {
  /** By name. */
  service_levels: ServiceLevel[];
}

export type GetSignInOptionsRequest = Record<string, never>;

/** Tells how one can sign in. */
export interface GetSignInOptionsResponse {
  /** Providers. */
  options: SignInOption[];
  /** Whether signing in is needed at all. */
  sign_in_required: boolean;
}

export type GetSystemRequest = Record<string, never>;

/** The server about itself. */
export interface GetSystemResponse {
  /** The server's version. */
  version: string;
  /** What it can do, as stable words. A client must not expect what is not named. */
  capabilities: string[];
  /** Where gRPC is reached: "host:port"; an empty host is the host of the HTTP address. */
  grpc_address: string;
  /** True if gRPC is reached over TLS. */
  grpc_tls: boolean;
  /** True if callers have to sign in. */
  authentication_required: boolean;
  /** The oldest client version that is served. */
  minimum_client_version: string;
  /** Identifies the installation, so that a client notices a different one behind the same address. */
  installation_id: string;
}

export type GetTableSizesRequest = Record<string, never>;

/** Returns sizes. */
export interface GetTableSizesResponse {
  /** The largest first. */
  tables: TableSize[];
  /** Of the whole database. */
  database_bytes: string;
}

/** Asks to count task runs by time and state. */
export interface GetTaskRunHistogramRequest {
  /** Which ones. */
  filter?: TaskRunFilter;
  /** From when until when; by default the last day until now. */
  span?: TimeRange;
  /** By which time. */
  moment: RunMoment;
  /** Into how many buckets of the same length the span is cut; 0 is 60. */
  bucket_count: number;
}

/** Returns counts. */
export interface GetTaskRunHistogramResponse {
  /** All buckets, also empty ones, oldest first. */
  buckets: RunBucket[];
  /** True if counting stopped at the server's bound. */
  capped: boolean;
  /** If capped: from this time on everything was counted. */
  complete_from?: string;
}

/** Asks for a task run. */
export interface GetTaskRunRequest {
  /** Which one. */
  task_run_id: string;
}

/** Returns a task run. */
export interface GetTaskRunResponse {
  /** The task run. */
  task_run?: TaskRun;
}

/** Asks for a state. */
export interface GetTaskRunStateRequest {
  /** Which one. A state whose id is no UUIDv7 is found for a week. */
  state_id: string;
}

/** Returns a state. */
export interface GetTaskRunStateResponse {
  /** The state. */
  state?: State;
  /** The task run that it is a state of. */
  task_run_id: string;
  /** The flow run that the task run is part of, if it is of one. */
  flow_run_id: string;
}

export type GetTaskServingRequest = Record<string, never>;

/** Returns who serves tasks. */
export interface GetTaskServingResponse {
  /** Task servers that gave a sign of life lately, by name; the first 1000. */
  task_servers: TaskServer[];
  /** The tasks for which something waits or runs, by key; the first 1000. */
  backlogs: TaskBacklog[];
}

/** Asks for a team. */
export interface GetTeamRequest {
  /** The id or handle. */
  team: string;
}

/** Returns a team. */
export interface GetTeamResponse {
  /** The team. */
  team?: Team;
}

/** Asks for a user. */
export interface GetUserRequest {
  /** The id or e-mail address. */
  user: string;
}

/** Returns a user. */
export interface GetUserResponse {
  /** The user. */
  user?: User;
}

/** Asks for a variable. */
export interface GetVariableRequest {
  /** Which one. */
  name: string;
}

/** Returns a variable. */
export interface GetVariableResponse {
  /** The variable. */
  variable?: Variable;
}

/** Asks for a webhook. */
export interface GetWebhookRequest {
  /** Its id or its slug. */
  webhook: string;
}

/** Returns a webhook. */
export interface GetWebhookResponse {
  /** The webhook. */
  webhook?: Webhook;
}

/** Asks for a work pool. */
export interface GetWorkPoolRequest {
  /** Which one. */
  work_pool_name: string;
}

/** Returns a work pool. */
export interface GetWorkPoolResponse {
  /** The work pool. */
  work_pool?: WorkPool;
}

/** Asks for a queue. */
export interface GetWorkQueueRequest {
  /** Which one. */
  work_queue_id: string;
}

/** Returns a queue. */
export interface GetWorkQueueResponse {
  /** The queue. */
  work_queue?: WorkQueue;
}

/** Asks for a workspace. */
export interface GetWorkspaceRequest {
  /** Its id or handle. */
  workspace: string;
}

/** Returns a workspace. */
export interface GetWorkspaceResponse {
  /** The workspace. */
  workspace?: Workspace;
}

/** What a run made. */
export interface GraphArtifact {
  /** The artifact. */
  artifact_id: string;
  /** Its key. */
  key: string;
  /** What kind. */
  kind: ArtifactKind;
  /** The node that made it; empty for the flow run itself. */
  node_id: string;
  /** When it was made. */
  created_at?: string;
}

/** Why a node comes after another. */
export interface GraphEdge {
  /** The other node. */
  node_id: string;
  /** True if it was only waited for: no result was taken. */
  waits_only: boolean;
}

/** A task run, a subflow, or many task runs of one task. */
export interface GraphNode {
  /** Unique in the graph. */
  node_id: string;
  /** What it is. */
  kind: GraphNodeKind;
  /** What people read. */
  label: string;
  /** What identifies the task in the user's code; empty for a subflow without a task run. */
  task_key: string;
  /** The state; of a group: the one that matters most. */
  state_type: StateType;
  /** The name of the state; empty for groups. */
  state_name: string;
  /** When it, or the first of the group, first entered RUNNING. */
  started_at?: string;
  /** When it, or the last of the group, became final; not set while one is not. */
  ended_at?: string;
  /** The subflow, if it stands for one. */
  child_flow_run_id: string;
  /** Nodes whose results it takes or that it waits for. */
  parents: GraphEdge[];
  /** Of a group: how many are in states of each type. */
  counts: StateCount[];
}

/** What a node is. */
export type GraphNodeKind =
  | "GRAPH_NODE_KIND_UNSPECIFIED"
  | "GRAPH_NODE_KIND_TASK_RUN"
  | "GRAPH_NODE_KIND_SUBFLOW"
  | "GRAPH_NODE_KIND_GROUP";

/** A state that a flow run went through. */
export interface GraphState {
  /** The type. */
  type: StateType;
  /** The name. */
  name: string;
  /** When it entered it. */
  at?: string;
}

/** That members of a group hold a role. */
export interface GroupRole {
  /** The group, as the provider writes it. */
  group: string;
  /** The role's handle. */
  role: string;
  /** The workspace in which it is held; empty is the whole account. */
  workspace_id: string;
}

/** Who vouches. */
export interface IdentityProvider {
  /** Unique in the account; never changes. */
  handle: string;
  /** The name that people read; empty is the handle. */
  name: string;
  /** Whether one can sign in with it now. */
  enabled: boolean;
  /** Which roles members of its groups get when they sign in, and lose when they are no longer in the group. */
  group_roles: GroupRole[];
  /** Whether somebody who is not known yet becomes a user. */
  creates_users: boolean;
  /** OpenID Connect, for people in browsers. */
  oidc?: OidcProvider;
  /** An issuer whose tokens machines bring along. */
  jwt?: JwtProvider;
  /** A directory that knows people and their passwords. */
  ldap?: LdapProvider;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** A picture: either where it is or what it is. */
export interface ImageContent {
  /** Where it is. */
  url: string;
  /** What it is, up to 2 MiB. */
  data: string;
  /** Of `data`, e.g. "image/png". */
  media_type: string;
}

/** What became of something that was to be imported. */
export type ImportResult =
  | "IMPORT_RESULT_UNSPECIFIED"
  | "IMPORT_RESULT_CREATED"
  | "IMPORT_RESULT_THERE_BEFORE"
  | "IMPORT_RESULT_CONFLICT";

/** Asks to store runs that ended elsewhere. */
export interface ImportRunsRequest {
  /** Flow runs; a parent before its subflows. */
  flow_runs: ImportedFlowRun[];
  /** Task runs. */
  task_runs: ImportedTaskRun[];
  /** Artifacts. The newest of a key, by the time when it was made, is its latest version. */
  artifacts: Artifact[];
}

/** Tells what became of each. */
export interface ImportRunsResponse {
  /** In the order of the request. */
  flow_runs: ImportResult[];
  /** In the order of the request. */
  task_runs: ImportResult[];
  /** In the order of the request. */
  artifacts: ImportResult[];
}

/** A flow run that has ended. */
export interface ImportedFlowRun {
  /** The flow run. Its flow has to be there; its state has to be final. Names of the flow and of the parent's root are found by the server; a parent that is not there is left out. */
  flow_run?: FlowRun;
  /** The states that it went through, oldest first; the last is the one that it is in. Empty: only that one is known. */
  states: State[];
}

/** A task run of a flow run that has ended, or a background task run that has. */
export interface ImportedTaskRun {
  /** The task run. */
  task_run?: TaskRun;
  /** The states that it went through, oldest first; the last is the one that it is in. Empty: only that one is known. */
  states: State[];
}

/** A fixed interval. */
export interface IntervalRule {
  /** At least one second. */
  every?: string;
  /** One of the times; the epoch if unset. */
  anchor_at?: string;
  /** IANA name of the time zone whose wall clock intervals of whole days keep; empty is UTC. */
  time_zone: string;
}

/** That somebody was invited. */
export interface Invitation {
  /** UUIDv7. */
  invitation_id: string;
  /** Whom it was sent to. */
  email: string;
  /** The handle of the role that they get in the workspace. */
  role: string;
  /** The workspace. */
  workspace_id: string;
  /** When it was made. */
  created_at?: string;
  /** When its link stops to work. */
  expires_at?: string;
}

/** That tokens with a claim act as a service account. */
export interface JwtMapping {
  /** The claim, `sub` or `repository`. */
  claim: string;
  /** Its value; `*` at the end stands for anything. */
  value: string;
  /** The service account. */
  service_account_id: string;
}

/** An issuer of tokens for machines. */
export interface JwtProvider {
  /** Its address, as in its tokens. */
  issuer: string;
  /** Whom its tokens have to be for. */
  audience: string;
  /** Where its keys are; empty asks below the issuer's `/.well-known/openid-configuration`. */
  jwks_url: string;
  /** Which service account a token acts as: the claim that has to equal `claim_value`. */
  mappings: JwtMapping[];
}

/** Values of a label. */
export interface LabelValues {
  /** The values. */
  values: string[];
}

/** The last flow runs of a flow or deployment. */
export interface LastFlowRuns {
  /** The flow, if it was asked for as such. */
  flow_id: string;
  /** The deployment, if it was asked for as such. */
  deployment_id: string;
  /** Those that started or ended, oldest first. */
  runs: FlowRunPoint[];
  /** The one that is scheduled to start next, if any; `at` says when. */
  next?: FlowRunPoint;
}

/** A directory (LDAP version 3, RFC 4511). A name is searched for; the entry that is found has to take the password. */
export interface LdapProvider {
  /** `ldap://host:port` speaks TLS from StartTLS on, `ldaps://host:port` from the beginning. */
  url: string;
  /** Speaks in the clear; only with a directory on the server's own machine. */
  in_the_clear: boolean;
  /** The authorities that are believed, PEM; empty believes those of the machine. */
  ca_certificates: string;
  /** Who searches; empty searches without saying who. */
  bind_dn: string;
  /** Its password; never returned. */
  bind_password: string;
  /** Below which entry people are. */
  user_base: string;
  /** Finds the entry of a person (RFC 4515); `{name}` is what the person typed. Empty is `(|(uid={name})(mail={name}))`. */
  user_filter: string;
  /** The attribute by which a person is known for good; empty is `entryUUID`. */
  subject_attribute: string;
  /** The attribute with the e-mail address; empty is `mail`. */
  email_attribute: string;
  /** The attribute with the name that people read; empty is `cn`. */
  name_attribute: string;
  /** Below which entry groups are; empty takes them from the attribute `memberOf` of the person. */
  group_base: string;
  /** Finds the groups of a person; `{dn}` is the person's entry, `{name}` what was typed. Empty is `(member={dn})`. */
  group_filter: string;
  /** The attribute with the name of a group; empty is `cn`. */
  group_attribute: string;
}

/** In which direction to follow lineage. */
export type LineageDirection =
  | "LINEAGE_DIRECTION_UNSPECIFIED"
  | "LINEAGE_DIRECTION_UPSTREAM"
  | "LINEAGE_DIRECTION_DOWNSTREAM";

/** A link. */
export interface LinkContent {
  /** Where to. */
  url: string;
  /** What to show. */
  text: string;
}

/** Asks for a page of keys. */
export interface ListApiKeysRequest {
  /** Of this user or service account; empty is the caller. */
  principal_id: string;
  /** Whether keys that were revoked or have expired are told of, too. */
  include_dead: boolean;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Keys of everybody in the workspace, for who may see members. */
  everybody: boolean;
}

/** Returns a page of keys. */
export interface ListApiKeysResponse {
  /** The keys. */
  api_keys: ApiKey[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of artifacts. */
export interface ListArtifactsRequest {
  /** Which ones. */
  filter?: ArtifactFilter;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** In which order. */
  sort: ArtifactSort;
}

/** Returns a page of artifacts. */
export interface ListArtifactsResponse {
  /** The artifacts. */
  artifacts: Artifact[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of assets. */
export interface ListAssetsRequest {
  /** Which ones. */
  filter?: AssetFilter;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of assets. */
export interface ListAssetsResponse {
  /** The assets. */
  assets: Asset[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of entries. */
export interface ListAuditEntriesRequest {
  /** Of this principal; empty is all. */
  principal_id: string;
  /** With this text in the method's name; empty is all. */
  action_contains: string;
  /** About objects of this kind; empty is all. */
  object_kind: string;
  /** About this object; empty is all. */
  object_id: string;
  /** With this outcome; unspecified is all. */
  outcome: AuditOutcome;
  /** From then on. */
  since?: string;
  /** Before then. */
  until?: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Whether to list what was tried without any workspace being proven, in place of the workspace's own entries; for administrators of the account. */
  without_workspace: boolean;
}

/** Returns a page of entries. */
export interface ListAuditEntriesResponse {
  /** The entries. */
  entries: AuditEntry[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of automations. */
export interface ListAutomationsRequest {
  /** A part of the name. */
  name_contains: string;
  /** Enabled or not. */
  enabled?: boolean;
  /** Owned by this resource: "headrace.built-in" lists those that every workspace has from the start. Empty: all but these. */
  owner_resource_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of automations. */
export interface ListAutomationsResponse {
  /** The automations. */
  automations: Automation[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of the runs of a backfill. */
export interface ListBackfillRunsRequest {
  /** Of which backfill. */
  backfill_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of runs. */
export interface ListBackfillRunsResponse {
  /** The runs. */
  runs: BackfillRun[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of backfills. */
export interface ListBackfillsRequest {
  /** Of this deployment; empty: all. */
  deployment_id: string;
  /** In any of these statuses; empty: all. */
  statuses: BackfillStatus[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of backfills. */
export interface ListBackfillsResponse {
  /** The backfills. */
  backfills: Backfill[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of schemas. */
export interface ListBlockSchemasRequest {
  /** Any of these ids; empty is all. */
  block_schema_ids: string[];
  /** Of any of these types; empty is all. */
  type_slugs: string[];
  /** With this digest of the client's; empty is any. */
  client_checksum: string;
  /** With all of these capabilities. */
  capabilities: string[];
  /** Of this version of the code; empty is any. */
  version: string;
  /** True: only those that a client gave a digest. */
  with_client_checksum: boolean;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of schemas. */
export interface ListBlockSchemasResponse {
  /** The schemas. */
  schemas: BlockSchema[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of types. */
export interface ListBlockTypesRequest {
  /** A part of the slug or name. */
  text: string;
  /** All of these capabilities. */
  capabilities: string[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Any of these ids; empty is all. */
  block_type_ids: string[];
  /** Any of these slugs; empty is all. */
  slugs: string[];
}

/** Returns a page of types. */
export interface ListBlockTypesResponse {
  /** The types. */
  block_types: BlockType[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of blocks. */
export interface ListBlocksRequest {
  /** Of these types; empty is all. */
  type_slugs: string[];
  /** A part of the name. */
  name_contains: string;
  /** Whose types have all of these capabilities. */
  capabilities: string[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Any of these ids; empty is all. */
  block_ids: string[];
}

/** Returns a page of blocks. */
export interface ListBlocksResponse {
  /** The blocks; of their schemas only the ids. */
  blocks: Block[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of operations. */
export interface ListBulkOperationsRequest {
  /** Only those of any of these statuses. */
  statuses: BulkOperationStatus[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of operations. */
export interface ListBulkOperationsResponse {
  /** The operations. */
  bulk_operations: BulkOperation[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of calendars. */
export interface ListCalendarsRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of calendars. */
export interface ListCalendarsResponse {
  /** The calendars. */
  calendars: Calendar[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of deliveries. */
export interface ListChannelDeliveriesRequest {
  /** To this channel; empty: all. */
  channel_id: string;
  /** In any of these statuses; empty: all. */
  statuses: ChannelDeliveryStatus[];
  /** For this event; empty: all. */
  event_id: string;
  /** Of this automation; empty: all. */
  automation_id: string;
  /** About this flow run; empty: all. */
  flow_run_id: string;
  /** Acknowledged or not. */
  acknowledged?: boolean;
  /** Sent as parts of this delivery; empty: all. */
  digest_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of deliveries. */
export interface ListChannelDeliveriesResponse {
  /** The deliveries. */
  deliveries: ChannelDelivery[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of channels. */
export interface ListChannelsRequest {
  /** A part of the name. */
  name_contains: string;
  /** Of these kinds; empty is all. */
  kinds: string[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of channels. */
export interface ListChannelsResponse {
  /** The channels. */
  channels: Channel[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of limits. */
export interface ListConcurrencyLimitsRequest {
  /** A part of the name. */
  name_contains: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of limits. */
export interface ListConcurrencyLimitsResponse {
  /** The limits, without holders. */
  limits: ConcurrencyLimit[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of deliveries. */
export interface ListDeliveriesRequest {
  /** Of this automation; empty: all. */
  automation_id: string;
  /** In any of these statuses; empty: all. */
  statuses: DeliveryStatus[];
  /** For this event; empty: all. */
  event_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of deliveries. */
export interface ListDeliveriesResponse {
  /** The deliveries. */
  deliveries: Delivery[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for the versions of a deployment. */
export interface ListDeploymentVersionsRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of versions. */
export interface ListDeploymentVersionsResponse {
  /** The versions, newest first. */
  versions: DeploymentVersion[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of deployments. */
export interface ListDeploymentsRequest {
  /** Which ones. */
  filter?: DeploymentFilter;
  /** In which order. */
  sort: DeploymentSort;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of deployments. */
export interface ListDeploymentsResponse {
  /** The deployments. */
  deployments: Deployment[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of events. */
export interface ListEventsRequest {
  /** Which ones. */
  filter?: EventFilter;
  /** In which order. */
  sort: EventSort;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of events. */
export interface ListEventsResponse {
  /** The events. */
  events: Event[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for the states of a flow run. */
export interface ListFlowRunStatesRequest {
  /** Which flow run. */
  flow_run_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of states. */
export interface ListFlowRunStatesResponse {
  /** The states, oldest first. */
  states: State[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of flow runs. */
export interface ListFlowRunsRequest {
  /** Which ones. */
  filter?: FlowRunFilter;
  /** In which order. */
  sort: FlowRunSort;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of flow runs. */
export interface ListFlowRunsResponse {
  /** The flow runs. */
  flow_runs: FlowRun[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of flows. */
export interface ListFlowsRequest {
  /** Which ones. */
  filter?: FlowFilter;
  /** In which order. */
  sort: FlowSort;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of flows. */
export interface ListFlowsResponse {
  /** The flows. */
  flows: Flow[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of providers. */
export interface ListIdentityProvidersRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of providers. */
export interface ListIdentityProvidersResponse {
  /** The providers. */
  providers: IdentityProvider[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of open invitations. */
export interface ListInvitationsRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of open invitations. */
export interface ListInvitationsResponse {
  /** The invitations. */
  invitations: Invitation[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of sinks. */
export interface ListLogSinksRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of sinks. */
export interface ListLogSinksResponse {
  /** The sinks, by name. */
  log_sinks: LogSink[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of records. */
export interface ListLogsRequest {
  /** Which ones. */
  filter?: LogFilter;
  /** In which order. */
  sort: LogSort;
  /** How many at most; 0 is 200, above 1,000 is 1,000. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of records. */
export interface ListLogsResponse {
  /** The records. */
  logs: LogRecord[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
  /** Token from which FollowLogs goes on behind the newest record of this page. */
  follow_token: string;
}

/** Asks for a page of materializations. */
export interface ListMaterializationsRequest {
  /** Of any of these assets. */
  asset_ids: string[];
  /** Made by any of these flow runs. */
  flow_run_ids: string[];
  /** Made by any of these task runs. */
  task_run_ids: string[];
  /** True: only those that succeeded; false: only those that failed. */
  succeeded?: boolean;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of materializations. */
export interface ListMaterializationsResponse {
  /** The materializations. */
  materializations: Materialization[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of notification policies. */
export interface ListNotificationPoliciesRequest {
  /** A part of the name. */
  name_contains: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of notification policies. */
export interface ListNotificationPoliciesResponse {
  /** The policies. */
  notification_policies: NotificationPolicy[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of who holds which roles. */
export interface ListRoleAssignmentsRequest {
  /** Of this user or service account; empty is all. */
  principal_id: string;
  /** Of this team; empty is all. */
  team_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of who holds which roles. */
export interface ListRoleAssignmentsResponse {
  /** Who holds which role where. */
  role_assignments: RoleAssignment[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of roles. */
export interface ListRolesRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of roles. */
export interface ListRolesResponse {
  /** The roles. */
  roles: Role[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of inputs. */
export interface ListRunInputsRequest {
  /** Of which flow run. */
  flow_run_id: string;
  /** Only those whose keys begin like this. */
  key_prefix: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of inputs. */
export interface ListRunInputsResponse {
  /** The inputs, oldest first. */
  run_inputs: RunInput[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of notes. */
export interface ListRunNotesRequest {
  /** On which flow run. */
  flow_run_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of notes. */
export interface ListRunNotesResponse {
  /** The notes. */
  run_notes: RunNote[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of service accounts. */
export interface ListServiceAccountsRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of service accounts. */
export interface ListServiceAccountsResponse {
  /** The service accounts. */
  service_accounts: ServiceAccount[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of sessions. */
export interface ListSessionsRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of sessions. */
export interface ListSessionsResponse {
  /** The sessions. */
  sessions: Session[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for the states of a task run. */
export interface ListTaskRunStatesRequest {
  /** Which task run. */
  task_run_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of states. */
export interface ListTaskRunStatesResponse {
  /** The states, oldest first. */
  states: State[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of task runs. */
export interface ListTaskRunsRequest {
  /** Which ones. */
  filter?: TaskRunFilter;
  /** In which order. */
  sort: TaskRunSort;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of task runs. */
export interface ListTaskRunsResponse {
  /** The task runs. */
  task_runs: TaskRun[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of the users of a team. */
export interface ListTeamMembersRequest {
  /** Which team. */
  team_id: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of the users of a team. */
export interface ListTeamMembersResponse {
  /** The users. */
  users: User[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of teams. */
export interface ListTeamsRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Only the one that a directory calls so. */
  external_id: string;
}

/** Returns a page of teams. */
export interface ListTeamsResponse {
  /** The teams. */
  teams: Team[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of users. */
export interface ListUsersRequest {
  /** A part of the address or name. */
  name_contains: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Only the one that a directory calls so. */
  external_id: string;
}

/** Returns a page of users. */
export interface ListUsersResponse {
  /** The users. */
  users: User[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of variables. */
export interface ListVariablesRequest {
  /** A part of the name. */
  name_contains: string;
  /** All of these tags. */
  tags_all: string[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
  /** Of these names; empty is all. */
  names: string[];
  /** At least one of these tags; empty is all. */
  tags_any: string[];
  /** Any of these ids; empty is all. */
  variable_ids: string[];
}

/** Returns a page of variables. */
export interface ListVariablesResponse {
  /** The variables. */
  variables: Variable[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of webhooks. */
export interface ListWebhooksRequest {
  /** A part of the name. */
  name_contains: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of webhooks. */
export interface ListWebhooksResponse {
  /** The webhooks. */
  webhooks: Webhook[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of work pools. */
export interface ListWorkPoolsRequest {
  /** Any of these types; empty: all. */
  types: string[];
  /** A part of the name. */
  name_contains: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of work pools. */
export interface ListWorkPoolsResponse {
  /** The work pools. */
  work_pools: WorkPool[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for the queues of a pool. */
export interface ListWorkQueuesRequest {
  /** Which pool. */
  work_pool_name: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of queues. */
export interface ListWorkQueuesResponse {
  /** The queues by priority. */
  work_queues: WorkQueue[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of workers. */
export interface ListWorkersRequest {
  /** Of this pool; empty: all. */
  work_pool_name: string;
  /** In any of these statuses; empty: all. */
  statuses: WorkerStatus[];
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of workers. */
export interface ListWorkersResponse {
  /** The workers. */
  workers: Worker[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** Asks for a page of workspaces. */
export interface ListWorkspacesRequest {
  /** How many at most; 0 is 50, above 200 is 200. */
  page_size: number;
  /** The next_page_token of the page before. */
  page_token: string;
}

/** Returns a page of workspaces. */
export interface ListWorkspacesResponse {
  /** The workspaces. */
  workspaces: Workspace[];
  /** Token of the next page; empty is the end. */
  next_page_token: string;
}

/** What was written in a span of time. */
export interface LogBucket {
  /** When it begins. */
  start_at?: string;
  /** Records below level 20. */
  debug: string;
  /** Records from level 20 and below 30. */
  info: string;
  /** Records from level 30 and below 40. */
  warning: string;
  /** Records from level 40 and below 50. */
  error: string;
  /** Records from level 50. */
  critical: string;
}

/** Which records. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface LogFilter {
  /** Of any of these flow runs. */
  flow_run_ids: string[];
  /** Of any of these task runs. */
  task_run_ids: string[];
  /** Of any of these workers. */
  worker_ids: string[];
  /** At this level or above. */
  level_at_least: number;
  /** At this level or below; 0 is no bound. */
  level_at_most: number;
  /** Written in this span. */
  occurred?: TimeRange;
  /** Words that the message must contain, e.g. `error -debug "a phrase"`. */
  text: string;
  /** Any of these loggers. */
  loggers: string[];
  /** Any of these sources. */
  sources: LogSource[];
  /** True: only records of flow runs themselves, not of their task runs. */
  without_task_runs: boolean;
  /** True: also of the flow runs below those of flow_run_ids, at any depth; up to 1,000 in all. A follower is told of those that come later, too. */
  with_children: boolean;
  /** True: upper and lower case in `text` are told apart. */
  match_case: boolean;
  /** True: what is in `text` is found only where it begins and ends with a word. */
  whole_words: boolean;
}

/** Form of a downloaded log. */
export type LogFormat =
  | "LOG_FORMAT_UNSPECIFIED"
  | "LOG_FORMAT_TEXT"
  | "LOG_FORMAT_CSV"
  | "LOG_FORMAT_JSON_LINES";

/** How much may be written. 0 is no limit. */
export interface LogLimits {
  /** Records a second, by each process of the server, with bursts of ten seconds' worth. Writers with a stream are held up; a batch without one is answered with RESOURCE_EXHAUSTED, reason LOG_RATE_EXCEEDED, and when to come back. */
  lines_per_second: number;
  /** Bytes a day (UTC), of messages and what belongs to them. What is beyond is refused with reason LOG_DAY_FULL, and a line in the log of each run says how many lines it lacks. */
  bytes_per_day: string;
}

/** One line. */
export interface LogRecord {
  /** UUIDv7 made by the writer, so that a repeated batch is harmless. */
  log_id: string;
  /** The flow run. */
  flow_run_id: string;
  /** The task run, if it is of one. */
  task_run_id: string;
  /** The worker, if it is of one. */
  worker_id: string;
  /** The logger's name. */
  logger: string;
  /** As in Python: 10 debug, 20 info, 30 warning, 40 error, 50 critical. */
  level: number;
  /** The text; ANSI codes are kept. */
  message: string;
  /** When it was written, by the writer's clock. */
  occurred_at?: string;
  /** Structured fields. */
  fields?: JsonObject;
  /** Where the line came from. */
  source: LogSource;
  /** W3C trace context. */
  traceparent: string;
}

/** For how long records are kept. */
export interface LogRetentionRule {
  /** Of runs of this deployment; empty: of all. */
  deployment_id: string;
  /** Records at this level or below; 0: all records. */
  level_at_most: number;
  /** Days since they were written. No more than the server keeps records. */
  days: number;
  /** Everything it holds for and that was written before this moment is deleted. */
  swept_until?: string;
}

/** Where records are sent on to. */
export interface LogSink {
  /** Unique in the workspace; of files it is the name of the folder. */
  name: string;
  /** What it is. */
  kind: LogSinkKind;
  /** Where to: http or https; empty for files. */
  url: string;
  /** Headers that go with each request, such as `authorization`. They are stored encrypted and told by name only. */
  headers: Record<string, string>;
  /** Only records at this level or above. */
  level_at_least: number;
  /** True: nothing is sent; what is written in between is sent when it goes on. */
  is_paused: boolean;
  /** How many records were sent. */
  sent_records: string;
  /** When the last batch was taken. */
  sent_at?: string;
  /** How often the batch that is due failed so far. */
  failures: number;
  /** Why it last failed. */
  last_error: string;
}

/** What a sink is. */
export type LogSinkKind =
  | "LOG_SINK_KIND_UNSPECIFIED"
  | "LOG_SINK_KIND_WEBHOOK"
  | "LOG_SINK_KIND_OTLP"
  | "LOG_SINK_KIND_FILE";

/** In which order to list records. */
export type LogSort =
  | "LOG_SORT_UNSPECIFIED"
  | "LOG_SORT_OCCURRED_ASC"
  | "LOG_SORT_OCCURRED_DESC";

/** Where a line came from. */
export type LogSource =
  | "LOG_SOURCE_UNSPECIFIED"
  | "LOG_SOURCE_LOGGER"
  | "LOG_SOURCE_PRINT"
  | "LOG_SOURCE_STDOUT"
  | "LOG_SOURCE_STDERR"
  | "LOG_SOURCE_WORKER"
  | "LOG_SOURCE_INFRASTRUCTURE";

/** Asks to make runs of schedules. Of each schedule as few are made as there have to be. */
export interface MakeScheduledRunsRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** From then on; unset is now. */
  start_at?: string;
  /** None after; unset is 100 days after the start. */
  end_at?: string;
  /** Until at least so long after the start; unset is an hour. */
  least_span?: string;
  /** At least so many of each schedule; unset is 3. */
  least_runs?: number;
  /** At most so many of each schedule, up to 1,000; unset is 100. */
  most_runs?: number;
}

/** The runs are made. */
export interface MakeScheduledRunsResponse {
  /** How many were made that had not been there. */
  made: number;
}

/** A task run made an asset, or failed to. */
export interface Materialization {
  /** UUIDv7. */
  materialization_id: string;
  /** The asset. */
  asset_id: string;
  /** Its key. */
  asset_key: string;
  /** The flow run that made it. */
  flow_run_id: string;
  /** The task run that made it. */
  task_run_id: string;
  /** True if it was made, false if making it failed. */
  succeeded: boolean;
  /** What made it, if not the task itself, e.g. "dbt". */
  materialized_by: string;
  /** More about it, e.g. how many rows it has. */
  metadata?: JsonObject;
  /** Why it failed. */
  message: string;
  /** When it was made. */
  created_at?: string;
}

/** What is told. */
export interface Message {
  /** One line. */
  subject: string;
  /** The text. Cut to what the channel takes. */
  body: string;
  /** How much it matters. */
  severity: Severity;
  /** Where there is more to see. */
  link: string;
  /** Names and values to go with it, in this order. */
  facts: Fact[];
  /** Further links. */
  links: MessageLink[];
  /** The same for all messages about one matter: an incident is opened, added to and closed by it. */
  incident_key: string;
  /** True: the matter is settled. */
  resolves: boolean;
  /** What several such are called, for example "runs failed": together they are "17 runs failed in 5 minutes". */
  plural: string;
}

/** A link with its text. */
export interface MessageLink {
  /** The text. */
  text: string;
  /** The address. */
  url: string;
}

/** Fires on a measured figure. */
export interface MetricTrigger {
  /** Which figure: "success_rate" (of runs that ended, from 0 to 1), "duration" (of runs that ended, on average, in seconds), "lateness" (of runs that started, on average, in seconds), "queue_depth" (runs that are due and wait), "unattended_runs" (those of them whose work pool has no worker that is online). */
  metric: string;
  /** "<", "<=", ">" or ">=". */
  operator: string;
  /** What the figure is compared with. */
  threshold: number | "NaN" | "Infinity" | "-Infinity";
  /** The window that the figure is measured over; unset is an hour. */
  range?: string;
  /** How long it must hold before it fires. It resolves as soon as it no longer holds. */
  firing_for?: string;
  /** Of what it is measured: values of headrace.resource.id that name flows, deployments, work pools, work queues or tags in full. Values of one kind are joined by OR, kinds by AND. Empty: of all runs. */
  match?: ResourceMatch;
  /** More of what it is measured of, in the same words. */
  match_related: ResourceMatch[];
}

/** A background task to be queued. */
export interface NewBackgroundTask {
  /** UUIDv7 made by the caller, so that a repeated request queues it once. */
  task_run_id: string;
  /** Describes the task run. Its task_key says who may execute it. */
  spec?: TaskRunSpec;
  /** The arguments, written by the client; empty if they lie elsewhere. */
  parameters: string;
  /** Where the arguments lie, if not in `parameters`. */
  parameters_reference?: ResultReference;
  /** Task runs that have to be final before it starts. */
  wait_for: string[];
  /** Not before this; unset is now. */
  scheduled_at?: string;
  /** Kept with its first state. */
  state_details?: StateDetails;
}

/** An asset that a task run made, or failed to make. */
export interface NewMaterialization {
  /** The asset: its key, and whatever else is known of it. */
  asset?: Asset;
  /** UUIDv7 made by the caller, which makes the call repeatable. */
  materialization_id: string;
  /** More about it. */
  metadata?: JsonObject;
}

/** If a flow run that fits enters one of the states, the channels are told. Fields are joined by AND, values in a field by OR; empty ones do not restrict. */
export interface NotificationPolicy {
  /** UUIDv7. */
  notification_policy_id: string;
  /** The name that people read; empty: made of the rest. */
  name: string;
  /** True: nobody is told. */
  paused: boolean;
  /** With any of these tags. */
  tags: string[];
  /** Of any of these flows. */
  flow_ids: string[];
  /** Of any of these deployments. */
  deployment_ids: string[];
  /** A state of any of these types. These or names there must be. */
  state_types: StateType[];
  /** A state of any of these names, for example "Late". */
  state_names: string[];
  /** Who is told. */
  channel_ids: string[];
  /** The subject, a template; empty: "The <run> run of the <flow> flow entered a <state> state at <time>". */
  subject: string;
  /** The text, a template; empty: the state's message, the last error and the last lines of the log. */
  body: string;
  /** How much it matters; unspecified: as the state does. */
  severity: Severity;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** When somebody was last told. */
  last_fired_at?: string;
}

/** What roles can be given on, beside a workspace and the account. */
export type ObjectKind =
  | "OBJECT_KIND_UNSPECIFIED"
  | "OBJECT_KIND_DEPLOYMENT"
  | "OBJECT_KIND_WORK_POOL"
  | "OBJECT_KIND_BLOCK"
  | "OBJECT_KIND_AUTOMATION";

/** OpenID Connect: authorization code with PKCE. */
export interface OidcProvider {
  /** Its address, as in its tokens; `/.well-known/openid-configuration` is below it. */
  issuer: string;
  /** What it knows this server as. */
  client_id: string;
  /** What proves this server to it; never returned. Empty for a public client. */
  client_secret: string;
  /** What to ask for beside `openid`; empty is `email profile`. */
  scopes: string[];
  /** The claim with the groups; empty is `groups`. */
  groups_claim: string;
  /** Whether e-mail addresses are taken for proven of which it does not say whether they are (`email_verified`). Only for providers where nobody chooses their address themselves: people are known by it when they come first. */
  emails_are_proven: boolean;
}

/** Asks to pause a backfill. */
export interface PauseBackfillRequest {
  /** Which one. */
  backfill_id: string;
}

/** Returns the backfill. */
export interface PauseBackfillResponse {
  /** The backfill. */
  backfill?: Backfill;
}

/** Asks to stop the schedules of a deployment. */
export interface PauseDeploymentRequest {
  /** Which one. */
  deployment_id: string;
}

/** Returns the deployment. */
export interface PauseDeploymentResponse {
  /** The deployment. */
  deployment?: Deployment;
}

/** Asks to pause a flow run. */
export interface PauseFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
  /** UUIDv7 that makes the call repeatable. */
  request_id: string;
  /** The run fails if it is not resumed within this time. Unset: it waits for ever. */
  timeout?: string;
  /** Names the pause: a run pauses at most once for each key. Empty lets the server make one. */
  key: string;
  /** Why; kept as the state's message. */
  reason: string;
}

/** Returns the verdict. */
export interface PauseFlowRunResponse {
  /** What was decided. */
  verdict?: Verdict;
  /** The flow run after it. */
  flow_run?: FlowRun;
}

/** Asks to pause a worker. */
export interface PauseWorkerRequest {
  /** Which one. */
  worker_id: string;
  /** Why, for people; empty: who asked for it. */
  reason: string;
}

/** The worker was told. */
export interface PauseWorkerResponse {
  /** The worker. Its status follows with its next sign of life. */
  worker?: Worker;
}

/** What a caller needs in order to be allowed to call a method. A method without a permission cannot be called at all: the server denies by default. Roles are sets of these permissions. */
export type Permission =
  | "PERMISSION_UNSPECIFIED"
  | "PERMISSION_PUBLIC"
  | "PERMISSION_AUTHENTICATED"
  | "PERMISSION_INTERNAL"
  | "PERMISSION_FLOWS_VIEW"
  | "PERMISSION_FLOWS_EDIT"
  | "PERMISSION_FLOWS_DELETE"
  | "PERMISSION_RUNS_VIEW"
  | "PERMISSION_RUNS_EDIT"
  | "PERMISSION_RUNS_DELETE"
  | "PERMISSION_RUN_PAYLOADS_VIEW"
  | "PERMISSION_RUNS_IMPORT"
  | "PERMISSION_OTHER_RUNS_EDIT"
  | "PERMISSION_DEPLOYMENTS_VIEW"
  | "PERMISSION_DEPLOYMENTS_RUN"
  | "PERMISSION_DEPLOYMENTS_EDIT"
  | "PERMISSION_DEPLOYMENTS_DELETE"
  | "PERMISSION_WORK_POOLS_VIEW"
  | "PERMISSION_WORK_POOLS_EDIT"
  | "PERMISSION_WORK_POOLS_DELETE"
  | "PERMISSION_WORKERS_CONNECT"
  | "PERMISSION_CONCURRENCY_VIEW"
  | "PERMISSION_CONCURRENCY_EDIT"
  | "PERMISSION_CONCURRENCY_ACQUIRE"
  | "PERMISSION_ARTIFACTS_VIEW"
  | "PERMISSION_ARTIFACTS_EDIT"
  | "PERMISSION_VARIABLES_VIEW"
  | "PERMISSION_VARIABLES_EDIT"
  | "PERMISSION_BLOCKS_VIEW"
  | "PERMISSION_BLOCK_SECRETS_VIEW"
  | "PERMISSION_BLOCKS_EDIT"
  | "PERMISSION_BLOCKS_DELETE"
  | "PERMISSION_LOGS_VIEW"
  | "PERMISSION_LOGS_WRITE"
  | "PERMISSION_EVENTS_VIEW"
  | "PERMISSION_EVENTS_EMIT"
  | "PERMISSION_AUTOMATIONS_VIEW"
  | "PERMISSION_AUTOMATIONS_EDIT"
  | "PERMISSION_AUTOMATIONS_DELETE"
  | "PERMISSION_WORKSPACE_VIEW"
  | "PERMISSION_WORKSPACE_EDIT"
  | "PERMISSION_WORKSPACE_DELETE"
  | "PERMISSION_MEMBERS_VIEW"
  | "PERMISSION_MEMBERS_EDIT"
  | "PERMISSION_AUDIT_VIEW"
  | "PERMISSION_ACCOUNT_ADMIN";

/** Tells of a polling worker, and asks for runs. */
export interface PollWorkRequest {
  /** The worker's name, which with its pool, or with the deployments that it serves, says which one it is. Empty: nobody is kept as a worker, and only runs are asked for. */
  worker_name: string;
  /** The pool; empty for a process that serves deployments. */
  work_pool_name: string;
  /** The queues; empty: all of the pool. */
  work_queue_names: string[];
  /** The deployments that the process serves, in place of a pool. */
  deployment_ids: string[];
  /** The kind of a worker: "process", "serve", ... */
  type: string;
  /** Key and value pairs that runs ask of their workers. Of a pool only runs are returned that ask for all of them. */
  labels?: JsonObject;
  /** The client and its version. */
  client_version: string;
  /** How long the worker is taken to be there after this sign of life; unset is a minute. */
  silent_after?: string;
  /** How many runs at most; 0: only a sign of life is given. */
  count: number;
  /** Runs that are due before; unset is now. */
  due_before?: string;
  /** Runs that are due at or after; unset: however long ago. */
  due_from?: string;
}

/** Returns runs that may be claimed. */
export interface PollWorkResponse {
  /** The runs: those of the queue that is served first, in it the first due first. None while the pool, all its queues or the worker are paused. */
  flow_runs: FlowRun[];
  /** The worker, if it is kept as one. */
  worker?: Worker;
}

/** Asks for the next times of a schedule. */
export interface PreviewScheduleRequest {
  /** One that is kept. */
  schedule_id?: string;
  /** One that is only thought of. */
  schedule?: Schedule;
  /** From when on; unset is now. */
  from?: string;
  /** How many; 0 is 10. */
  count: number;
}

/** Returns times. */
export interface PreviewScheduleResponse {
  /** The next times. */
  times: string[];
}

/** What kind of principal a caller is. */
export type PrincipalKind =
  | "PRINCIPAL_KIND_UNSPECIFIED"
  | "PRINCIPAL_KIND_USER"
  | "PRINCIPAL_KIND_SERVICE_ACCOUNT"
  | "PRINCIPAL_KIND_LOCAL"
  | "PRINCIPAL_KIND_SYSTEM";

/** Asks to make a version current. */
export interface PromoteDeploymentVersionRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** Which version. */
  number: number;
}

/** Returns the deployment. */
export interface PromoteDeploymentVersionResponse {
  /** The deployment. */
  deployment?: Deployment;
  /** The version that is current now. */
  version?: DeploymentVersion;
}

/** Proposes a state for a flow run. */
export interface ProposeFlowRunStateRequest {
  /** Which flow run. */
  flow_run_id: string;
  /** The proposed state. Its state_id makes the call repeatable. */
  state?: State;
  /** The token of the attempt; required of the process that executes the run. */
  attempt_token: string;
  /** True: only the rules that protect data and release slots apply. For people, not for engines. */
  force: boolean;
  /** What identifies the process, when it proposes RUNNING. */
  infrastructure_id: string;
  /** In place of `attempt_token`, of clients that neither keep tokens nor give signs of life: the token that an attempt gets that begins by this proposal. While the run is held under it, proposals with it are those of its process. The lease of such an attempt does not expire, and it may be claimed before it is due. */
  own_token: string;
}

/** Returns the verdict. */
export interface ProposeFlowRunStateResponse {
  /** What was decided. */
  verdict?: Verdict;
  /** The attempt, if RUNNING was accepted. */
  attempt?: Attempt;
}

/** One step before the flow is loaded. */
export interface PullStep {
  /** What to do: "git_clone", "set_working_directory", "run_shell_script", ... */
  step: string;
  /** Other steps name its output by this id. */
  step_id: string;
  /** Its inputs. */
  inputs?: JsonObject;
}

/** How queues share the pool's workers. */
export type QueuePolicy =
  | "QUEUE_POLICY_UNSPECIFIED"
  | "QUEUE_POLICY_WEIGHTED"
  | "QUEUE_POLICY_STRICT";

/** When only what is severe is sent; the rest waits until they are over. */
export interface QuietHours {
  /** Begin, "HH:MM" in the zone. */
  begins_at: string;
  /** End, "HH:MM" in the zone; not after the begin: of the next day. */
  ends_at: string;
  /** Name of the time zone, for example "Europe/Berlin"; empty is UTC. */
  zone: string;
  /** Days on which they begin, 1 is Monday, 7 is Sunday; empty: each day. */
  days: number[];
  /** What is at least so severe is sent nevertheless; unspecified is critical. */
  passes: Severity;
}

/** Something was sent to the address of a webhook. */
export interface ReceiveWebhookRequest {
  /** The last part of the address. */
  slug: string;
  /** The method. */
  method: string;
  /** The headers, names in lower case. */
  headers: Record<string, string>;
  /** The query. */
  query: Record<string, string>;
  /** The body as it came. */
  body: string;
}

/** Tells which event it became. */
export interface ReceiveWebhookResponse {
  /** The event; empty if the call was a question about the address. */
  event_id: string;
  /** False: it came before, and is that event. */
  stored: boolean;
  /** What such a question is answered with. */
  answer: string;
  /** The media type of that. */
  answer_type: string;
}

/** The right to write for one flow run. */
export interface RecordAttempt {
  /** The flow run. */
  flow_run_id: string;
  /** The token of the attempt. */
  token: string;
}

/** Transitions in the order in which they happened. */
export interface RecordFrame {
  /** Increases by one with each frame of the process. A frame may be sent again, with the same content. */
  sequence: string;
  /** The attempts that the transitions belong to. */
  attempts: RecordAttempt[];
  /** Up to 500 transitions. */
  transitions: TaskRunTransition[];
  /** W3C trace context of the first run that it is about. Empty: nobody traces it. */
  traceparent: string;
}

/** Asks to record materializations. */
export interface RecordMaterializationsRequest {
  /** The flow run that made them. */
  flow_run_id: string;
  /** The task run that made them. */
  task_run_id: string;
  /** What was made. */
  materializations: NewMaterialization[];
  /** True if it was made, false if making it failed. */
  succeeded: boolean;
  /** What made it, if not the task itself. */
  materialized_by: string;
  /** Why it failed. */
  message: string;
  /** Keys of assets that they were made from. */
  upstream_assets: Asset[];
  /** Task runs whose results they were made from: assets of these, or of those that these took results from. */
  upstream_task_run_ids: string[];
}

/** Returns the materializations. */
export interface RecordMaterializationsResponse {
  /** In the order asked for. */
  materializations: Materialization[];
}

/** Asks to record one frame. */
export interface RecordTransitionsRequest {
  /** The frame; its sequence is not looked at. */
  frame?: RecordFrame;
}

/** The frame is committed. */
export interface RecordTransitionsResponse {
  /** Attempts whose transitions were not taken. */
  lost: AttemptLost[];
}

/** A recurrence rule. */
export interface RecurrenceRule {
  /** RRULE with DTSTART, EXDATE, ... lines of RFC 5545. */
  rule: string;
  /** IANA name of the time zone; empty is UTC. */
  time_zone: string;
}

/** Asks to register a type. */
export interface RegisterBlockTypeRequest {
  /** Lower case letters, digits, "_" and "-". */
  slug: string;
  /** What people read; empty is the slug. */
  name: string;
  /** What it is for. */
  description: string;
  /** A picture. */
  logo_url: string;
  /** Where it is documented. */
  documentation_url: string;
  /** How it is used in Python. */
  code_example: string;
  /** Its schema. */
  schema?: BlockSchema;
}

/** Returns the type. */
export interface RegisterBlockTypeResponse {
  /** The type. */
  block_type?: BlockType;
}

/** Asks to give slots back. */
export interface ReleaseSlotsRequest {
  /** Which lease. */
  lease_id: string;
}

export type ReleaseSlotsResponse = Record<string, never>;

/** Asks to do without codes. */
export interface RemoveTotpRequest {
  /** The caller's password. */
  password: string;
  /** A code that holds now, or a recovery code. */
  code: string;
}

export type RemoveTotpResponse = Record<string, never>;

/** Asks to renew leases. */
export interface RenewAttemptsRequest {
  /** The attempts. */
  attempts: RecordAttempt[];
  /** How long the leases hold from now on; unset keeps what each has. For those who give signs of life at a pace of their own. */
  lease_duration?: string;
}

/** Leases were renewed. */
export interface RenewAttemptsResponse {
  /** Until then. */
  lease_expires_at?: string;
  /** Attempts that may no longer write. */
  lost: AttemptLost[];
  /** Runs that have to stop, pause or go on. */
  signals: RunSignal[];
}

/** Asks to renew a lease. */
export interface RenewSlotsRequest {
  /** Which one. */
  lease_id: string;
  /** For how long; unset is 60 seconds. */
  lease_duration?: string;
}

/** The lease was renewed. */
export interface RenewSlotsResponse {
  /** Until then. */
  expires_at?: string;
}

/** Asks to send a delivery again. */
export interface ResendChannelDeliveryRequest {
  /** Which one. */
  channel_delivery_id: string;
}

/** Returns the delivery. */
export interface ResendChannelDeliveryResponse {
  /** The delivery. */
  delivery?: ChannelDelivery;
}

/** Asks to send a delivery again. */
export interface ResendDeliveryRequest {
  /** Which one. */
  delivery_id: string;
}

/** Returns the delivery. */
export interface ResendDeliveryResponse {
  /** The delivery. */
  delivery?: Delivery;
}

/** Labels that a resource must have. */
export interface ResourceMatch {
  /** For each label the values of which any fits; "*" at the end matches any rest, "!" at the start excludes. */
  labels: Record<string, LabelValues>;
}

/** Where a result lies and how it was written. The result itself never passes through the server. */
export interface ResultReference {
  /** Key within the storage. */
  storage_key: string;
  /** The storage's URL without credentials, e.g. "file:///data/results" or "s3://bucket/prefix". */
  storage_url: string;
  /** The block that holds the storage's settings. */
  storage_block_id: string;
  /** How the value was written, e.g. "pickle", "json", "compressed/json". */
  serializer: string;
  /** When the result may be deleted. */
  expires_at?: string;
  /** Bytes written. */
  size_bytes: string;
  /** Data kept by other clients in their own form. */
  foreign?: JsonValue;
}

/** Asks to let a backfill go on. */
export interface ResumeBackfillRequest {
  /** Which one. */
  backfill_id: string;
}

/** Returns the backfill. */
export interface ResumeBackfillResponse {
  /** The backfill. */
  backfill?: Backfill;
}

/** Asks to let the schedules of a deployment go on. */
export interface ResumeDeploymentRequest {
  /** Which one. */
  deployment_id: string;
}

/** Returns the deployment. */
export interface ResumeDeploymentResponse {
  /** The deployment. */
  deployment?: Deployment;
}

/** Asks to resume a flow run. */
export interface ResumeFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
  /** UUIDv7 that makes the call repeatable. */
  request_id: string;
  /** What the run asks for: fields of its form. */
  run_input?: JsonObject;
  /** Why; kept as the state's message. */
  reason: string;
}

/** Returns the verdict. */
export interface ResumeFlowRunResponse {
  /** What was decided: RUNNING where the process waits, SCHEDULED "Resuming" where the run is suspended. */
  verdict?: Verdict;
  /** The flow run after it. */
  flow_run?: FlowRun;
}

/** Asks to resume a worker. */
export interface ResumeWorkerRequest {
  /** Which one. */
  worker_id: string;
}

/** The worker was told. */
export interface ResumeWorkerResponse {
  /** The worker. Its status follows with its next sign of life. */
  worker?: Worker;
}

/** What is kept. */
export type RetentionKind =
  | "RETENTION_KIND_UNSPECIFIED"
  | "RETENTION_KIND_FLOW_RUN"
  | "RETENTION_KIND_BACKGROUND_TASK_RUN"
  | "RETENTION_KIND_ARTIFACT"
  | "RETENTION_KIND_TRANSITION"
  | "RETENTION_KIND_LOG_RECORD"
  | "RETENTION_KIND_EVENT"
  | "RETENTION_KIND_OUTBOX";

/** For how long something is kept. */
export interface RetentionRule {
  /** What. */
  kind: RetentionKind;
  /** Flow runs of this deployment. Goes before rules by tag. */
  deployment_id?: string;
  /** Flow runs with this tag. Of several tags, the longest time counts. */
  tag?: string;
  /** For how many days; not set: for ever. */
  keep_days?: number | "NaN" | "Infinity" | "-Infinity";
  /** The setting of the server that says so, where no rule of the workspace does. */
  setting: string;
  /** When the rule was set. */
  updated_at?: string;
}

/** Asks to run again what did not complete. */
export interface RetryBackfillRequest {
  /** Which one. */
  backfill_id: string;
}

/** Returns the backfill. */
export interface RetryBackfillResponse {
  /** The backfill. */
  backfill?: Backfill;
  /** How many runs are made again. */
  runs: number;
}

/** Asks to run a final flow run again. */
export interface RetryFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
  /** UUIDv7 that makes the call repeatable. */
  request_id: string;
  /** What is executed again. */
  scope: RetryScope;
  /** With RETRY_SCOPE_FROM_TASK: the task runs that are executed again with all that depends on them. */
  task_run_ids: string[];
}

/** Returns the verdict. */
export interface RetryFlowRunResponse {
  /** What was decided. */
  verdict?: Verdict;
  /** The flow run after it. */
  flow_run?: FlowRun;
}

/** How a retry is done. */
export type RetryKind =
  | "RETRY_KIND_UNSPECIFIED"
  | "RETRY_KIND_IN_PROCESS"
  | "RETRY_KIND_RESCHEDULE";

/** How often and when a run is retried after FAILED, and after its infrastructure was lost. */
export interface RetryPolicy {
  /** Retries after FAILED. */
  retries: number;
  /** Seconds to wait before each retry; the last one holds for all further. */
  delay_seconds: (number | "NaN" | "Infinity" | "-Infinity")[];
  /** Each wait is stretched by a random part of up to this factor. */
  jitter_factor: number | "NaN" | "Infinity" | "-Infinity";
  /** Retries after CRASHED by a lost worker, process or lease. 0 is the default: 3 for runs of deployments, none for others; -1 is none. */
  infrastructure_retries: number;
  /** How a retry is done. */
  kind: RetryKind;
  /** Keys of pauses that the run already went through. */
  pause_keys: string[];
  /** True while the run is being resumed. */
  resuming: boolean;
}

/** What a retry executes again. */
export type RetryScope =
  | "RETRY_SCOPE_UNSPECIFIED"
  | "RETRY_SCOPE_UNFINISHED"
  | "RETRY_SCOPE_ALL"
  | "RETRY_SCOPE_FROM_TASK";

/** Asks to make a key useless. */
export interface RevokeApiKeyRequest {
  /** Which one. */
  api_key_id: string;
}

export type RevokeApiKeyResponse = Record<string, never>;

/** A set of permissions with a name. */
export interface Role {
  /** Unique in the account; never changes. */
  handle: string;
  /** The name that people read. */
  name: string;
  /** What it is for. */
  description: string;
  /** What its holders may do. */
  permissions: Permission[];
  /** Whether it comes with the server. */
  built_in: boolean;
  /** When it was made; unset for one that comes with the server. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** That somebody holds a role somewhere. */
export interface RoleAssignment {
  /** UUIDv7. */
  role_assignment_id: string;
  /** The role's handle. */
  role: string;
  /** The user or service account that holds it; empty if a team does. */
  principal_id: string;
  /** The team that holds it; empty if a user or service account does. */
  team_id: string;
  /** The workspace in which it is held; empty is the whole account. */
  workspace_id: string;
  /** What kind of object it is held on; unspecified is all. */
  object_kind: ObjectKind;
  /** Which object. */
  object: string;
  /** When it was given. */
  created_at?: string;
  /** The name of the holder that people read. */
  holder: string;
}

/** Asks to make an earlier version current. */
export interface RollBackDeploymentRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** Which version; 0 is the one that the current version replaced. */
  number: number;
}

/** Returns the deployment. */
export interface RollBackDeploymentResponse {
  /** The deployment. */
  deployment?: Deployment;
  /** The version that is current now. */
  version?: DeploymentVersion;
}

/** Asks for a key in place of another. */
export interface RotateApiKeyRequest {
  /** Which one. */
  api_key_id: string;
  /** How long the old key works on; unset is an hour. */
  overlap?: string;
  /** After this long the new key stops to work; unset is as long as the old one was made for. */
  lifetime?: string;
}

/** Returns the new key. */
export interface RotateApiKeyResponse {
  /** The new key without its text. */
  api_key?: ApiKey;
  /** The text; only here. */
  key: string;
}

/** Asks to encrypt secrets anew. */
export interface RotateAutomationSecretsRequest {
  /** How many automations or deliveries to look at; 0 is 100. */
  batch_size: number;
  /** The next_page_token of the call before; empty begins. */
  page_token: string;
}

/** Tells what was done. */
export interface RotateAutomationSecretsResponse {
  /** Automations and deliveries whose secrets were encrypted anew by this call. */
  rotated: number;
  /** Those whose secrets cannot be read: the key that they need is missing. */
  unreadable: number;
  /** For the next call; empty: there is nothing left. */
  next_page_token: string;
}

/** Asks to encrypt secrets anew. */
export interface RotateBlockSecretsRequest {
  /** How many blocks at most; 0 is 100. */
  batch_size: number;
}

/** Tells what was done. */
export interface RotateBlockSecretsResponse {
  /** Blocks whose secrets were encrypted anew by this call. */
  rotated: number;
  /** Blocks that are left. */
  left: number;
  /** Blocks among those left whose secrets cannot be read: the key that they need is missing. */
  unreadable: number;
}

/** Asks to encrypt secrets anew. */
export interface RotateChannelSecretsRequest {
  /** How many channels to look at; 0 is 100. */
  batch_size: number;
  /** The next_page_token of the call before; empty begins. */
  page_token: string;
}

/** Tells what was done. */
export interface RotateChannelSecretsResponse {
  /** Channels whose secrets were encrypted anew by this call. */
  rotated: number;
  /** Those whose secrets cannot be read: the key that they need is missing. */
  unreadable: number;
  /** For the next call; empty: there is nothing left. */
  next_page_token: string;
}

export type RotateIdentitySecretsRequest = Record<string, never>;

/** Tells what was encrypted anew. */
export interface RotateIdentitySecretsResponse {
  /** How many secrets. */
  rotated: number;
  /** How many cannot be read with any key that is there. */
  unreadable: number;
}

/** Asks for another secret. */
export interface RotateWebhookSecretRequest {
  /** Of which webhook. */
  webhook_id: string;
  /** For how long the secret before is taken, at most a week; unset: it is not. */
  grace?: string;
}

/** Returns the new secret. */
export interface RotateWebhookSecretResponse {
  /** The webhook. */
  webhook?: Webhook;
  /** Its secret, which nothing shows again. */
  secret: string;
}

/** A stretch of time. */
export interface RunBucket {
  /** Its first moment. */
  from?: string;
  /** The first moment behind it. */
  until?: string;
  /** What is in it, by state. */
  counts: RunBucketCount[];
}

/** Runs of a bucket that are in the same state. */
export interface RunBucketCount {
  /** The type of the state. */
  type: StateType;
  /** The name of the state. */
  name: string;
  /** How many. */
  count: string;
  /** Their time in RUNNING, on average. */
  average_run_time?: string;
  /** How long after they were due they started, on average; not set for task runs. */
  average_start_delay?: string;
}

/** Starts a run of a deployment. */
export interface RunDeploymentAction {
  /** Which one; empty: the one that the event is about. */
  deployment_id: string;
  /** Its parameters; strings are templates. */
  parameters?: JsonObject;
  /** Values for the base job template; strings are templates. */
  job_variables?: JsonObject;
  /** How long after the firing the run is to start. */
  schedule_after?: string;
}

/** Asks to start runs. */
export interface RunDeploymentInBulkRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** The runs. */
  runs: BulkRun[];
  /** A version other than the current one, for all of them. */
  deployment_version_id: string;
}

/** Returns the runs. */
export interface RunDeploymentInBulkResponse {
  /** In the order of the request. */
  results: BulkRunResult[];
}

/** Asks to start a run. */
export interface RunDeploymentRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** UUIDv7 made by the caller, which makes the call repeatable; empty lets the server make one. */
  flow_run_id: string;
  /** The name that people read; empty lets the server make one. */
  name: string;
  /** Parameters, on top of the deployment's. */
  parameters?: JsonObject;
  /** When; unset is now. */
  scheduled_at?: string;
  /** A second call with the same key returns the first run. */
  idempotency_key: string;
  /** Words to find it by, beside the deployment's. */
  tags: string[];
  /** Values for the base job template, on top of the deployment's. */
  job_variables?: JsonObject;
  /** A queue other than the deployment's. */
  work_queue_name: string;
  /** The task run of the parent flow run that stands for this run. */
  parent_task_run_id: string;
  /** The flow run that starts it. */
  parent_flow_run_id: string;
  /** Whatever the caller wants to keep with the run. */
  context?: JsonObject;
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
  /** How often and when it is retried, in place of the deployment's policy. */
  retry_policy?: RetryPolicy;
  /** A version other than the current one. */
  deployment_version_id: string;
  /** Whether parameters that do not fit the schema are refused; unset: as the deployment says. */
  enforce_parameter_schema?: boolean;
}

/** Returns the run. */
export interface RunDeploymentResponse {
  /** The flow run, new or found by its id or idempotency key. */
  flow_run?: FlowRun;
  /** True if it was made by this call. */
  created: boolean;
}

/** Something that was sent to a flow run. */
export interface RunInput {
  /** The flow run. */
  flow_run_id: string;
  /** Unique in the flow run. */
  key: string;
  /** Any JSON value. */
  value?: JsonValue;
  /** Who sent it, e.g. "headrace.flow-run.<uuid>". */
  sender: string;
  /** When it came. */
  created_at?: string;
}

/** By which of its times a run counts. */
export type RunMoment =
  | "RUN_MOMENT_UNSPECIFIED"
  | "RUN_MOMENT_EXPECTED_START"
  | "RUN_MOMENT_STARTED"
  | "RUN_MOMENT_ENDED";

/** What somebody wrote about a flow run. */
export interface RunNote {
  /** UUIDv7. */
  run_note_id: string;
  /** The flow run. */
  flow_run_id: string;
  /** The text, in Markdown. */
  text: string;
  /** Who wrote it. */
  author?: Creator;
  /** When it was written. */
  created_at?: string;
}

/** A run has to stop, pause or go on. */
export interface RunSignal {
  /** The flow run. */
  flow_run_id: string;
  /** What it has to do: the state that it is in now, e.g. CANCELLING. */
  state?: State;
}

/** Asks for points of run time over time. */
export interface SampleFlowRunsRequest {
  /** Which ones. */
  filter?: FlowRunFilter;
  /** From when until when; by default the last day until now. */
  span?: TimeRange;
  /** By which time. */
  moment: RunMoment;
  /** How many points at most; 0 is 500. */
  max_points: number;
}

/** Returns points. */
export interface SampleFlowRunsResponse {
  /** Oldest first. */
  points: FlowRunPoint[];
  /** How many runs there are to pick from. */
  run_count: string;
  /** True if looking stopped at the server's bound, so that there are more runs. */
  capped: boolean;
}

/** Asks to save a block. */
export interface SaveBlockRequest {
  /** Its type, which is registered. */
  type_slug: string;
  /** Lower case letters, digits, "_" and "-". */
  name: string;
  /** Its values, checked against the type's newest schema. A secret that reads "********" stays as it was. */
  data?: JsonObject;
  /** False: an existing block is an error (ALREADY_EXISTS). */
  overwrite: boolean;
  /** The schema of the type that the data are checked against; empty is the newest one. */
  block_schema_id: string;
}

/** Returns the block. */
export interface SaveBlockResponse {
  /** The block, without its secrets. */
  block?: Block;
}

/** When a deployment runs by itself. */
export interface Schedule {
  /** UUIDv7. */
  schedule_id: string;
  /** The deployment. */
  deployment_id: string;
  /** A short name, unique in the deployment. */
  slug: string;
  /** The rule. */
  rule?: ScheduleRule;
  /** False: it makes no runs. */
  active: boolean;
  /** Parameters of its runs, on top of the deployment's. */
  parameters?: JsonObject;
  /** No runs before. */
  starts_at?: string;
  /** No runs from then on. */
  ends_at?: string;
  /** What happens to times that were missed. */
  catch_up: CatchUp;
  /** A run that would be later than this is not started. */
  maximum_lateness?: string;
  /** Each time is moved by a random span up to this. */
  jitter?: string;
  /** No runs in these spans. */
  blackouts: TimeRange[];
  /** Names of calendars: no runs at their times either. */
  calendar_names: string[];
  /** When it makes its next run. */
  next_at?: string;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** Does something to a schedule. */
export interface ScheduleAction {
  /** Of which deployment; empty: the one that the event is about. */
  deployment_id: string;
  /** Which schedule. */
  schedule_id: string;
}

/** The rule of a schedule. */
export interface ScheduleRule {
  /** Cron. */
  cron?: CronRule;
  /** A fixed interval. */
  interval?: IntervalRule;
  /** A recurrence rule of RFC 5545. */
  recurrence?: RecurrenceRule;
}

/** Asks to queue a message. */
export interface SendMessageRequest {
  /** For which channel. */
  channel_id: string;
  /** What to tell. */
  message?: Message;
  /** A message whose key is known for the channel is not queued again. Empty: a new one. */
  dedup_key: string;
  /** Messages of one key are gathered, where the channel gathers. Empty: the message is sent alone. */
  group_key: string;
}

/** Tells which delivery it became. */
export interface SendMessageResponse {
  /** The delivery, or that of the message with the same key before. */
  channel_delivery_id: string;
  /** False: the key was known. */
  queued: boolean;
}

/** Sends a message to a channel, with a link to the run. Templates see the event and its run. */
export interface SendNotificationAction {
  /** Which channel. */
  channel_id: string;
  /** The subject, a template; empty: what happened, for a flow run "The <run> run of the <flow> flow entered a <state> state at <time>". */
  subject: string;
  /** The text, a template; empty: for a flow run the state's message, the last error and the last lines of the log. */
  body: string;
  /** How much it matters; unspecified: as the state does. */
  severity: Severity;
}

/** Sends the event, as JSON, to a flow run as an input; one that is suspended until it comes is resumed. */
export interface SendRunInputAction {
  /** Which one; empty: the one that the event is about. */
  flow_run_id: string;
  /** The input's key. The first event with the key stays. */
  key: string;
}

/** Fires on conditions in an order. */
export interface SequenceTrigger {
  /** The conditions. */
  triggers: Trigger[];
  /** In which span of time. */
  within?: string;
}

/** One setting of the server. */
export interface ServerSetting {
  /** The environment variable that sets it. */
  variable: string;
  /** Its value as one would set it; empty where there is none, and for secrets. */
  value: string;
  /** True if somebody set it, false if this is the default. */
  customized: boolean;
  /** True if the value is a secret. */
  secret: boolean;
  /** What it is for; empty where the name says it all. */
  description: string;
}

/** A program that calls the server under a name of its own. */
export interface ServiceAccount {
  /** UUIDv7. */
  service_account_id: string;
  /** Unique in the workspace. */
  handle: string;
  /** The name that people read. */
  display_name: string;
  /** The workspace that it belongs to. */
  workspace_id: string;
  /** Whether its keys work. */
  active: boolean;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** When one of its keys was last used, to about a minute; unset if never. */
  last_seen_at?: string;
}

/** A promise about the runs of a deployment. */
export interface ServiceLevel {
  /** UUIDv7; kept as long as the name is. */
  service_level_id: string;
  /** The deployment. */
  deployment_id: string;
  /** Unique in the deployment. */
  name: string;
  /** What is promised. */
  kind: ServiceLevelKind;
  /** The time; at least a second. */
  within?: string;
  /** How bad it is when it is broken. */
  severity: ServiceLevelSeverity;
  /** True: it is not looked at. */
  disabled: boolean;
  /** When it was last broken. */
  violated_at?: string;
  /** When it was made. */
  created_at?: string;
}

/** What is promised. */
export type ServiceLevelKind =
  | "SERVICE_LEVEL_KIND_UNSPECIFIED"
  | "SERVICE_LEVEL_KIND_COMPLETION"
  | "SERVICE_LEVEL_KIND_LATENESS"
  | "SERVICE_LEVEL_KIND_FREQUENCY";

/** How bad it is when the promise is broken. */
export type ServiceLevelSeverity =
  | "SERVICE_LEVEL_SEVERITY_UNSPECIFIED"
  | "SERVICE_LEVEL_SEVERITY_MINOR"
  | "SERVICE_LEVEL_SEVERITY_LOW"
  | "SERVICE_LEVEL_SEVERITY_MODERATE"
  | "SERVICE_LEVEL_SEVERITY_HIGH"
  | "SERVICE_LEVEL_SEVERITY_CRITICAL";

/** That somebody is signed in somewhere. */
export interface Session {
  /** UUIDv7. */
  session_id: string;
  /** With which provider; empty is a password that is kept here. */
  provider: string;
  /** The network address that it was begun from. */
  address: string;
  /** The browser. */
  user_agent: string;
  /** When it began. */
  created_at?: string;
  /** When it was last used, to about a minute. */
  last_used_at?: string;
  /** When it ends. */
  expires_at?: string;
  /** Whether the call belongs to it. */
  current: boolean;
}

/** Asks to set a limit. */
export interface SetConcurrencyLimitRequest {
  /** Unique in the workspace. */
  name: string;
  /** How many slots. */
  limit: number;
  /** False: it holds nothing back; unset is true for a new one. */
  active?: boolean;
  /** Above 0 it is a rate limit. */
  slot_decay_per_second: number | "NaN" | "Infinity" | "-Infinity";
}

/** Returns the limit. */
export interface SetConcurrencyLimitResponse {
  /** The limit. */
  limit?: ConcurrencyLimit;
}

/** Asks to keep a provider. */
export interface SetIdentityProviderRequest {
  /** All of its settings. */
  provider?: IdentityProvider;
}

/** Returns the provider. */
export interface SetIdentityProviderResponse {
  /** The provider. */
  provider?: IdentityProvider;
}

/** Asks to set limits. */
export interface SetLogLimitsRequest {
  /** The limits. */
  limits?: LogLimits;
}

/** The limits hold within some seconds. */
export interface SetLogLimitsResponse {
  /** The limits of the workspace. */
  limits?: LogLimits;
}

/** Asks to set a rule. */
export interface SetLogRetentionRuleRequest {
  /** The rule. */
  retention_rule?: LogRetentionRule;
}

/** The rule is set. */
export interface SetLogRetentionRuleResponse {
  /** The rule. */
  retention_rule?: LogRetentionRule;
}

/** Asks to make or change a sink. */
export interface SetLogSinkRequest {
  /** The sink. Headers with an empty value stay as they are. */
  log_sink?: LogSink;
}

/** The sink is set. */
export interface SetLogSinkResponse {
  /** The sink. */
  log_sink?: LogSink;
}

/** Asks for a password. */
export interface SetPasswordRequest {
  /** The one that holds now; not needed where there is none yet. */
  old_password: string;
  /** The new one: at least 12 characters. */
  new_password: string;
}

export type SetPasswordResponse = Record<string, never>;

/** Asks to set a rule. */
export interface SetRetentionRuleRequest {
  /** The rule. Its kind must be one that workspaces decide on. */
  rule?: RetentionRule;
}

/** Returns the rule. */
export interface SetRetentionRuleResponse {
  /** The rule. */
  rule?: RetentionRule;
}

/** Asks to set service levels. */
export interface SetServiceLevelsRequest {
  /** Of which deployment. */
  deployment_id: string;
  /** All of them; those that it has under other names are removed. */
  service_levels: ServiceLevel[];
}

/** Returns the service levels. */
export interface SetServiceLevelsResponse {
  /** By name. */
  service_levels: ServiceLevel[];
}

/** Asks to make the first user. */
export interface SetUpAccountRequest {
  /** What the server printed. */
  token: string;
  /** The address of the first user. */
  email: string;
  /** The name that people read; empty is the address. */
  display_name: string;
}

/** Returns the first user. */
export interface SetUpAccountResponse {
  /** The user. */
  user?: User;
  /** A key of the user; only here. */
  key: string;
}

/** Asks to set a variable. */
export interface SetVariableRequest {
  /** Lower case letters, digits, "_" and "-". */
  name: string;
  /** Any JSON value, up to 256 KiB as JSON. */
  value?: JsonValue;
  /** Words to find it by. */
  tags: string[];
  /** False: an existing variable is an error (ALREADY_EXISTS). */
  overwrite: boolean;
  /** The variable that is to be set, whatever its name was; it gets the name. Empty: the one with the name. */
  variable_id: string;
}

/** Returns the variable. */
export interface SetVariableResponse {
  /** The variable. */
  variable?: Variable;
}

/** How much a message matters. */
export type Severity =
  | "SEVERITY_UNSPECIFIED"
  | "SEVERITY_INFO"
  | "SEVERITY_SUCCESS"
  | "SEVERITY_WARNING"
  | "SEVERITY_ERROR"
  | "SEVERITY_CRITICAL";

/** One way to sign in. */
export interface SignInOption {
  /** What the provider is called in addresses. */
  provider: string;
  /** The name that people read. */
  name: string;
  /** Whether it takes name and password (`SignIn`); otherwise the browser is sent there (`BeginProviderSignIn`). */
  takes_password: boolean;
}

/** Asks to be signed in. */
export interface SignInRequest {
  /** The e-mail address; with a directory, whatever it knows people by. */
  email: string;
  /** The password. */
  password: string;
  /** A one-time code, or a recovery code, where the user has set that up. */
  code: string;
  /** The directory that knows the password; empty is a password that is kept here. */
  provider: string;
}

/** The caller is signed in. */
export interface SignInResponse {
  /** Who. */
  user?: User;
  /** What proves the session; over HTTP it is a cookie. */
  session_token: string;
  /** When it ends. */
  expires_at?: string;
}

/** Asks to be signed out. */
export interface SignOutRequest {
  /** Whether to end all sessions, not the one of the call only. */
  everywhere: boolean;
}

/** The caller is signed out. */
export interface SignOutResponse {
  /** How many sessions ended. */
  ended: number;
  /** Whether the session of the call has ended; over HTTP its cookie is taken away. */
  signed_out: boolean;
}

/** Who holds or awaits slots. */
export interface SlotHolder {
  /** The lease; empty for one who waits. */
  lease_id: string;
  /** What kind: "flow-run", "task-run", "client". */
  holder_kind: string;
  /** Which one. */
  holder_id: string;
  /** How many slots. */
  slots: number;
  /** Since when. */
  since?: string;
  /** Until when, unless renewed. */
  expires_at?: string;
}

/** The slots are held. */
export interface SlotsHeld {
  /** The lease; empty if there is nothing to give back: none of the names has a limit, or `rate` was asked for. */
  lease_id: string;
  /** To be renewed before. */
  expires_at?: string;
  /** The limits that were found. */
  names: string[];
}

/** The slots will not be given. */
export interface SlotsRefused {
  /** Which limit refuses. */
  name: string;
  /** A sentence for people. */
  reason: string;
}

/** The slots are not free. */
export interface SlotsWait {
  /** Which limit is full. */
  name: string;
  /** When to call again at the latest, to keep the place in line. */
  delay?: string;
  /** The place in line, from 1. */
  place: number;
}

/** A state of a flow run or task run. It is also a stored transition: the change into this state. */
export interface State {
  /** UUIDv7 of the transition into this state. A repeated proposal with the same id is answered with the first answer. */
  state_id: string;
  /** The type. */
  type: StateType;
  /** The name that people read, e.g. "Late" or "AwaitingRetry". Empty takes the type's usual name. */
  name: string;
  /** A sentence for people, e.g. the error. */
  message: string;
  /** When the run entered the state. */
  occurred_at?: string;
  /** Increases with each transition of the run. Set by the server for flow runs, one by one; by the recording process for task runs, which may leave gaps. */
  version: string;
  /** What belongs to the state beside its type. */
  details?: StateDetails;
  /** Where the run's result lies, if the state has one. */
  result?: ResultReference;
}

/** How many runs are in states of a type. */
export interface StateCount {
  /** The type. */
  type: StateType;
  /** How many. */
  count: string;
}

/** What belongs to a state beside its type. */
export interface StateDetails {
  /** When a SCHEDULED run is due. */
  scheduled_at?: string;
  /** The flow run that a task run stands for (a subflow). */
  child_flow_run_id: string;
  /** The key under which a result is, or may be found, in the cache. */
  cache_key: string;
  /** When the cached result stops being valid. */
  cache_expires_at?: string;
  /** True if the cache must not be read for this run. */
  refresh_cache?: boolean;
  /** True if the run is executed in the background by whoever serves its task. */
  deferred?: boolean;
  /** True if the result cannot be linked to its inputs. */
  untrackable_result?: boolean;
  /** When a PAUSED run that was not resumed fails. */
  pause_expires_at?: string;
  /** True if the process exits while the run is paused (it is suspended). */
  pause_reschedule?: boolean;
  /** Names the pause, so that a run pauses at most once for each key. */
  pause_key: string;
  /** Names of run inputs that a pause is about, by role: "schema" and "description" are the form that a resume has to fill in, "response" is what it brought, "awaited" is an input whose arrival resumes the run by itself. */
  run_input_keyset: Record<string, string>;
  /** False if a failed run must not be retried. */
  retriable?: boolean;
  /** Points to stored parameters of a background task. */
  task_parameters_id: string;
  /** W3C trace context of the run. */
  traceparent: string;
  /** The lease under which the run holds its concurrency slots. */
  concurrency_lease_id: string;
  /** Machine readable reason of the state, e.g. "LEASE_LOST" or "TIMED_OUT". */
  reason: string;
  /** The first lines of the error, for lists and notifications. */
  error_type: string;
  /** The traceback, cut to a bound by the sender. */
  traceback: string;
  /** Whatever else a client keeps with the state. */
  extra?: JsonObject;
  /** How long a PAUSED run waits to be resumed; the server makes `pause_expires_at` of it, by its own clock. */
  pause_timeout?: string;
}

/** Where a run stands. A state has a type, which the rules know, and a name, which people read. */
export type StateType =
  | "STATE_TYPE_UNSPECIFIED"
  | "STATE_TYPE_SCHEDULED"
  | "STATE_TYPE_PENDING"
  | "STATE_TYPE_RUNNING"
  | "STATE_TYPE_PAUSED"
  | "STATE_TYPE_CANCELLING"
  | "STATE_TYPE_CANCELLED"
  | "STATE_TYPE_COMPLETED"
  | "STATE_TYPE_FAILED"
  | "STATE_TYPE_CRASHED";

/** Asks to suspend a flow run. */
export interface SuspendFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
  /** UUIDv7 that makes the call repeatable. */
  request_id: string;
  /** The run fails if it is not resumed within this time. Unset: it waits for ever. */
  timeout?: string;
  /** Names the pause: a run pauses at most once for each key. Empty lets the server make one. */
  key: string;
  /** Why; kept as the state's message. */
  reason: string;
}

/** Returns the verdict. */
export interface SuspendFlowRunResponse {
  /** What was decided. */
  verdict?: Verdict;
  /** The flow run after it. */
  flow_run?: FlowRun;
}

/** Rows and columns. */
export interface TableContent {
  /** The columns' names. */
  columns: string[];
  /** The rows, each a list of values in the columns' order. */
  rows: (JsonValue[])[];
}

/** How much room a table takes. */
export interface TableSize {
  /** The service that keeps it. */
  service: string;
  /** The table. */
  table: string;
  /** By which kind of retention its rows go; unspecified: by none. */
  kind: RetentionKind;
  /** How many rows it has, as far as Postgres has counted. */
  row_count: string;
  /** Of rows. */
  data_bytes: string;
  /** Of indexes. */
  index_bytes: string;
  /** Into how many parts by days it is cut; 0 if it is not. */
  partition_count: number;
}

/** Does something to one thing. */
export interface TargetAction {
  /** Which one; empty: the one that the event is about, else the first that it concerns. */
  target_id: string;
}

/** What waits for a task. */
export interface TaskBacklog {
  /** The task. */
  task_key: string;
  /** How many task runs wait. */
  waiting: string;
  /** How many are being executed. */
  running: string;
}

/** What a parameter of a task run came from. */
export interface TaskInput {
  /** The parameter's name. */
  parameter: string;
  /** What kind of source. */
  kind: TaskInputKind;
  /** The task run or flow run, or the parameter of the flow run. */
  source: string;
}

/** What kind of source a parameter came from. */
export type TaskInputKind =
  | "TASK_INPUT_KIND_UNSPECIFIED"
  | "TASK_INPUT_KIND_TASK_RUN"
  | "TASK_INPUT_KIND_FLOW_RUN"
  | "TASK_INPUT_KIND_PARAMETER"
  | "TASK_INPUT_KIND_CONSTANT"
  | "TASK_INPUT_KIND_WAIT_FOR"
  | "TASK_INPUT_KIND_ASSET";

/** How often and when a task run is retried. */
export interface TaskRetryPolicy {
  /** Retries after FAILED. */
  retries: number;
  /** Seconds to wait before each retry; the last one holds for all further. */
  delay_seconds: (number | "NaN" | "Infinity" | "-Infinity")[];
  /** Each wait is stretched by a random part of up to this factor. */
  jitter_factor: number | "NaN" | "Infinity" | "-Infinity";
}

/** An execution of a task. */
export interface TaskRun {
  /** UUIDv7. */
  task_run_id: string;
  /** The flow run that it is part of; empty for background tasks. */
  flow_run_id: string;
  /** What identifies the task in the user's code. */
  task_key: string;
  /** Unique in the flow run for each call of the task, and the same when the flow run is executed again. */
  dynamic_key: string;
  /** The name that people read. */
  name: string;
  /** The state that it is in. */
  state?: State;
  /** Words to find it by. */
  tags: string[];
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
  /** The task's version, as the user names it. */
  task_version: string;
  /** What its parameters came from. */
  inputs: TaskInput[];
  /** How often and when it is retried. */
  retry_policy?: TaskRetryPolicy;
  /** The key under which its result is cached. */
  cache_key: string;
  /** When the cached result stops being valid. */
  cache_expires_at?: string;
  /** How many times it entered RUNNING. */
  run_count: number;
  /** The run_count of the flow run when it was made. */
  flow_run_run_count: number;
  /** The flow run that it stands for, if it is a subflow. */
  child_flow_run_id: string;
  /** When it was made. */
  created_at?: string;
  /** When anything of it last changed. */
  updated_at?: string;
  /** When it was expected to start. */
  expected_start_at?: string;
  /** When it first entered RUNNING. */
  started_at?: string;
  /** When it became final. */
  ended_at?: string;
  /** Time in RUNNING, all tries together. */
  total_run_time?: string;
}

/** Which task runs. Fields are joined by AND, values in a field by OR unless said otherwise. */
export interface TaskRunFilter {
  /** Any of these ids. */
  task_run_ids: string[];
  /** Part of any of these flow runs. */
  flow_run_ids: string[];
  /** Any of these task keys. */
  task_keys: string[];
  /** Any of these state types. */
  state_types: StateType[];
  /** Any of these state names. */
  state_names: string[];
  /** Any of these names. */
  names: string[];
  /** A part of the name, upper and lower case alike. */
  name_contains: string;
  /** A part of the name or of the state's message. */
  text: string;
  /** All of these tags. */
  tags_all: string[];
  /** Any of these tags. */
  tags_any: string[];
  /** None of these tags. */
  tags_none: string[];
  /** All of these labels. */
  labels?: JsonObject;
  /** True: only those that stand for subflows; false: only others. */
  has_child_flow_run?: boolean;
  /** Created in this span. */
  created?: TimeRange;
  /** Started in this span. */
  started?: TimeRange;
  /** Ended in this span. */
  ended?: TimeRange;
  /** Ran at least this long. */
  run_time_at_least?: string;
  /** Ran at most this long. */
  run_time_at_most?: string;
  /** Any of these cache keys. */
  cache_keys: string[];
  /** True: only background task runs; false: only task runs of flow runs. */
  background?: boolean;
  /** None of these state types. */
  state_types_none: StateType[];
  /** Any of these dynamic keys. */
  dynamic_keys: string[];
  /** Any of these task versions. */
  task_versions: string[];
  /** True: only task runs without tags; false: only task runs with tags. */
  untagged?: boolean;
  /** All of these label keys, whatever their values. */
  label_keys: string[];
  /** Entered RUNNING at least this often. */
  run_count_at_least?: number;
  /** Entered RUNNING at most this often. */
  run_count_at_most?: number;
  /** Expected to start in this span. */
  expected_start?: TimeRange;
  /** Entered its state in this span. */
  state_entered?: TimeRange;
  /** Stands for any of these subflows. */
  child_flow_run_ids: string[];
  /** Part of a run of any of these flows. */
  flow_ids: string[];
  /** Part of a run of any of these deployments. */
  deployment_ids: string[];
  /** Part of any of these flow runs or of the trees below them. */
  root_flow_run_ids: string[];
  /** Any of these filters. */
  any_of: TaskRunFilter[];
  /** None of these filters. */
  none_of: TaskRunFilter[];
}

/** In which order to list task runs. By name and by run time only what a filter narrows down can be listed: it has to name flow runs, task runs or cache keys, or say from when on they were created, started or ended. */
export type TaskRunSort =
  | "TASK_RUN_SORT_UNSPECIFIED"
  | "TASK_RUN_SORT_ID_DESC"
  | "TASK_RUN_SORT_ID_ASC"
  | "TASK_RUN_SORT_STARTED_DESC"
  | "TASK_RUN_SORT_STARTED_ASC"
  | "TASK_RUN_SORT_ENDED_DESC"
  | "TASK_RUN_SORT_NAME_ASC"
  | "TASK_RUN_SORT_NAME_DESC"
  | "TASK_RUN_SORT_RUN_TIME_DESC";

/** Describes a task run. */
export interface TaskRunSpec {
  /** What identifies the task in the user's code. */
  task_key: string;
  /** Unique in the flow run for each call of the task. */
  dynamic_key: string;
  /** The name that people read. */
  name: string;
  /** Words to find it by. */
  tags: string[];
  /** Key and value pairs to find it by. */
  labels?: JsonObject;
  /** The task's version, as the user names it. */
  task_version: string;
  /** What its parameters came from. */
  inputs: TaskInput[];
  /** How often and when it is retried. */
  retry_policy?: TaskRetryPolicy;
  /** The key under which its result is cached. */
  cache_key: string;
  /** When the cached result stops being valid. */
  cache_expires_at?: string;
  /** The run_count of the flow run. */
  flow_run_run_count: number;
  /** The flow run that it stands for, if it is a subflow. */
  child_flow_run_id: string;
  /** When it was expected to start. */
  expected_start_at?: string;
}

/** A task run enters a state. */
export interface TaskRunTransition {
  /** Index into the frame's attempts. */
  attempt_index: number;
  /** The task run. */
  task_run_id: string;
  /** The state. state_id, type, occurred_at and version have to be set. */
  state?: State;
  /** Describes the task run; with its first transition, and again when something of it changed. */
  spec?: TaskRunSpec;
  /** How many times the task run entered RUNNING, with this transition. */
  run_count: number;
}

/** A process that serves tasks. */
export interface TaskServer {
  /** Its id. */
  server_id: string;
  /** For people. */
  name: string;
  /** The tasks that it serves. */
  task_keys: string[];
  /** How many it executes at once. */
  slots: number;
  /** How many it has. */
  running: number;
  /** The client's version. */
  client_version: string;
  /** Since when it is connected. */
  connected_at?: string;
  /** Its last sign of life. */
  seen_at?: string;
}

/** How many task runs are in states of a type. */
export interface TaskStateCount {
  /** The type. */
  type: StateType;
  /** How many. */
  count: string;
}

/** Users that hold roles together. */
export interface Team {
  /** UUIDv7. */
  team_id: string;
  /** Unique in the account. */
  handle: string;
  /** The name that people read. */
  name: string;
  /** What it is for. */
  description: string;
  /** When it was made. */
  created_at?: string;
  /** When it last changed, or who is in it. */
  updated_at?: string;
  /** What a directory that keeps teams here calls this one; unique in the account, empty if none does. */
  external_id: string;
}

/** Asks when an automation would have fired. */
export interface TestAutomationRequest {
  /** One that is stored, enabled or not; empty: `automation` counts. */
  automation_id: string;
  /** One that is not stored. */
  automation?: Automation;
  /** From when until when; by default the last day until now. */
  span?: TimeRange;
}

/** Tells when an automation would have fired. */
export interface TestAutomationResponse {
  /** How often it would have fired. */
  fired_count: string;
  /** How often it would have resolved. */
  resolved_count: string;
  /** The first 100 of these, oldest first. */
  firings: TestedFiring[];
  /** How many events were looked at. */
  event_count: string;
  /** Up to when events were looked at: less than what was asked for if there were too many. */
  complete_until?: string;
  /** True if there were too many events to look at all of them. */
  capped: boolean;
}

/** Asks for a test message. */
export interface TestChannelRequest {
  /** Which channel. */
  channel_id: string;
}

/** Tells what came of the test. */
export interface TestChannelResponse {
  /** Whether the receiver took the message. */
  delivered: boolean;
  /** What it answered, or what went wrong, without secrets. */
  answer: string;
  /** The HTTP status or SMTP code; 0 if there was none. */
  status_code: number;
  /** How long it took. */
  took?: string;
}

/** When an automation would have fired, or resolved. */
export interface TestedFiring {
  /** "fired" or "resolved". */
  state: string;
  /** When. */
  at?: string;
  /** The event that would have made it, or the one that started the watch; not set if there was none. */
  event?: Event;
  /** The values by which it counts apart. */
  labels: Record<string, string>;
}

/** A span of time, from inclusive to exclusive; either end may be open. */
export interface TimeRange {
  /** The first moment that counts. */
  from?: string;
  /** The first moment that no longer counts. */
  until?: string;
}

/** The condition. */
export interface Trigger {
  /** On events. */
  event?: EventTrigger;
  /** On a measured figure. */
  metric?: MetricTrigger;
  /** On several conditions. */
  compound?: CompoundTrigger;
  /** On conditions in an order. */
  sequence?: SequenceTrigger;
}

/** Whether the presence or the absence of events counts. */
export type TriggerPosture =
  | "TRIGGER_POSTURE_UNSPECIFIED"
  | "TRIGGER_POSTURE_REACTIVE"
  | "TRIGGER_POSTURE_PROACTIVE";

/** Asks to take a role away. */
export interface UnassignRoleRequest {
  /** Which assignment. */
  role_assignment_id: string;
}

export type UnassignRoleResponse = Record<string, never>;

/** Asks to change an artifact. */
export interface UpdateArtifactRequest {
  /** The new values, and the artifact's id. */
  artifact?: Artifact;
  /** Which fields to change: content, description, metadata. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed artifact. */
export interface UpdateArtifactResponse {
  /** The artifact. */
  artifact?: Artifact;
}

/** Asks to change an automation. */
export interface UpdateAutomationRequest {
  /** The new values, and the automation's id. */
  automation?: Automation;
  /** Which fields to change. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed automation. */
export interface UpdateAutomationResponse {
  /** The automation. */
  automation?: Automation;
}

/** Asks to change a channel. */
export interface UpdateChannelRequest {
  /** The new values, and the channel's id. */
  channel?: Channel;
  /** Which fields to change: name, description, kind, paused, config, policy. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed channel. */
export interface UpdateChannelResponse {
  /** The channel. */
  channel?: Channel;
}

/** Asks to change a deployment. */
export interface UpdateDeploymentRequest {
  /** The new values, and the deployment's id. */
  deployment?: Deployment;
  /** Which fields to change: content and its fields, paused, concurrency. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed deployment. */
export interface UpdateDeploymentResponse {
  /** The deployment. */
  deployment?: Deployment;
}

/** Asks to change a flow. */
export interface UpdateFlowRequest {
  /** The new values, and the flow's id. */
  flow?: Flow;
  /** Which fields to change: description, tags, labels. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed flow. */
export interface UpdateFlowResponse {
  /** The flow. */
  flow?: Flow;
}

/** Asks to change a flow run. */
export interface UpdateFlowRunRequest {
  /** The new values, and the flow run's id. */
  flow_run?: FlowRun;
  /** Which fields to change: name, tags, labels, notes, parameters and job_variables (before the run started), flow_version, infrastructure_id, retry_policy. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed flow run. */
export interface UpdateFlowRunResponse {
  /** The flow run. */
  flow_run?: FlowRun;
}

/** Asks to change a notification policy. */
export interface UpdateNotificationPolicyRequest {
  /** The new values, and the policy's id. */
  notification_policy?: NotificationPolicy;
  /** Which fields to change. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed notification policy. */
export interface UpdateNotificationPolicyResponse {
  /** The policy. */
  notification_policy?: NotificationPolicy;
}

/** Asks to change a role. */
export interface UpdateRoleRequest {
  /** The new values, and the role's handle. */
  role?: Role;
  /** Which fields to change: name, description, permissions. */
  update_mask?: string;
}

/** Returns the changed role. */
export interface UpdateRoleResponse {
  /** The role. */
  role?: Role;
}

/** Asks to change a schedule. */
export interface UpdateScheduleRequest {
  /** The new values, and the schedule's id. */
  schedule?: Schedule;
  /** Which fields to change. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the schedule. */
export interface UpdateScheduleResponse {
  /** The schedule. */
  schedule?: Schedule;
}

/** Asks to change a service account. */
export interface UpdateServiceAccountRequest {
  /** The new values, and the id. */
  service_account?: ServiceAccount;
  /** Which fields to change: display_name, active. */
  update_mask?: string;
}

/** Returns the changed service account. */
export interface UpdateServiceAccountResponse {
  /** The service account. */
  service_account?: ServiceAccount;
}

/** Asks to change a task run. */
export interface UpdateTaskRunRequest {
  /** The new values, and the task run's id. */
  task_run?: TaskRun;
  /** Which fields to change: name, tags, labels. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed task run. */
export interface UpdateTaskRunResponse {
  /** The task run. */
  task_run?: TaskRun;
}

/** Asks to change a team. */
export interface UpdateTeamRequest {
  /** The new values, and the team's id. */
  team?: Team;
  /** Which fields to change: handle, name, description, external_id. Needed, unless who is in it changes. */
  update_mask?: string;
  /** Ids of users to put in, in the same step; those that are in it stay. */
  add_user_ids: string[];
  /** Ids of users to take out, in the same step. */
  remove_user_ids: string[];
  /** Only if it last changed then (ABORTED, reason CHANGED_MEANWHILE); unset changes it in any case. */
  if_updated_at?: string;
}

/** Returns the changed team. */
export interface UpdateTeamResponse {
  /** The team. */
  team?: Team;
}

/** Asks to change a user. */
export interface UpdateUserRequest {
  /** The new values, and the user's id. */
  user?: User;
  /** Which fields to change: display_name, active, email, external_id. */
  update_mask?: string;
  /** Only if it last changed then (ABORTED, reason CHANGED_MEANWHILE); unset changes it in any case. */
  if_updated_at?: string;
}

/** Returns the changed user. */
export interface UpdateUserResponse {
  /** The user. */
  user?: User;
}

/** Asks to change a webhook. */
export interface UpdateWebhookRequest {
  /** The new values, and the webhook's id. */
  webhook?: Webhook;
  /** Which fields to change: name, description, paused, template, replay_window, most_bytes, most_per_minute, handshake. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed webhook. */
export interface UpdateWebhookResponse {
  /** The webhook. */
  webhook?: Webhook;
}

/** Asks to change a work pool. */
export interface UpdateWorkPoolRequest {
  /** The new values, and the pool's name. */
  work_pool?: WorkPool;
  /** Which fields to change: description, base_job_template, paused, concurrency_limit, queue_policy, start_timeout, storage_configuration, default_queue_id. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed work pool. */
export interface UpdateWorkPoolResponse {
  /** The work pool. */
  work_pool?: WorkPool;
}

/** Asks to change a queue. */
export interface UpdateWorkQueueRequest {
  /** Of which pool. */
  work_pool_name: string;
  /** The new values, and the queue's name. */
  work_queue?: WorkQueue;
  /** Which fields to change: description, priority, weight, paused, concurrency_limit. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed queue. */
export interface UpdateWorkQueueResponse {
  /** The queue. */
  work_queue?: WorkQueue;
}

/** Asks to change a workspace. */
export interface UpdateWorkspaceRequest {
  /** The new values, and the workspace's id. */
  workspace?: Workspace;
  /** Which fields to change: handle, name, description; by administrators of the account also calls_per_second and concurrent_calls. Empty: those that are set. */
  update_mask?: string;
}

/** Returns the changed workspace. */
export interface UpdateWorkspaceResponse {
  /** The workspace. */
  workspace?: Workspace;
}

/** A person. */
export interface User {
  /** UUIDv7. */
  user_id: string;
  /** Unique in the account; never case-sensitive. */
  email: string;
  /** The name that people read. */
  display_name: string;
  /** Whether the user may sign in at all. */
  active: boolean;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** When the user last signed in or used a key, to about a minute; unset if never. */
  last_seen_at?: string;
  /** What a directory that keeps users here calls this one; unique in the account, empty if none does. */
  external_id: string;
}

/** What a value inside of parameters has to be. */
export interface ValueCondition {
  /** The way to the value: keys of objects and places in lists, from 0, e.g. ["source", "tables", "0"]. */
  path: string[];
  /** The value is equal to this. */
  equals?: JsonValue;
  /** True: there is a value, be it null; false: there is none. */
  exists?: boolean;
}

/** A named value. */
export interface Variable {
  /** UUIDv7. */
  variable_id: string;
  /** Unique in the workspace. */
  name: string;
  /** Any JSON value. */
  value?: JsonValue;
  /** Words to find it by. */
  tags: string[];
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** The answer to a proposal. */
export interface Verdict {
  /** The proposed state was stored. */
  accepted?: VerdictAccepted;
  /** Another state was stored instead, or the run keeps the state that it has. */
  rejected?: VerdictRejected;
  /** Nothing was stored: ask again later. */
  wait?: VerdictWait;
  /** Nothing was stored, and the caller should give up. */
  aborted?: VerdictAborted;
}

/** The caller should give up. */
export interface VerdictAborted {
  /** Why. */
  reason: string;
  /** Stable word for the reason. */
  code: string;
  /** The state that the run is in. */
  state?: State;
}

/** The proposed state was stored. */
export interface VerdictAccepted {
  /** The state as stored. */
  state?: State;
}

/** The caller has to take over another state. */
export interface VerdictRejected {
  /** The state that the run is in. */
  state?: State;
  /** Why. */
  reason: string;
  /** Stable word for the reason, e.g. "RETRY_SCHEDULED". */
  code: string;
}

/** The caller has to ask again. */
export interface VerdictWait {
  /** How long to wait. */
  delay?: string;
  /** Why. */
  reason: string;
  /** Stable word for the reason. */
  code: string;
}

/** One difference between two versions. */
export interface VersionChange {
  /** Where in the content: "parameters.day", "pull_steps[0].inputs.branch". */
  path: string;
  /** How it differs. */
  kind: VersionChangeKind;
  /** The value before; unset if there was none. */
  before?: JsonValue;
  /** The value after; unset if there is none. */
  after?: JsonValue;
}

/** How a part of the content differs. */
export type VersionChangeKind =
  | "VERSION_CHANGE_KIND_UNSPECIFIED"
  | "VERSION_CHANGE_KIND_ADDED"
  | "VERSION_CHANGE_KIND_REMOVED"
  | "VERSION_CHANGE_KIND_CHANGED";

/** Where the source of a version came from. */
export interface VersionInfo {
  /** "vcs:git", "vcs:github", "headrace:simple", ... */
  type: string;
  /** The source's revision. */
  revision: string;
  /** The branch. */
  branch: string;
  /** The first line of the revision's message. */
  message: string;
  /** A page to look at. */
  url: string;
}

/** Asks to wait for inputs. */
export interface WaitForRunInputsRequest {
  /** Of which flow run. */
  flow_run_id: string;
  /** Only those whose keys begin like this. */
  key_prefix: string;
  /** Keys that the caller has seen already. */
  known_keys: string[];
  /** How long to wait, up to 25 seconds; 0 looks once. */
  wait_up_to?: string;
  /** How many at most; 0 is 50, above 200 is 200. */
  limit: number;
}

/** Returns inputs. */
export interface WaitForRunInputsResponse {
  /** Those that came, oldest first; none if the time is over. */
  run_inputs: RunInput[];
}

/** Asks to be told how far an operation comes. */
export interface WatchBulkOperationRequest {
  /** Which one. */
  bulk_operation_id: string;
}

/** Tells how far an operation has come. */
export interface WatchBulkOperationResponse {
  /** The operation; unset in a sign of life. */
  bulk_operation?: BulkOperation;
}

/** Asks to follow a flow run. */
export interface WatchFlowRunRequest {
  /** Which one. */
  flow_run_id: string;
  /** True: without its task runs. */
  without_task_runs: boolean;
}

/** What changed, or what is there at the start. */
export interface WatchFlowRunResponse {
  /** The flow run, if it changed. */
  flow_run?: FlowRun;
  /** The task runs that changed. */
  task_runs: TaskRun[];
  /** True once everything that was there at the start has been sent. */
  caught_up: boolean;
}

/** An address that other systems call. */
export interface Webhook {
  /** UUIDv7. */
  webhook_id: string;
  /** The name that people read. */
  name: string;
  /** What it is for. */
  description: string;
  /** The last part of its address, /hooks/<slug>; unique. Empty: the server makes one that nobody guesses. */
  slug: string;
  /** True: calls are refused. */
  paused: boolean;
  /** How it tells who calls. */
  authentication: WebhookAuthentication;
  /** The event that a call becomes. Templates see `request` (method, headers, query, body, text) and `webhook`. */
  template?: WebhookTemplate;
  /** A signed call that is older, or from so far in the future, is refused; a call that comes again within this time is the same event. Unset: 5 minutes. */
  replay_window?: string;
  /** The largest body, in bytes; 0 is 256 KiB. */
  most_bytes: number;
  /** How many calls a minute; 0 is 600. */
  most_per_minute: number;
  /** Who made it. */
  creator?: Creator;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** When it last took a call. */
  last_received_at?: string;
  /** How many calls it took. */
  received_count: string;
  /** What was wrong with the last call that it refused although its sender was known. */
  last_error: string;
  /** When that was. */
  last_error_at?: string;
  /** Whose question about the address is answered. */
  handshake: WebhookHandshake;
}

/** How a webhook tells who calls it. */
export type WebhookAuthentication =
  | "WEBHOOK_AUTHENTICATION_UNSPECIFIED"
  | "WEBHOOK_AUTHENTICATION_NONE"
  | "WEBHOOK_AUTHENTICATION_TOKEN"
  | "WEBHOOK_AUTHENTICATION_HEADRACE"
  | "WEBHOOK_AUTHENTICATION_GITHUB"
  | "WEBHOOK_AUTHENTICATION_STRIPE"
  | "WEBHOOK_AUTHENTICATION_SLACK";

/** Whose question is answered by which a sender finds out, before it sends anything, whether an address wants to be called. Such a call is answered as the sender wants it and becomes no event. */
export type WebhookHandshake =
  | "WEBHOOK_HANDSHAKE_UNSPECIFIED"
  | "WEBHOOK_HANDSHAKE_NONE"
  | "WEBHOOK_HANDSHAKE_SLACK"
  | "WEBHOOK_HANDSHAKE_META"
  | "WEBHOOK_HANDSHAKE_MICROSOFT_GRAPH"
  | "WEBHOOK_HANDSHAKE_EVENT_GRID"
  | "WEBHOOK_HANDSHAKE_DROPBOX";

/** What else an event concerns. */
export interface WebhookRelated {
  /** Its id, a template; if it renders as nothing, it is left out. */
  resource_id: string;
  /** Its role. */
  role: string;
  /** Its name, a template. */
  name: string;
}

/** The event that a call becomes. */
export interface WebhookTemplate {
  /** The event's name, a template. */
  event_name: string;
  /** What it is about, a template; empty: the webhook. */
  resource_id: string;
  /** The name of what it is about, a template. */
  resource_name: string;
  /** What else it concerns. */
  related: WebhookRelated[];
  /** Details; strings are templates. Unset: the body, if it is JSON or a form. */
  payload?: JsonObject;
  /** What names the call, a template, for example the header in which the sender numbers its calls: a second call of the same name within the replay window is the same event. */
  dedup_key: string;
}

/** Where due runs wait for workers of one kind. */
export interface WorkPool {
  /** UUIDv7. */
  work_pool_id: string;
  /** Unique in the workspace. */
  name: string;
  /** What it is for. */
  description: string;
  /** The kind of workers: "process", "docker", "kubernetes", ... */
  type: string;
  /** What workers start, with placeholders, and the JSON schema of the values for them: {"job_configuration": {...}, "variables": {...}}. */
  base_job_template?: JsonObject;
  /** True: nothing is claimed from it. */
  paused: boolean;
  /** How many runs at once; unset: any number. */
  concurrency_limit?: number;
  /** Slots that are taken. */
  active_slots: number;
  /** Whether it can run what waits in it. */
  status: WorkPoolStatus;
  /** The queue for runs that name none. */
  default_queue_id: string;
  /** How queues share the pool's workers. */
  queue_policy: QueuePolicy;
  /** How long infrastructure may take to start, at least a second; unset: as long as it takes. Then the attempt crashes, and the run goes on by its policy. */
  start_timeout?: string;
  /** Where code and results of its runs are kept. */
  storage_configuration?: JsonObject;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** Does something to a work pool. */
export interface WorkPoolAction {
  /** Which one; empty: the one that the event is about or concerns. */
  work_pool_name: string;
}

/** Whether a pool or a queue can run what waits in it. */
export type WorkPoolStatus =
  | "WORK_POOL_STATUS_UNSPECIFIED"
  | "WORK_POOL_STATUS_READY"
  | "WORK_POOL_STATUS_NOT_READY"
  | "WORK_POOL_STATUS_PAUSED";

/** A line in a work pool. */
export interface WorkQueue {
  /** UUIDv7. */
  work_queue_id: string;
  /** The pool. */
  work_pool_id: string;
  /** The pool's name. */
  work_pool_name: string;
  /** Unique in the pool. */
  name: string;
  /** What it is for. */
  description: string;
  /** 1 is served first. */
  priority: number;
  /** Its share with QUEUE_POLICY_WEIGHTED; 0 takes it from the priority. */
  weight: number;
  /** True: nothing is claimed from it. */
  paused: boolean;
  /** How many runs at once; unset: any number. */
  concurrency_limit?: number;
  /** Slots that are taken. */
  active_slots: number;
  /** Whether it can run what waits in it. */
  status: WorkPoolStatus;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
}

/** Does something to a work queue. */
export interface WorkQueueAction {
  /** Of which pool; empty: the queue that the event is about or concerns. */
  work_pool_name: string;
  /** Which queue of the pool. */
  work_queue_name: string;
}

/** A process that takes runs: a worker of a pool, or a process that serves deployments. */
export interface Worker {
  /** Identifies the process. */
  worker_id: string;
  /** The name that people read. */
  name: string;
  /** The pool; empty for a process that serves deployments. */
  work_pool_name: string;
  /** The deployments that it serves. */
  deployment_ids: string[];
  /** The kind: "process", "serve", ... */
  type: string;
  /** Whether it is there. */
  status: WorkerStatus;
  /** How many runs it takes at once. */
  capacity: number;
  /** Flow runs that it runs now. */
  flow_run_ids: string[];
  /** Key and value pairs that runs can ask for. */
  labels?: JsonObject;
  /** Its version of Headrace. */
  client_version: string;
  /** The machine that it runs on. */
  host: string;
  /** When it first came. */
  started_at?: string;
  /** When it was last heard of. */
  last_heartbeat_at?: string;
  /** The queues that it takes from; empty: all of the pool. */
  work_queue_names: string[];
  /** Why it shall take nothing new, as PauseWorker was told; empty if it may, or paused itself. */
  pause_reason: string;
}

/** Whether a worker is there. */
export type WorkerStatus =
  | "WORKER_STATUS_UNSPECIFIED"
  | "WORKER_STATUS_ONLINE"
  | "WORKER_STATUS_DRAINING"
  | "WORKER_STATUS_OFFLINE"
  | "WORKER_STATUS_PAUSED";

/** What belongs together and is kept apart from all else. */
export interface Workspace {
  /** UUIDv7. */
  workspace_id: string;
  /** The account that it is part of. */
  account_id: string;
  /** Unique; used in URLs. */
  handle: string;
  /** The name that people read. */
  name: string;
  /** What it is for. */
  description: string;
  /** When it was made. */
  created_at?: string;
  /** When it last changed. */
  updated_at?: string;
  /** How many calls it may make a second in each server process; 0 is as many as it likes. */
  calls_per_second: number | "NaN" | "Infinity" | "-Infinity";
  /** How many calls it may have in progress in each server process; 0 is as many as it likes. */
  concurrent_calls: number;
}

export interface googleapiHttpBody {
  content_type: string;
  data: string;
  extensions: googleprotobufAny[];
}

export interface googleprotobufAny {
  type_url: string;
  value: string;
}

/** Calls that are answered once. */
export interface Calls {
  CreateApiKey: { request: CreateApiKeyRequest; response: CreateApiKeyResponse };
  ListApiKeys: { request: ListApiKeysRequest; response: ListApiKeysResponse };
  RotateApiKey: { request: RotateApiKeyRequest; response: RotateApiKeyResponse };
  CreateRunToken: { request: CreateRunTokenRequest; response: CreateRunTokenResponse };
  RevokeApiKey: { request: RevokeApiKeyRequest; response: RevokeApiKeyResponse };
  CreateArtifact: { request: CreateArtifactRequest; response: CreateArtifactResponse };
  GetArtifact: { request: GetArtifactRequest; response: GetArtifactResponse };
  ListArtifacts: { request: ListArtifactsRequest; response: ListArtifactsResponse };
  UpdateArtifact: { request: UpdateArtifactRequest; response: UpdateArtifactResponse };
  DeleteArtifact: { request: DeleteArtifactRequest; response: DeleteArtifactResponse };
  RecordMaterializations: { request: RecordMaterializationsRequest; response: RecordMaterializationsResponse };
  GetAsset: { request: GetAssetRequest; response: GetAssetResponse };
  ListAssets: { request: ListAssetsRequest; response: ListAssetsResponse };
  ListMaterializations: { request: ListMaterializationsRequest; response: ListMaterializationsResponse };
  GetAssetLineage: { request: GetAssetLineageRequest; response: GetAssetLineageResponse };
  DeleteAsset: { request: DeleteAssetRequest; response: DeleteAssetResponse };
  ListAuditEntries: { request: ListAuditEntriesRequest; response: ListAuditEntriesResponse };
  GetAuditVerification: { request: GetAuditVerificationRequest; response: GetAuditVerificationResponse };
  CreateChannel: { request: CreateChannelRequest; response: CreateChannelResponse };
  GetChannel: { request: GetChannelRequest; response: GetChannelResponse };
  ListChannels: { request: ListChannelsRequest; response: ListChannelsResponse };
  UpdateChannel: { request: UpdateChannelRequest; response: UpdateChannelResponse };
  DeleteChannel: { request: DeleteChannelRequest; response: DeleteChannelResponse };
  TestChannel: { request: TestChannelRequest; response: TestChannelResponse };
  SendMessage: { request: SendMessageRequest; response: SendMessageResponse };
  GetChannelKinds: { request: GetChannelKindsRequest; response: GetChannelKindsResponse };
  RotateChannelSecrets: { request: RotateChannelSecretsRequest; response: RotateChannelSecretsResponse };
  EmitEvents: { request: EmitEventsRequest; response: EmitEventsResponse };
  GetEvent: { request: GetEventRequest; response: GetEventResponse };
  ListEvents: { request: ListEventsRequest; response: ListEventsResponse };
  CountEvents: { request: CountEventsRequest; response: CountEventsResponse };
  CreateAutomation: { request: CreateAutomationRequest; response: CreateAutomationResponse };
  GetAutomation: { request: GetAutomationRequest; response: GetAutomationResponse };
  ListAutomations: { request: ListAutomationsRequest; response: ListAutomationsResponse };
  UpdateAutomation: { request: UpdateAutomationRequest; response: UpdateAutomationResponse };
  DeleteAutomation: { request: DeleteAutomationRequest; response: DeleteAutomationResponse };
  TestAutomation: { request: TestAutomationRequest; response: TestAutomationResponse };
  ListDeliveries: { request: ListDeliveriesRequest; response: ListDeliveriesResponse };
  ResendDelivery: { request: ResendDeliveryRequest; response: ResendDeliveryResponse };
  RotateAutomationSecrets: { request: RotateAutomationSecretsRequest; response: RotateAutomationSecretsResponse };
  GetTaskRun: { request: GetTaskRunRequest; response: GetTaskRunResponse };
  ListTaskRuns: { request: ListTaskRunsRequest; response: ListTaskRunsResponse };
  CountTaskRuns: { request: CountTaskRunsRequest; response: CountTaskRunsResponse };
  ListTaskRunStates: { request: ListTaskRunStatesRequest; response: ListTaskRunStatesResponse };
  GetTaskRunState: { request: GetTaskRunStateRequest; response: GetTaskRunStateResponse };
  UpdateTaskRun: { request: UpdateTaskRunRequest; response: UpdateTaskRunResponse };
  DeleteTaskRun: { request: DeleteTaskRunRequest; response: DeleteTaskRunResponse };
  RecordTransitions: { request: RecordTransitionsRequest; response: RecordTransitionsResponse };
  RenewAttempts: { request: RenewAttemptsRequest; response: RenewAttemptsResponse };
  CreateFlowRun: { request: CreateFlowRunRequest; response: CreateFlowRunResponse };
  GetFlowRun: { request: GetFlowRunRequest; response: GetFlowRunResponse };
  BatchGetFlowRuns: { request: BatchGetFlowRunsRequest; response: BatchGetFlowRunsResponse };
  ListFlowRuns: { request: ListFlowRunsRequest; response: ListFlowRunsResponse };
  CountFlowRuns: { request: CountFlowRunsRequest; response: CountFlowRunsResponse };
  UpdateFlowRun: { request: UpdateFlowRunRequest; response: UpdateFlowRunResponse };
  DeleteFlowRun: { request: DeleteFlowRunRequest; response: DeleteFlowRunResponse };
  ProposeFlowRunState: { request: ProposeFlowRunStateRequest; response: ProposeFlowRunStateResponse };
  CancelFlowRun: { request: CancelFlowRunRequest; response: CancelFlowRunResponse };
  PauseFlowRun: { request: PauseFlowRunRequest; response: PauseFlowRunResponse };
  SuspendFlowRun: { request: SuspendFlowRunRequest; response: SuspendFlowRunResponse };
  ResumeFlowRun: { request: ResumeFlowRunRequest; response: ResumeFlowRunResponse };
  RetryFlowRun: { request: RetryFlowRunRequest; response: RetryFlowRunResponse };
  ListFlowRunStates: { request: ListFlowRunStatesRequest; response: ListFlowRunStatesResponse };
  GetFlowRunState: { request: GetFlowRunStateRequest; response: GetFlowRunStateResponse };
  ApplyDeployment: { request: ApplyDeploymentRequest; response: ApplyDeploymentResponse };
  GetDeployment: { request: GetDeploymentRequest; response: GetDeploymentResponse };
  GetDeploymentByName: { request: GetDeploymentByNameRequest; response: GetDeploymentByNameResponse };
  ListDeployments: { request: ListDeploymentsRequest; response: ListDeploymentsResponse };
  UpdateDeployment: { request: UpdateDeploymentRequest; response: UpdateDeploymentResponse };
  DeleteDeployment: { request: DeleteDeploymentRequest; response: DeleteDeploymentResponse };
  RunDeployment: { request: RunDeploymentRequest; response: RunDeploymentResponse };
  PauseDeployment: { request: PauseDeploymentRequest; response: PauseDeploymentResponse };
  ResumeDeployment: { request: ResumeDeploymentRequest; response: ResumeDeploymentResponse };
  CreateSchedule: { request: CreateScheduleRequest; response: CreateScheduleResponse };
  UpdateSchedule: { request: UpdateScheduleRequest; response: UpdateScheduleResponse };
  DeleteSchedule: { request: DeleteScheduleRequest; response: DeleteScheduleResponse };
  PreviewSchedule: { request: PreviewScheduleRequest; response: PreviewScheduleResponse };
  ListDeploymentVersions: { request: ListDeploymentVersionsRequest; response: ListDeploymentVersionsResponse };
  GetDeploymentVersion: { request: GetDeploymentVersionRequest; response: GetDeploymentVersionResponse };
  CompareDeploymentVersions: { request: CompareDeploymentVersionsRequest; response: CompareDeploymentVersionsResponse };
  RollBackDeployment: { request: RollBackDeploymentRequest; response: RollBackDeploymentResponse };
  PromoteDeploymentVersion: { request: PromoteDeploymentVersionRequest; response: PromoteDeploymentVersionResponse };
  MakeScheduledRuns: { request: MakeScheduledRunsRequest; response: MakeScheduledRunsResponse };
  RunDeploymentInBulk: { request: RunDeploymentInBulkRequest; response: RunDeploymentInBulkResponse };
  CreateBackfill: { request: CreateBackfillRequest; response: CreateBackfillResponse };
  GetBackfill: { request: GetBackfillRequest; response: GetBackfillResponse };
  ListBackfills: { request: ListBackfillsRequest; response: ListBackfillsResponse };
  ListBackfillRuns: { request: ListBackfillRunsRequest; response: ListBackfillRunsResponse };
  PauseBackfill: { request: PauseBackfillRequest; response: PauseBackfillResponse };
  ResumeBackfill: { request: ResumeBackfillRequest; response: ResumeBackfillResponse };
  CancelBackfill: { request: CancelBackfillRequest; response: CancelBackfillResponse };
  RetryBackfill: { request: RetryBackfillRequest; response: RetryBackfillResponse };
  CreateBackgroundTasks: { request: CreateBackgroundTasksRequest; response: CreateBackgroundTasksResponse };
  CancelBackgroundTask: { request: CancelBackgroundTaskRequest; response: CancelBackgroundTaskResponse };
  GetTaskServing: { request: GetTaskServingRequest; response: GetTaskServingResponse };
  RegisterBlockType: { request: RegisterBlockTypeRequest; response: RegisterBlockTypeResponse };
  GetBlockType: { request: GetBlockTypeRequest; response: GetBlockTypeResponse };
  ListBlockTypes: { request: ListBlockTypesRequest; response: ListBlockTypesResponse };
  ListBlockSchemas: { request: ListBlockSchemasRequest; response: ListBlockSchemasResponse };
  DeleteBlockSchema: { request: DeleteBlockSchemaRequest; response: DeleteBlockSchemaResponse };
  DeleteBlockType: { request: DeleteBlockTypeRequest; response: DeleteBlockTypeResponse };
  SaveBlock: { request: SaveBlockRequest; response: SaveBlockResponse };
  GetBlock: { request: GetBlockRequest; response: GetBlockResponse };
  ListBlocks: { request: ListBlocksRequest; response: ListBlocksResponse };
  DeleteBlock: { request: DeleteBlockRequest; response: DeleteBlockResponse };
  RotateBlockSecrets: { request: RotateBlockSecretsRequest; response: RotateBlockSecretsResponse };
  CreateBulkOperation: { request: CreateBulkOperationRequest; response: CreateBulkOperationResponse };
  GetBulkOperation: { request: GetBulkOperationRequest; response: GetBulkOperationResponse };
  ListBulkOperations: { request: ListBulkOperationsRequest; response: ListBulkOperationsResponse };
  CancelBulkOperation: { request: CancelBulkOperationRequest; response: CancelBulkOperationResponse };
  ApplyCalendar: { request: ApplyCalendarRequest; response: ApplyCalendarResponse };
  GetCalendar: { request: GetCalendarRequest; response: GetCalendarResponse };
  ListCalendars: { request: ListCalendarsRequest; response: ListCalendarsResponse };
  DeleteCalendar: { request: DeleteCalendarRequest; response: DeleteCalendarResponse };
  SetConcurrencyLimit: { request: SetConcurrencyLimitRequest; response: SetConcurrencyLimitResponse };
  GetConcurrencyLimit: { request: GetConcurrencyLimitRequest; response: GetConcurrencyLimitResponse };
  ListConcurrencyLimits: { request: ListConcurrencyLimitsRequest; response: ListConcurrencyLimitsResponse };
  DeleteConcurrencyLimit: { request: DeleteConcurrencyLimitRequest; response: DeleteConcurrencyLimitResponse };
  AcquireSlots: { request: AcquireSlotsRequest; response: AcquireSlotsResponse };
  RenewSlots: { request: RenewSlotsRequest; response: RenewSlotsResponse };
  EvictSlotHolder: { request: EvictSlotHolderRequest; response: EvictSlotHolderResponse };
  ReleaseSlots: { request: ReleaseSlotsRequest; response: ReleaseSlotsResponse };
  ListChannelDeliveries: { request: ListChannelDeliveriesRequest; response: ListChannelDeliveriesResponse };
  GetChannelDelivery: { request: GetChannelDeliveryRequest; response: GetChannelDeliveryResponse };
  ResendChannelDelivery: { request: ResendChannelDeliveryRequest; response: ResendChannelDeliveryResponse };
  AcknowledgeChannelDelivery: { request: AcknowledgeChannelDeliveryRequest; response: AcknowledgeChannelDeliveryResponse };
  GetAcknowledgement: { request: GetAcknowledgementRequest; response: GetAcknowledgementResponse };
  AcknowledgeByLink: { request: AcknowledgeByLinkRequest; response: AcknowledgeByLinkResponse };
  ExplainFlowRun: { request: ExplainFlowRunRequest; response: ExplainFlowRunResponse };
  CreateFlow: { request: CreateFlowRequest; response: CreateFlowResponse };
  GetFlow: { request: GetFlowRequest; response: GetFlowResponse };
  ListFlows: { request: ListFlowsRequest; response: ListFlowsResponse };
  UpdateFlow: { request: UpdateFlowRequest; response: UpdateFlowResponse };
  DeleteFlow: { request: DeleteFlowRequest; response: DeleteFlowResponse };
  SetIdentityProvider: { request: SetIdentityProviderRequest; response: SetIdentityProviderResponse };
  GetIdentityProvider: { request: GetIdentityProviderRequest; response: GetIdentityProviderResponse };
  ListIdentityProviders: { request: ListIdentityProvidersRequest; response: ListIdentityProvidersResponse };
  DeleteIdentityProvider: { request: DeleteIdentityProviderRequest; response: DeleteIdentityProviderResponse };
  RotateIdentitySecrets: { request: RotateIdentitySecretsRequest; response: RotateIdentitySecretsResponse };
  CreateUser: { request: CreateUserRequest; response: CreateUserResponse };
  GetUser: { request: GetUserRequest; response: GetUserResponse };
  ListUsers: { request: ListUsersRequest; response: ListUsersResponse };
  UpdateUser: { request: UpdateUserRequest; response: UpdateUserResponse };
  DeleteUser: { request: DeleteUserRequest; response: DeleteUserResponse };
  CreateInvitation: { request: CreateInvitationRequest; response: CreateInvitationResponse };
  ListInvitations: { request: ListInvitationsRequest; response: ListInvitationsResponse };
  DeleteInvitation: { request: DeleteInvitationRequest; response: DeleteInvitationResponse };
  AcceptInvitation: { request: AcceptInvitationRequest; response: AcceptInvitationResponse };
  SetUpAccount: { request: SetUpAccountRequest; response: SetUpAccountResponse };
  AppendLogs: { request: AppendLogsRequest; response: AppendLogsResponse };
  ListLogs: { request: ListLogsRequest; response: ListLogsResponse };
  GetLogHistogram: { request: GetLogHistogramRequest; response: GetLogHistogramResponse };
  GetLogSettings: { request: GetLogSettingsRequest; response: GetLogSettingsResponse };
  SetLogLimits: { request: SetLogLimitsRequest; response: SetLogLimitsResponse };
  SetLogRetentionRule: { request: SetLogRetentionRuleRequest; response: SetLogRetentionRuleResponse };
  DeleteLogRetentionRule: { request: DeleteLogRetentionRuleRequest; response: DeleteLogRetentionRuleResponse };
  ListLogSinks: { request: ListLogSinksRequest; response: ListLogSinksResponse };
  SetLogSink: { request: SetLogSinkRequest; response: SetLogSinkResponse };
  DeleteLogSink: { request: DeleteLogSinkRequest; response: DeleteLogSinkResponse };
  CreateNotificationPolicy: { request: CreateNotificationPolicyRequest; response: CreateNotificationPolicyResponse };
  GetNotificationPolicy: { request: GetNotificationPolicyRequest; response: GetNotificationPolicyResponse };
  ListNotificationPolicies: { request: ListNotificationPoliciesRequest; response: ListNotificationPoliciesResponse };
  UpdateNotificationPolicy: { request: UpdateNotificationPolicyRequest; response: UpdateNotificationPolicyResponse };
  DeleteNotificationPolicy: { request: DeleteNotificationPolicyRequest; response: DeleteNotificationPolicyResponse };
  GetRetentionRules: { request: GetRetentionRulesRequest; response: GetRetentionRulesResponse };
  SetRetentionRule: { request: SetRetentionRuleRequest; response: SetRetentionRuleResponse };
  DeleteRetentionRule: { request: DeleteRetentionRuleRequest; response: DeleteRetentionRuleResponse };
  GetTableSizes: { request: GetTableSizesRequest; response: GetTableSizesResponse };
  CreateRole: { request: CreateRoleRequest; response: CreateRoleResponse };
  GetRole: { request: GetRoleRequest; response: GetRoleResponse };
  ListRoles: { request: ListRolesRequest; response: ListRolesResponse };
  UpdateRole: { request: UpdateRoleRequest; response: UpdateRoleResponse };
  DeleteRole: { request: DeleteRoleRequest; response: DeleteRoleResponse };
  AssignRole: { request: AssignRoleRequest; response: AssignRoleResponse };
  ListRoleAssignments: { request: ListRoleAssignmentsRequest; response: ListRoleAssignmentsResponse };
  UnassignRole: { request: UnassignRoleRequest; response: UnassignRoleResponse };
  ImportRuns: { request: ImportRunsRequest; response: ImportRunsResponse };
  CreateRunInput: { request: CreateRunInputRequest; response: CreateRunInputResponse };
  GetRunInput: { request: GetRunInputRequest; response: GetRunInputResponse };
  ListRunInputs: { request: ListRunInputsRequest; response: ListRunInputsResponse };
  WaitForRunInputs: { request: WaitForRunInputsRequest; response: WaitForRunInputsResponse };
  DeleteRunInput: { request: DeleteRunInputRequest; response: DeleteRunInputResponse };
  GetFlowRunHistogram: { request: GetFlowRunHistogramRequest; response: GetFlowRunHistogramResponse };
  GetTaskRunHistogram: { request: GetTaskRunHistogramRequest; response: GetTaskRunHistogramResponse };
  SampleFlowRuns: { request: SampleFlowRunsRequest; response: SampleFlowRunsResponse };
  GetFlowRunLateness: { request: GetFlowRunLatenessRequest; response: GetFlowRunLatenessResponse };
  GetLastFlowRuns: { request: GetLastFlowRunsRequest; response: GetLastFlowRunsResponse };
  GetFlowRunGraph: { request: GetFlowRunGraphRequest; response: GetFlowRunGraphResponse };
  CreateRunNote: { request: CreateRunNoteRequest; response: CreateRunNoteResponse };
  ListRunNotes: { request: ListRunNotesRequest; response: ListRunNotesResponse };
  DeleteRunNote: { request: DeleteRunNoteRequest; response: DeleteRunNoteResponse };
  CreateServiceAccount: { request: CreateServiceAccountRequest; response: CreateServiceAccountResponse };
  GetServiceAccount: { request: GetServiceAccountRequest; response: GetServiceAccountResponse };
  ListServiceAccounts: { request: ListServiceAccountsRequest; response: ListServiceAccountsResponse };
  UpdateServiceAccount: { request: UpdateServiceAccountRequest; response: UpdateServiceAccountResponse };
  DeleteServiceAccount: { request: DeleteServiceAccountRequest; response: DeleteServiceAccountResponse };
  SetServiceLevels: { request: SetServiceLevelsRequest; response: SetServiceLevelsResponse };
  GetServiceLevels: { request: GetServiceLevelsRequest; response: GetServiceLevelsResponse };
  GetSignInOptions: { request: GetSignInOptionsRequest; response: GetSignInOptionsResponse };
  SignIn: { request: SignInRequest; response: SignInResponse };
  BeginProviderSignIn: { request: BeginProviderSignInRequest; response: BeginProviderSignInResponse };
  CompleteProviderSignIn: { request: CompleteProviderSignInRequest; response: CompleteProviderSignInResponse };
  SignOut: { request: SignOutRequest; response: SignOutResponse };
  ListSessions: { request: ListSessionsRequest; response: ListSessionsResponse };
  DeleteSession: { request: DeleteSessionRequest; response: DeleteSessionResponse };
  SetPassword: { request: SetPasswordRequest; response: SetPasswordResponse };
  BeginTotp: { request: BeginTotpRequest; response: BeginTotpResponse };
  ConfirmTotp: { request: ConfirmTotpRequest; response: ConfirmTotpResponse };
  RemoveTotp: { request: RemoveTotpRequest; response: RemoveTotpResponse };
  BeginDeviceSignIn: { request: BeginDeviceSignInRequest; response: BeginDeviceSignInResponse };
  GetDeviceSignIn: { request: GetDeviceSignInRequest; response: GetDeviceSignInResponse };
  DecideDeviceSignIn: { request: DecideDeviceSignInRequest; response: DecideDeviceSignInResponse };
  CollectDeviceSignIn: { request: CollectDeviceSignInRequest; response: CollectDeviceSignInResponse };
  GetSystem: { request: GetSystemRequest; response: GetSystemResponse };
  GetServerSettings: { request: GetServerSettingsRequest; response: GetServerSettingsResponse };
  CreateTeam: { request: CreateTeamRequest; response: CreateTeamResponse };
  GetTeam: { request: GetTeamRequest; response: GetTeamResponse };
  ListTeams: { request: ListTeamsRequest; response: ListTeamsResponse };
  UpdateTeam: { request: UpdateTeamRequest; response: UpdateTeamResponse };
  DeleteTeam: { request: DeleteTeamRequest; response: DeleteTeamResponse };
  ListTeamMembers: { request: ListTeamMembersRequest; response: ListTeamMembersResponse };
  ChangeTeamMembers: { request: ChangeTeamMembersRequest; response: ChangeTeamMembersResponse };
  SetVariable: { request: SetVariableRequest; response: SetVariableResponse };
  GetVariable: { request: GetVariableRequest; response: GetVariableResponse };
  ListVariables: { request: ListVariablesRequest; response: ListVariablesResponse };
  DeleteVariable: { request: DeleteVariableRequest; response: DeleteVariableResponse };
  CreateWebhook: { request: CreateWebhookRequest; response: CreateWebhookResponse };
  GetWebhook: { request: GetWebhookRequest; response: GetWebhookResponse };
  ListWebhooks: { request: ListWebhooksRequest; response: ListWebhooksResponse };
  UpdateWebhook: { request: UpdateWebhookRequest; response: UpdateWebhookResponse };
  DeleteWebhook: { request: DeleteWebhookRequest; response: DeleteWebhookResponse };
  RotateWebhookSecret: { request: RotateWebhookSecretRequest; response: RotateWebhookSecretResponse };
  ReceiveWebhook: { request: ReceiveWebhookRequest; response: ReceiveWebhookResponse };
  CreateWorkPool: { request: CreateWorkPoolRequest; response: CreateWorkPoolResponse };
  GetWorkPool: { request: GetWorkPoolRequest; response: GetWorkPoolResponse };
  ListWorkPools: { request: ListWorkPoolsRequest; response: ListWorkPoolsResponse };
  UpdateWorkPool: { request: UpdateWorkPoolRequest; response: UpdateWorkPoolResponse };
  DeleteWorkPool: { request: DeleteWorkPoolRequest; response: DeleteWorkPoolResponse };
  CreateWorkQueue: { request: CreateWorkQueueRequest; response: CreateWorkQueueResponse };
  GetWorkQueue: { request: GetWorkQueueRequest; response: GetWorkQueueResponse };
  ListWorkQueues: { request: ListWorkQueuesRequest; response: ListWorkQueuesResponse };
  UpdateWorkQueue: { request: UpdateWorkQueueRequest; response: UpdateWorkQueueResponse };
  DeleteWorkQueue: { request: DeleteWorkQueueRequest; response: DeleteWorkQueueResponse };
  ListWorkers: { request: ListWorkersRequest; response: ListWorkersResponse };
  GetDefaultBaseJobTemplate: { request: GetDefaultBaseJobTemplateRequest; response: GetDefaultBaseJobTemplateResponse };
  DrainWorker: { request: DrainWorkerRequest; response: DrainWorkerResponse };
  PauseWorker: { request: PauseWorkerRequest; response: PauseWorkerResponse };
  PollWork: { request: PollWorkRequest; response: PollWorkResponse };
  DeleteWorker: { request: DeleteWorkerRequest; response: DeleteWorkerResponse };
  ResumeWorker: { request: ResumeWorkerRequest; response: ResumeWorkerResponse };
  CreateWorkspace: { request: CreateWorkspaceRequest; response: CreateWorkspaceResponse };
  GetWorkspace: { request: GetWorkspaceRequest; response: GetWorkspaceResponse };
  ListWorkspaces: { request: ListWorkspacesRequest; response: ListWorkspacesResponse };
  UpdateWorkspace: { request: UpdateWorkspaceRequest; response: UpdateWorkspaceResponse };
  GetCaller: { request: GetCallerRequest; response: GetCallerResponse };
}

/** Calls that are answered by a stream. */
export interface Streams {
  FollowAuditEntries: { request: FollowAuditEntriesRequest; response: FollowAuditEntriesResponse };
  FollowEvents: { request: FollowEventsRequest; response: FollowEventsResponse };
  WatchFlowRun: { request: WatchFlowRunRequest; response: WatchFlowRunResponse };
  FollowFlowRuns: { request: FollowFlowRunsRequest; response: FollowFlowRunsResponse };
  FollowBackgroundTasks: { request: FollowBackgroundTasksRequest; response: FollowBackgroundTasksResponse };
  WatchBulkOperation: { request: WatchBulkOperationRequest; response: WatchBulkOperationResponse };
  DownloadLogs: { request: DownloadLogsRequest; response: googleapiHttpBody };
  FollowLogs: { request: FollowLogsRequest; response: FollowLogsResponse };
}

export interface Route {
  verb: string;
  path: string;
  body: boolean;
}

/** The HTTP form of each call. */
export const routes: Record<keyof Calls | keyof Streams, Route> = {
  CreateApiKey: { verb: "POST", path: "/v1/api-keys", body: true },
  ListApiKeys: { verb: "GET", path: "/v1/api-keys", body: false },
  RotateApiKey: { verb: "POST", path: "/v1/api-keys/{api_key_id}:rotate", body: true },
  CreateRunToken: { verb: "POST", path: "/v1/run-tokens", body: true },
  RevokeApiKey: { verb: "POST", path: "/v1/api-keys/{api_key_id}:revoke", body: true },
  CreateArtifact: { verb: "POST", path: "/v1/artifacts", body: true },
  GetArtifact: { verb: "GET", path: "/v1/artifacts/{artifact_id}", body: false },
  ListArtifacts: { verb: "POST", path: "/v1/artifacts:search", body: true },
  UpdateArtifact: { verb: "PATCH", path: "/v1/artifacts/{artifact.artifact_id}", body: true },
  DeleteArtifact: { verb: "DELETE", path: "/v1/artifacts/{artifact_id}", body: false },
  RecordMaterializations: { verb: "POST", path: "/v1/asset-materializations:record", body: true },
  GetAsset: { verb: "GET", path: "/v1/assets/{asset_id}", body: false },
  ListAssets: { verb: "POST", path: "/v1/assets:search", body: true },
  ListMaterializations: { verb: "POST", path: "/v1/asset-materializations:search", body: true },
  GetAssetLineage: { verb: "GET", path: "/v1/assets/{asset_id}/lineage", body: false },
  DeleteAsset: { verb: "DELETE", path: "/v1/assets/{asset_id}", body: false },
  ListAuditEntries: { verb: "GET", path: "/v1/audit-entries", body: false },
  FollowAuditEntries: { verb: "GET", path: "/v1/audit-entries:follow", body: false },
  GetAuditVerification: { verb: "GET", path: "/v1/audit-entries:verify", body: false },
  CreateChannel: { verb: "POST", path: "/v1/channels", body: true },
  GetChannel: { verb: "GET", path: "/v1/channels/{channel}", body: false },
  ListChannels: { verb: "GET", path: "/v1/channels", body: false },
  UpdateChannel: { verb: "PATCH", path: "/v1/channels/{channel.channel_id}", body: true },
  DeleteChannel: { verb: "DELETE", path: "/v1/channels/{channel_id}", body: false },
  TestChannel: { verb: "POST", path: "/v1/channels/{channel_id}:test", body: true },
  SendMessage: { verb: "POST", path: "/v1/channels/{channel_id}:send", body: true },
  GetChannelKinds: { verb: "GET", path: "/v1/channel-kinds", body: false },
  RotateChannelSecrets: { verb: "POST", path: "/v1/channel-secrets:rotate", body: true },
  EmitEvents: { verb: "POST", path: "/v1/events", body: true },
  GetEvent: { verb: "GET", path: "/v1/events/{event_id}", body: false },
  ListEvents: { verb: "POST", path: "/v1/events:search", body: true },
  CountEvents: { verb: "POST", path: "/v1/events:count", body: true },
  FollowEvents: { verb: "POST", path: "/v1/events:follow", body: true },
  CreateAutomation: { verb: "POST", path: "/v1/automations", body: true },
  GetAutomation: { verb: "GET", path: "/v1/automations/{automation_id}", body: false },
  ListAutomations: { verb: "GET", path: "/v1/automations", body: false },
  UpdateAutomation: { verb: "PATCH", path: "/v1/automations/{automation.automation_id}", body: true },
  DeleteAutomation: { verb: "DELETE", path: "/v1/automations/{automation_id}", body: false },
  TestAutomation: { verb: "POST", path: "/v1/automations:test", body: true },
  ListDeliveries: { verb: "GET", path: "/v1/deliveries", body: false },
  ResendDelivery: { verb: "POST", path: "/v1/deliveries/{delivery_id}:resend", body: true },
  RotateAutomationSecrets: { verb: "POST", path: "/v1/automation-secrets:rotate", body: true },
  GetTaskRun: { verb: "GET", path: "/v1/task-runs/{task_run_id}", body: false },
  ListTaskRuns: { verb: "POST", path: "/v1/task-runs:search", body: true },
  CountTaskRuns: { verb: "POST", path: "/v1/task-runs:count", body: true },
  ListTaskRunStates: { verb: "GET", path: "/v1/task-runs/{task_run_id}/states", body: false },
  GetTaskRunState: { verb: "GET", path: "/v1/task-run-states/{state_id}", body: false },
  UpdateTaskRun: { verb: "PATCH", path: "/v1/task-runs/{task_run.task_run_id}", body: true },
  DeleteTaskRun: { verb: "DELETE", path: "/v1/task-runs/{task_run_id}", body: false },
  RecordTransitions: { verb: "POST", path: "/v1/task-runs:record", body: true },
  RenewAttempts: { verb: "POST", path: "/v1/flow-runs:renewAttempts", body: true },
  CreateFlowRun: { verb: "POST", path: "/v1/flow-runs", body: true },
  GetFlowRun: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}", body: false },
  BatchGetFlowRuns: { verb: "POST", path: "/v1/flow-runs:batchGet", body: true },
  ListFlowRuns: { verb: "POST", path: "/v1/flow-runs:search", body: true },
  CountFlowRuns: { verb: "POST", path: "/v1/flow-runs:count", body: true },
  UpdateFlowRun: { verb: "PATCH", path: "/v1/flow-runs/{flow_run.flow_run_id}", body: true },
  DeleteFlowRun: { verb: "DELETE", path: "/v1/flow-runs/{flow_run_id}", body: false },
  ProposeFlowRunState: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}:propose", body: true },
  CancelFlowRun: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}:cancel", body: true },
  PauseFlowRun: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}:pause", body: true },
  SuspendFlowRun: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}:suspend", body: true },
  ResumeFlowRun: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}:resume", body: true },
  RetryFlowRun: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}:retry", body: true },
  ListFlowRunStates: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}/states", body: false },
  GetFlowRunState: { verb: "GET", path: "/v1/flow-run-states/{state_id}", body: false },
  WatchFlowRun: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}:watch", body: false },
  FollowFlowRuns: { verb: "POST", path: "/v1/flow-runs:follow", body: true },
  ApplyDeployment: { verb: "POST", path: "/v1/deployments", body: true },
  GetDeployment: { verb: "GET", path: "/v1/deployments/{deployment_id}", body: false },
  GetDeploymentByName: { verb: "GET", path: "/v1/deployments/by-name/{flow_name}/{deployment_name}", body: false },
  ListDeployments: { verb: "POST", path: "/v1/deployments:search", body: true },
  UpdateDeployment: { verb: "PATCH", path: "/v1/deployments/{deployment.deployment_id}", body: true },
  DeleteDeployment: { verb: "DELETE", path: "/v1/deployments/{deployment_id}", body: false },
  RunDeployment: { verb: "POST", path: "/v1/deployments/{deployment_id}:run", body: true },
  PauseDeployment: { verb: "POST", path: "/v1/deployments/{deployment_id}:pause", body: true },
  ResumeDeployment: { verb: "POST", path: "/v1/deployments/{deployment_id}:resume", body: true },
  CreateSchedule: { verb: "POST", path: "/v1/deployments/{deployment_id}/schedules", body: true },
  UpdateSchedule: { verb: "PATCH", path: "/v1/schedules/{schedule.schedule_id}", body: true },
  DeleteSchedule: { verb: "DELETE", path: "/v1/schedules/{schedule_id}", body: false },
  PreviewSchedule: { verb: "POST", path: "/v1/schedules:preview", body: true },
  ListDeploymentVersions: { verb: "GET", path: "/v1/deployments/{deployment_id}/versions", body: false },
  GetDeploymentVersion: { verb: "GET", path: "/v1/deployments/{deployment_id}/versions/{number}", body: false },
  CompareDeploymentVersions: { verb: "GET", path: "/v1/deployments/{deployment_id}/versions:compare", body: false },
  RollBackDeployment: { verb: "POST", path: "/v1/deployments/{deployment_id}:rollBack", body: true },
  PromoteDeploymentVersion: { verb: "POST", path: "/v1/deployments/{deployment_id}/versions/{number}:promote", body: true },
  MakeScheduledRuns: { verb: "POST", path: "/v1/deployments/{deployment_id}:makeScheduledRuns", body: true },
  RunDeploymentInBulk: { verb: "POST", path: "/v1/deployments/{deployment_id}:runInBulk", body: true },
  CreateBackfill: { verb: "POST", path: "/v1/backfills", body: true },
  GetBackfill: { verb: "GET", path: "/v1/backfills/{backfill_id}", body: false },
  ListBackfills: { verb: "GET", path: "/v1/backfills", body: false },
  ListBackfillRuns: { verb: "GET", path: "/v1/backfills/{backfill_id}/runs", body: false },
  PauseBackfill: { verb: "POST", path: "/v1/backfills/{backfill_id}:pause", body: true },
  ResumeBackfill: { verb: "POST", path: "/v1/backfills/{backfill_id}:resume", body: true },
  CancelBackfill: { verb: "POST", path: "/v1/backfills/{backfill_id}:cancel", body: true },
  RetryBackfill: { verb: "POST", path: "/v1/backfills/{backfill_id}:retry", body: true },
  CreateBackgroundTasks: { verb: "POST", path: "/v1/background-tasks", body: true },
  CancelBackgroundTask: { verb: "POST", path: "/v1/background-tasks/{task_run_id}:cancel", body: true },
  FollowBackgroundTasks: { verb: "GET", path: "/v1/background-tasks:follow", body: false },
  GetTaskServing: { verb: "GET", path: "/v1/task-serving", body: false },
  RegisterBlockType: { verb: "PUT", path: "/v1/block-types/{slug}", body: true },
  GetBlockType: { verb: "GET", path: "/v1/block-types/{slug}", body: false },
  ListBlockTypes: { verb: "GET", path: "/v1/block-types", body: false },
  ListBlockSchemas: { verb: "POST", path: "/v1/block-schemas:search", body: true },
  DeleteBlockSchema: { verb: "DELETE", path: "/v1/block-schemas/{block_schema_id}", body: false },
  DeleteBlockType: { verb: "DELETE", path: "/v1/block-types/{slug}", body: false },
  SaveBlock: { verb: "PUT", path: "/v1/blocks/{type_slug}/{name}", body: true },
  GetBlock: { verb: "GET", path: "/v1/blocks/{type_slug}/{name}", body: false },
  ListBlocks: { verb: "GET", path: "/v1/blocks", body: false },
  DeleteBlock: { verb: "DELETE", path: "/v1/blocks/{type_slug}/{name}", body: false },
  RotateBlockSecrets: { verb: "POST", path: "/v1/block-secrets:rotate", body: true },
  CreateBulkOperation: { verb: "POST", path: "/v1/bulk-operations", body: true },
  GetBulkOperation: { verb: "GET", path: "/v1/bulk-operations/{bulk_operation_id}", body: false },
  WatchBulkOperation: { verb: "GET", path: "/v1/bulk-operations/{bulk_operation_id}:watch", body: false },
  ListBulkOperations: { verb: "GET", path: "/v1/bulk-operations", body: false },
  CancelBulkOperation: { verb: "POST", path: "/v1/bulk-operations/{bulk_operation_id}:cancel", body: true },
  ApplyCalendar: { verb: "POST", path: "/v1/calendars", body: true },
  GetCalendar: { verb: "GET", path: "/v1/calendars/{name}", body: false },
  ListCalendars: { verb: "GET", path: "/v1/calendars", body: false },
  DeleteCalendar: { verb: "DELETE", path: "/v1/calendars/{name}", body: false },
  SetConcurrencyLimit: { verb: "PUT", path: "/v1/concurrency-limits/{name}", body: true },
  GetConcurrencyLimit: { verb: "GET", path: "/v1/concurrency-limits/{name}", body: false },
  ListConcurrencyLimits: { verb: "GET", path: "/v1/concurrency-limits", body: false },
  DeleteConcurrencyLimit: { verb: "DELETE", path: "/v1/concurrency-limits/{name}", body: false },
  AcquireSlots: { verb: "POST", path: "/v1/concurrency-limits:acquire", body: true },
  RenewSlots: { verb: "POST", path: "/v1/concurrency-leases/{lease_id}:renew", body: true },
  EvictSlotHolder: { verb: "POST", path: "/v1/concurrency-limits/{name}/holders/{lease_id}:evict", body: true },
  ReleaseSlots: { verb: "POST", path: "/v1/concurrency-leases/{lease_id}:release", body: true },
  ListChannelDeliveries: { verb: "GET", path: "/v1/channel-deliveries", body: false },
  GetChannelDelivery: { verb: "GET", path: "/v1/channel-deliveries/{channel_delivery_id}", body: false },
  ResendChannelDelivery: { verb: "POST", path: "/v1/channel-deliveries/{channel_delivery_id}:resend", body: true },
  AcknowledgeChannelDelivery: { verb: "POST", path: "/v1/channel-deliveries/{channel_delivery_id}:acknowledge", body: true },
  GetAcknowledgement: { verb: "GET", path: "/v1/acknowledgements/{token}", body: false },
  AcknowledgeByLink: { verb: "POST", path: "/v1/acknowledgements/{token}", body: true },
  ExplainFlowRun: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}:explain", body: false },
  CreateFlow: { verb: "POST", path: "/v1/flows", body: true },
  GetFlow: { verb: "GET", path: "/v1/flows/{flow_id}", body: false },
  ListFlows: { verb: "POST", path: "/v1/flows:search", body: true },
  UpdateFlow: { verb: "PATCH", path: "/v1/flows/{flow.flow_id}", body: true },
  DeleteFlow: { verb: "DELETE", path: "/v1/flows/{flow_id}", body: false },
  SetIdentityProvider: { verb: "PUT", path: "/v1/identity-providers/{provider.handle}", body: true },
  GetIdentityProvider: { verb: "GET", path: "/v1/identity-providers/{handle}", body: false },
  ListIdentityProviders: { verb: "GET", path: "/v1/identity-providers", body: false },
  DeleteIdentityProvider: { verb: "DELETE", path: "/v1/identity-providers/{handle}", body: false },
  RotateIdentitySecrets: { verb: "POST", path: "/v1/identity-secrets:rotate", body: true },
  CreateUser: { verb: "POST", path: "/v1/users", body: true },
  GetUser: { verb: "GET", path: "/v1/users/{user}", body: false },
  ListUsers: { verb: "GET", path: "/v1/users", body: false },
  UpdateUser: { verb: "PATCH", path: "/v1/users/{user.user_id}", body: true },
  DeleteUser: { verb: "DELETE", path: "/v1/users/{user_id}", body: false },
  CreateInvitation: { verb: "POST", path: "/v1/invitations", body: true },
  ListInvitations: { verb: "GET", path: "/v1/invitations", body: false },
  DeleteInvitation: { verb: "DELETE", path: "/v1/invitations/{invitation_id}", body: false },
  AcceptInvitation: { verb: "POST", path: "/v1/invitations:accept", body: true },
  SetUpAccount: { verb: "POST", path: "/v1/setup", body: true },
  AppendLogs: { verb: "POST", path: "/v1/logs", body: true },
  ListLogs: { verb: "POST", path: "/v1/logs:search", body: true },
  GetLogHistogram: { verb: "POST", path: "/v1/logs:histogram", body: true },
  DownloadLogs: { verb: "POST", path: "/v1/logs:download", body: true },
  FollowLogs: { verb: "POST", path: "/v1/logs:follow", body: true },
  GetLogSettings: { verb: "GET", path: "/v1/log-settings", body: false },
  SetLogLimits: { verb: "PUT", path: "/v1/log-settings/limits", body: true },
  SetLogRetentionRule: { verb: "PUT", path: "/v1/log-settings/retention-rules", body: true },
  DeleteLogRetentionRule: { verb: "DELETE", path: "/v1/log-settings/retention-rules", body: false },
  ListLogSinks: { verb: "GET", path: "/v1/log-sinks", body: false },
  SetLogSink: { verb: "PUT", path: "/v1/log-sinks/{log_sink.name}", body: true },
  DeleteLogSink: { verb: "DELETE", path: "/v1/log-sinks/{name}", body: false },
  CreateNotificationPolicy: { verb: "POST", path: "/v1/notification-policies", body: true },
  GetNotificationPolicy: { verb: "GET", path: "/v1/notification-policies/{notification_policy_id}", body: false },
  ListNotificationPolicies: { verb: "GET", path: "/v1/notification-policies", body: false },
  UpdateNotificationPolicy: { verb: "PATCH", path: "/v1/notification-policies/{notification_policy.notification_policy_id}", body: true },
  DeleteNotificationPolicy: { verb: "DELETE", path: "/v1/notification-policies/{notification_policy_id}", body: false },
  GetRetentionRules: { verb: "GET", path: "/v1/retention-rules", body: false },
  SetRetentionRule: { verb: "PUT", path: "/v1/retention-rules", body: true },
  DeleteRetentionRule: { verb: "DELETE", path: "/v1/retention-rules", body: false },
  GetTableSizes: { verb: "GET", path: "/v1/table-sizes", body: false },
  CreateRole: { verb: "POST", path: "/v1/roles", body: true },
  GetRole: { verb: "GET", path: "/v1/roles/{handle}", body: false },
  ListRoles: { verb: "GET", path: "/v1/roles", body: false },
  UpdateRole: { verb: "PATCH", path: "/v1/roles/{role.handle}", body: true },
  DeleteRole: { verb: "DELETE", path: "/v1/roles/{handle}", body: false },
  AssignRole: { verb: "POST", path: "/v1/role-assignments", body: true },
  ListRoleAssignments: { verb: "GET", path: "/v1/role-assignments", body: false },
  UnassignRole: { verb: "DELETE", path: "/v1/role-assignments/{role_assignment_id}", body: false },
  ImportRuns: { verb: "POST", path: "/v1/runs:import", body: true },
  CreateRunInput: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}/inputs", body: true },
  GetRunInput: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}/inputs/{key}", body: false },
  ListRunInputs: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}/inputs", body: false },
  WaitForRunInputs: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}/inputs:wait", body: true },
  DeleteRunInput: { verb: "DELETE", path: "/v1/flow-runs/{flow_run_id}/inputs/{key}", body: false },
  GetFlowRunHistogram: { verb: "POST", path: "/v1/flow-runs:histogram", body: true },
  GetTaskRunHistogram: { verb: "POST", path: "/v1/task-runs:histogram", body: true },
  SampleFlowRuns: { verb: "POST", path: "/v1/flow-runs:sample", body: true },
  GetFlowRunLateness: { verb: "POST", path: "/v1/flow-runs:lateness", body: true },
  GetLastFlowRuns: { verb: "POST", path: "/v1/flow-runs:last", body: true },
  GetFlowRunGraph: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}/graph", body: false },
  CreateRunNote: { verb: "POST", path: "/v1/flow-runs/{flow_run_id}/notes", body: true },
  ListRunNotes: { verb: "GET", path: "/v1/flow-runs/{flow_run_id}/notes", body: false },
  DeleteRunNote: { verb: "DELETE", path: "/v1/flow-runs/{flow_run_id}/notes/{run_note_id}", body: false },
  CreateServiceAccount: { verb: "POST", path: "/v1/service-accounts", body: true },
  GetServiceAccount: { verb: "GET", path: "/v1/service-accounts/{service_account}", body: false },
  ListServiceAccounts: { verb: "GET", path: "/v1/service-accounts", body: false },
  UpdateServiceAccount: { verb: "PATCH", path: "/v1/service-accounts/{service_account.service_account_id}", body: true },
  DeleteServiceAccount: { verb: "DELETE", path: "/v1/service-accounts/{service_account_id}", body: false },
  SetServiceLevels: { verb: "PUT", path: "/v1/deployments/{deployment_id}/service-levels", body: true },
  GetServiceLevels: { verb: "GET", path: "/v1/deployments/{deployment_id}/service-levels", body: false },
  GetSignInOptions: { verb: "GET", path: "/v1/sign-in-options", body: false },
  SignIn: { verb: "POST", path: "/v1/sign-in", body: true },
  BeginProviderSignIn: { verb: "POST", path: "/v1/sign-in:begin", body: true },
  CompleteProviderSignIn: { verb: "POST", path: "/v1/sign-in:complete", body: true },
  SignOut: { verb: "POST", path: "/v1/sign-out", body: true },
  ListSessions: { verb: "GET", path: "/v1/sessions", body: false },
  DeleteSession: { verb: "DELETE", path: "/v1/sessions/{session_id}", body: false },
  SetPassword: { verb: "POST", path: "/v1/password", body: true },
  BeginTotp: { verb: "POST", path: "/v1/totp:begin", body: true },
  ConfirmTotp: { verb: "POST", path: "/v1/totp:confirm", body: true },
  RemoveTotp: { verb: "POST", path: "/v1/totp:remove", body: true },
  BeginDeviceSignIn: { verb: "POST", path: "/v1/device-sign-ins", body: true },
  GetDeviceSignIn: { verb: "GET", path: "/v1/device-sign-ins/{user_code}", body: false },
  DecideDeviceSignIn: { verb: "POST", path: "/v1/device-sign-ins/{user_code}:decide", body: true },
  CollectDeviceSignIn: { verb: "POST", path: "/v1/device-sign-ins:collect", body: true },
  GetSystem: { verb: "GET", path: "/v1/system", body: false },
  GetServerSettings: { verb: "GET", path: "/v1/system/settings", body: false },
  CreateTeam: { verb: "POST", path: "/v1/teams", body: true },
  GetTeam: { verb: "GET", path: "/v1/teams/{team}", body: false },
  ListTeams: { verb: "GET", path: "/v1/teams", body: false },
  UpdateTeam: { verb: "PATCH", path: "/v1/teams/{team.team_id}", body: true },
  DeleteTeam: { verb: "DELETE", path: "/v1/teams/{team_id}", body: false },
  ListTeamMembers: { verb: "GET", path: "/v1/teams/{team_id}/members", body: false },
  ChangeTeamMembers: { verb: "POST", path: "/v1/teams/{team_id}/members:change", body: true },
  SetVariable: { verb: "PUT", path: "/v1/variables/{name}", body: true },
  GetVariable: { verb: "GET", path: "/v1/variables/{name}", body: false },
  ListVariables: { verb: "GET", path: "/v1/variables", body: false },
  DeleteVariable: { verb: "DELETE", path: "/v1/variables/{name}", body: false },
  CreateWebhook: { verb: "POST", path: "/v1/webhooks", body: true },
  GetWebhook: { verb: "GET", path: "/v1/webhooks/{webhook}", body: false },
  ListWebhooks: { verb: "GET", path: "/v1/webhooks", body: false },
  UpdateWebhook: { verb: "PATCH", path: "/v1/webhooks/{webhook.webhook_id}", body: true },
  DeleteWebhook: { verb: "DELETE", path: "/v1/webhooks/{webhook_id}", body: false },
  RotateWebhookSecret: { verb: "POST", path: "/v1/webhooks/{webhook_id}:rotate", body: true },
  ReceiveWebhook: { verb: "POST", path: "/v1/webhook-calls", body: true },
  CreateWorkPool: { verb: "POST", path: "/v1/work-pools", body: true },
  GetWorkPool: { verb: "GET", path: "/v1/work-pools/{work_pool_name}", body: false },
  ListWorkPools: { verb: "GET", path: "/v1/work-pools", body: false },
  UpdateWorkPool: { verb: "PATCH", path: "/v1/work-pools/{work_pool.name}", body: true },
  DeleteWorkPool: { verb: "DELETE", path: "/v1/work-pools/{work_pool_name}", body: false },
  CreateWorkQueue: { verb: "POST", path: "/v1/work-pools/{work_pool_name}/queues", body: true },
  GetWorkQueue: { verb: "GET", path: "/v1/work-queues/{work_queue_id}", body: false },
  ListWorkQueues: { verb: "GET", path: "/v1/work-pools/{work_pool_name}/queues", body: false },
  UpdateWorkQueue: { verb: "PATCH", path: "/v1/work-pools/{work_pool_name}/queues/{work_queue.name}", body: true },
  DeleteWorkQueue: { verb: "DELETE", path: "/v1/work-pools/{work_pool_name}/queues/{work_queue_name}", body: false },
  ListWorkers: { verb: "GET", path: "/v1/workers", body: false },
  GetDefaultBaseJobTemplate: { verb: "GET", path: "/v1/work-pool-types/{type}/base-job-template", body: false },
  DrainWorker: { verb: "POST", path: "/v1/workers/{worker_id}:drain", body: true },
  PauseWorker: { verb: "POST", path: "/v1/workers/{worker_id}:pause", body: true },
  PollWork: { verb: "POST", path: "/v1/work:poll", body: true },
  DeleteWorker: { verb: "DELETE", path: "/v1/workers/{worker_id}", body: false },
  ResumeWorker: { verb: "POST", path: "/v1/workers/{worker_id}:resume", body: true },
  CreateWorkspace: { verb: "POST", path: "/v1/workspaces", body: true },
  GetWorkspace: { verb: "GET", path: "/v1/workspaces/{workspace}", body: false },
  ListWorkspaces: { verb: "GET", path: "/v1/workspaces", body: false },
  UpdateWorkspace: { verb: "PATCH", path: "/v1/workspaces/{workspace.workspace_id}", body: true },
  GetCaller: { verb: "GET", path: "/v1/me", body: false },
};
