import { useState } from "react";
import { useAddress } from "../api/address.ts";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { KeyDialog, KeyList } from "./KeyList.tsx";

const FIELDS = [{ key: "working", label: "Only those that work", kind: "flag" }] as const;
const EVERYBODY = { everybody: true };

/** Keys that programs call the server with. */
export function Keys() {
  const [{ text = "", working }] = useAddress();
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <div className="panel-head">
        <FilterBar fields={FIELDS} searchLabel="Search keys" />
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New key
        </button>
      </div>
      <KeyList of={EVERYBODY} text={text} isWithDead={working !== "true"} isWithHolder />
      {isMaking && <KeyDialog onClose={() => setMaking(false)} />}
    </>
  );
}
