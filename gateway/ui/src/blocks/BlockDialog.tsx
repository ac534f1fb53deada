import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Block, BlockType, JsonObject } from "../api/contract.gen.ts";
import { TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { useChange } from "../parts/useChange.ts";
import { SchemaForm } from "../schema/SchemaForm.tsx";
import { asSchema, filled, initialObject, propertiesOf } from "../schema/schema.ts";
import { useSchemaForm } from "../schema/useSchemaForm.ts";

interface BlockDialogProps {
  type: BlockType;
  /** The one to change; undefined makes one. */
  block: Block | undefined;
  onClose: () => void;
}

/** Makes or changes a block, by the schema of its type. Secrets are written and never shown. */
export function BlockDialog({ type, block, onClose }: BlockDialogProps) {
  const navigate = useNavigate();
  const schema = useMemo(() => asSchema(type.schema?.fields), [type]);
  const form = useSchemaForm(schema, () =>
    block === undefined ? initialObject(schema, schema) : filled(block.data ?? {}, schema, schema),
  );
  const hasFields = propertiesOf(schema).length > 0;
  const [raw, setRaw] = useState(() => JSON.stringify(block?.data ?? {}, null, 2));
  const [name, setName] = useState("");
  const save = useChange({
    run: async () =>
      call("SaveBlock", {
        type_slug: type.slug,
        name: block?.name ?? name.trim(),
        data: hasFields ? form.value : (JSON.parse(raw) as JsonObject),
        overwrite: block !== undefined,
      }),
    changes: ["blocks"],
    done: block === undefined ? "The block was saved" : "The block was changed",
    onDone: ({ block: saved }) => {
      onClose();
      if (block === undefined && saved !== undefined)
        void navigate({ to: "/blocks/$typeSlug/$name", params: { typeSlug: saved.type_slug, name: saved.name } });
    },
  });
  return (
    <FormDialog title={block === undefined ? `New ${type.name}` : `Change ${block.name}`} isWide save={save} check={() => !hasFields || form.check()} onClose={onClose}>
      <div className="form">
        {block === undefined && (
          <TextField
            label="Name of the block"
            hint={'Lower case letters, digits, "_" and "-".'}
            isRequired
            autoFocus
            value={name}
            onChange={setName}
          />
        )}
        {hasFields ? (
          <SchemaForm schema={schema} value={form.value} violations={form.shown} onChange={form.setValue} onBroken={form.onBroken} />
        ) : (
          <TextField label="Values as JSON" isCode lines={8} value={raw} onChange={setRaw} />
        )}
      </div>
    </FormDialog>
  );
}
