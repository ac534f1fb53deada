// The values of a form that a JSON schema describes, and what is wrong with them.

import { useMemo, useState } from "react";
import type { JsonObject } from "../api/contract.gen.ts";
import { violationsOf, type Schema, type Violation } from "./schema.ts";

export interface SchemaFormState {
  value: JsonObject;
  /** What to show: nothing before the first try to go on. */
  shown: Violation[];
  setValue: (value: JsonObject) => void;
  onBroken: (path: string, message: string | undefined) => void;
  /** Returns whether the values fit; from then on what is wrong is shown. */
  check: () => boolean;
}

/** Keeps the values of a form. */
export function useSchemaForm(schema: Schema, initial: () => JsonObject): SchemaFormState {
  const [value, setValue] = useState(initial);
  const [broken, setBroken] = useState<Record<string, string>>({});
  const [wasTried, setTried] = useState(false);
  const violations = useMemo(() => {
    const texts = Object.entries(broken).map(([path, message]) => ({ path: [path], message }));
    return [...texts, ...violationsOf(value, schema, schema)];
  }, [broken, schema, value]);
  return {
    value,
    shown: wasTried ? violations : violations.filter(({ path }) => broken[path.join()] !== undefined),
    setValue,
    onBroken: (path, message) =>
      setBroken((old) => {
        const { [path]: _former, ...others } = old;
        return message === undefined ? others : { ...others, [path]: message };
      }),
    check: () => {
      setTried(true);
      return violations.length === 0;
    },
  };
}
