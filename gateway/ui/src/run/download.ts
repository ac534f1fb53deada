// A log as a file.

import { call } from "../api/client.ts";
import type { Input, LogFilter } from "../api/contract.gen.ts";
import { plainText } from "./ansi.ts";

const PAGE = 1_000;
/** Beyond, the command line does it without a browser's memory: headrace flow-run logs. */
export const MOST_LINES = 200_000;

/**
 * Asks for all records page by page and hands them to the browser as a text file.
 *
 * @param onCount Told how many have come.
 * @returns True if there are more than were put in.
 */
export async function downloadLog(filter: Input<LogFilter>, name: string, onCount: (count: number) => void): Promise<boolean> {
  const parts: string[] = [];
  let token = "";
  let count = 0;
  do {
    const page = await call("ListLogs", { filter, sort: "LOG_SORT_OCCURRED_ASC", page_size: PAGE, page_token: token });
    for (const record of page.logs)
      parts.push(`${record.occurred_at ?? ""} ${String(record.level).padStart(2)} ${record.logger} ${plainText(record.message)}\n`);
    count += page.logs.length;
    token = page.next_page_token;
    onCount(count);
  } while (token !== "" && count < MOST_LINES);
  const url = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.log`;
  link.click();
  URL.revokeObjectURL(url);
  return token !== "";
}
