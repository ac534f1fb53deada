// What kinds of artifacts there are, in words.

import type { Artifact, ArtifactKind } from "../api/contract.gen.ts";

export const KINDS: { value: ArtifactKind; label: string }[] = [
  { value: "ARTIFACT_KIND_MARKDOWN", label: "Markdown" },
  { value: "ARTIFACT_KIND_TABLE", label: "Table" },
  { value: "ARTIFACT_KIND_LINK", label: "Link" },
  { value: "ARTIFACT_KIND_PROGRESS", label: "Progress" },
  { value: "ARTIFACT_KIND_IMAGE", label: "Image" },
  { value: "ARTIFACT_KIND_RESULT", label: "Result" },
  { value: "ARTIFACT_KIND_OTHER", label: "Other" },
];

/** Returns what kind of artifact it is. */
export function kindText(artifact: Artifact): string {
  if (artifact.kind === "ARTIFACT_KIND_OTHER" && artifact.type !== "") return artifact.type;
  return KINDS.find(({ value }) => value === artifact.kind)?.label ?? "Artifact";
}
