import { send } from "../api/client.ts";
import { Icon } from "../parts/Icon.tsx";
import { useChange } from "../parts/useChange.ts";

const INSTALL = { verb: "POST", path: "/api/block_types/install_system_block_types", body: true };

/** One of the types that come with Prefect's client: with it, all are there. */
export const OF_PREFECT = "slack-webhook";

/** Makes the types of blocks known that Prefect's client brings along, so that blocks for its flows can be made here. */
export function PrefectTypes() {
  const add = useChange({
    run: async () => {
      await send(INSTALL, {}, "application/json");
    },
    changes: ["block-types"],
    done: "The types of Prefect's client were added",
    failed: "The types were not added",
  });
  return (
    <button type="button" className="button" disabled={add.isPending} onClick={() => add.mutate()}>
      <Icon name="plus" />
      Add the types of Prefect’s client
    </button>
  );
}
