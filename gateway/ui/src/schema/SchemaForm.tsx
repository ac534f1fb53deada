import { Fragment, useId, useMemo, type ReactNode } from "react";
import type { JsonObject, JsonValue } from "../api/contract.gen.ts";
import { Icon } from "../parts/Icon.tsx";
import {
  BooleanField,
  ChoiceField,
  JsonField,
  NumberField,
  SecretField,
  TextField,
  TimeField,
  type FieldProps,
} from "./fields.tsx";
import {
  initialObject,
  initialOf,
  kindOf,
  pathText,
  propertiesOf,
  resolve,
  variantOf,
  type Path,
  type Schema,
  type Violation,
} from "./schema.ts";

interface SchemaFormProps {
  schema: Schema;
  value: JsonObject;
  /** What is wrong, shown beside the fields. */
  violations: Violation[];
  onChange: (value: JsonObject) => void;
  /** Text of a field that is no JSON, or undefined once it is. */
  onBroken: (path: string, message: string | undefined) => void;
}

interface PartProps {
  root: Schema;
  part: Schema;
  path: Path;
  name: string;
  value: JsonValue | undefined;
  isRequired: boolean;
  faults: Map<string, string>;
  onChange: (value: JsonValue | undefined) => void;
  onBroken: (path: string, message: string | undefined) => void;
}

/** A form for an object that a JSON schema describes, with objects and lists in it. */
export function SchemaForm({ schema, value, violations, onChange, onBroken }: SchemaFormProps) {
  const faults = useMemo(() => new Map(violations.map(({ path, message }) => [pathText(path), message])), [violations]);
  return (
    <div className="form">
      <Properties root={schema} schema={schema} path={[]} value={value} faults={faults} onChange={onChange} onBroken={onBroken} />
    </div>
  );
}

interface PropertiesProps {
  root: Schema;
  schema: Schema;
  path: Path;
  value: JsonObject;
  faults: Map<string, string>;
  onChange: (value: JsonObject) => void;
  onBroken: (path: string, message: string | undefined) => void;
}

function Properties({ root, schema, path, value, faults, onChange, onBroken }: PropertiesProps) {
  return propertiesOf(schema).map(([name, part]) => (
    <Part
      key={name}
      root={root}
      part={part}
      path={[...path, name]}
      name={part.title ?? name}
      value={value[name]}
      isRequired={schema.required?.includes(name) === true}
      faults={faults}
      onChange={(next) => {
        const { [name]: _former, ...others } = value;
        onChange(next === undefined ? others : { ...value, [name]: next });
      }}
      onBroken={onBroken}
    />
  ));
}

function Part(props: PartProps) {
  const { root, part, path, name, value, isRequired, faults, onChange, onBroken } = props;
  const id = useId();
  const { schema, isNullable } = useMemo(() => resolve(part, root), [part, root]);
  const key = pathText(path);
  const fault = faults.get(key);
  const kind = kindOf(schema);
  const description = part.description ?? schema.description ?? "";
  const faultId = fault === undefined ? undefined : `${id}-fault`;
  const field: FieldProps = { id, schema, value, isNullable, isRequired, faultId, onChange };
  const note = (
    <>
      {description !== "" && <p className="field-hint">{description}</p>}
      {fault !== undefined && (
        <p className="field-error" id={faultId}>
          {fault}
        </p>
      )}
    </>
  );
  const label = (
    <>
      {name}
      {isRequired && <span className="required" aria-hidden="true">*</span>}
    </>
  );

  if (kind === "object" || kind === "array" || kind === "union")
    return (
      <fieldset className="form-group" aria-describedby={faultId}>
        <legend>{label}</legend>
        {note}
        <Nested {...props} schema={schema} isNullable={isNullable} kind={kind} />
      </fieldset>
    );
  if (kind === "boolean")
    return (
      <div className="check-field">
        <BooleanField {...field} />
        <label htmlFor={id}>{label}</label>
        {note}
      </div>
    );
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      {kind === "text" && <TextField {...field} />}
      {kind === "secret" && <SecretField {...field} />}
      {kind === "number" && <NumberField {...field} />}
      {kind === "choice" && <ChoiceField {...field} />}
      {(kind === "date" || kind === "date-time" || kind === "time") && <TimeField {...field} />}
      {kind === "json" && <JsonField {...field} onBroken={(message) => onBroken(key, message)} />}
      {note}
    </div>
  );
}

interface NestedProps extends PartProps {
  schema: Schema;
  isNullable: boolean;
  kind: "object" | "array" | "union";
}

function Nested(props: NestedProps) {
  const { schema, isNullable, kind, name, value, root, onChange } = props;
  if (isNullable && (value === null || value === undefined)) {
    const start = () =>
      onChange(kind === "object" ? initialObject(schema, root) : kind === "array" ? [] : initialOf(schema.anyOf?.[0] ?? {}, root));
    return (
      <button type="button" className="button" onClick={start}>
        {`Set ${name}`}
      </button>
    );
  }
  return (
    <>
      {kind === "object" && <ObjectPart {...props} />}
      {kind === "array" && <ListPart {...props} />}
      {kind === "union" && <UnionPart {...props} />}
      {isNullable && (
        <button type="button" className="button button-quiet" onClick={() => onChange(null)}>
          {`Leave ${name} out`}
        </button>
      )}
    </>
  );
}

function ObjectPart({ root, schema, path, value, faults, onChange, onBroken }: NestedProps) {
  const object = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  return <Properties {...{ root, schema, path, faults, onChange, onBroken }} value={object} />;
}

function ListPart({ root, schema, path, name, value, faults, onChange, onBroken }: NestedProps) {
  const items = Array.isArray(value) ? value : [];
  const part = schema.items ?? {};
  const rows: ReactNode[] = items.map((item, index) => (
    <div key={index} className="form-item">
      <Part
        root={root}
        part={part}
        path={[...path, index]}
        name={`${name} ${index + 1}`}
        value={item}
        isRequired={false}
        faults={faults}
        onChange={(next) => onChange(items.map((old, place) => (place === index ? (next ?? null) : old)))}
        onBroken={onBroken}
      />
      <button
        type="button"
        className="button button-bare"
        aria-label={`Remove ${name} ${index + 1}`}
        onClick={() => onChange(items.filter((_, place) => place !== index))}
      >
        <Icon name="close" />
      </button>
    </div>
  ));
  return (
    <>
      {rows.map((row, index) => (
        <Fragment key={index}>{row}</Fragment>
      ))}
      <button
        type="button"
        className="button"
        onClick={() => onChange([...items, initialOf(part, root) ?? emptyOf(part, root)])}
      >
        {`Add to ${name}`}
      </button>
    </>
  );
}

function emptyOf(part: Schema, root: Schema): JsonValue {
  const { schema } = resolve(part, root);
  switch (kindOf(schema)) {
    case "text":
    case "secret":
      return "";
    case "number":
      return schema.minimum ?? 0;
    case "choice":
      return schema.enum?.[0] ?? null;
    default:
      return null;
  }
}

function variantName(variant: Schema, root: Schema): string {
  const { schema } = resolve(variant, root);
  return schema.title ?? schema.format ?? [schema.type ?? "any"].flat().join(" or ");
}

function UnionPart(props: NestedProps) {
  const { root, schema, path, name, value, onChange } = props;
  const id = useId();
  const variants = (schema.anyOf ?? schema.oneOf ?? []).filter((variant) => variant.type !== "null");
  const found = variantOf(value, { anyOf: variants }, root);
  const chosen = found < 0 ? 0 : found;
  const variant = variants[chosen];
  return (
    <>
      <div className="form-field">
        <label htmlFor={id}>{`Kind of ${name}`}</label>
        <select
          id={id}
          className="field"
          value={chosen}
          onChange={(event) => {
            const next = variants[Number(event.target.value)] ?? {};
            onChange(initialOf(next, root) ?? emptyOf(next, root));
          }}
        >
          {variants.map((item, index) => (
            <option key={index} value={index}>
              {variantName(item, root)}
            </option>
          ))}
        </select>
      </div>
      {variant !== undefined && <Part {...props} part={{ ...variant, title: undefined }} path={path} name={name} />}
    </>
  );
}
