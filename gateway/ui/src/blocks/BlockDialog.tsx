import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { Block, BlockType, JsonObject } from "../api/contract.gen.ts";
import { TextField } from "../parts/Fields.tsx";
import { Modal } from "../parts/Modal.tsx";
import { Fault } from "../parts/Notice.tsx";
import { tell } from "../parts/toasts.ts";
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
  const queries = useQueryClient();
  const navigate = useNavigate();
  const schema = useMemo(() => asSchema(type.schema?.fields), [type]);
  const form = useSchemaForm(schema, () =>
    block === undefined ? initialObject(schema, schema) : filled(block.data ?? {}, schema, schema),
  );
  const hasFields = propertiesOf(schema).length > 0;
  const [raw, setRaw] = useState(() => JSON.stringify(block?.data ?? {}, null, 2));
  const [name, setName] = useState("");
  const save = useMutation({
    mutationFn: async () =>
      call("SaveBlock", {
        type_slug: type.slug,
        name: block?.name ?? name.trim(),
        data: hasFields ? form.value : (JSON.parse(raw) as JsonObject),
        overwrite: block !== undefined,
      }),
    onSuccess: async ({ block: saved }) => {
      await queries.invalidateQueries({ queryKey: ["blocks"] });
      tell(block === undefined ? "The block was saved" : "The block was changed");
      onClose();
      if (block === undefined && saved !== undefined)
        void navigate({ to: "/blocks/$typeSlug/$name", params: { typeSlug: saved.type_slug, name: saved.name } });
    },
  });
  return (
    <Modal title={block === undefined ? `New ${type.name}` : `Change ${block.name}`} isOpen onClose={onClose}>
      <form
        className="wide"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!hasFields || form.check()) save.mutate();
        }}
      >
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
        {save.error !== null && <Fault error={save.error} />}
        <div className="modal-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button button-main" disabled={save.isPending}>
            Save
          </button>
        </div>
      </form>
    </Modal>
  );
}
