import type { ResultReference } from "../api/contract.gen.ts";
import { Moment } from "../parts/Moment.tsx";
import { Facts } from "../parts/PageHead.tsx";

/** Where a result lies; the result itself never comes to the server. */
export function Result({ result }: { result: ResultReference }) {
  return (
    <section className="json">
      <h2>Result</h2>
      <Facts
        facts={{
          Key: result.storage_key,
          "Kept in": result.storage_url,
          "Written as": result.serializer,
          Size: Number(result.size_bytes) > 0 ? `${Number(result.size_bytes).toLocaleString()} bytes` : undefined,
          "Kept until": result.expires_at === undefined ? undefined : <Moment at={result.expires_at} />,
        }}
      />
    </section>
  );
}
