// Cron expressions in words, as far as words say it shorter.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DAY_NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const SHORT: ReadonlyMap<string, string> = new Map([
  ["@hourly", "0 * * * *"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"],
]);

function numberOf(text: string, most: number): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value <= most ? value : undefined;
}

function dayOf(text: string): string | undefined {
  const named = DAY_NAMES.indexOf(text.toLowerCase());
  return DAYS[named >= 0 ? named : (numberOf(text, 7) ?? -1)];
}

function daysText(field: string): string | undefined {
  const range = /^(\w+)-(\w+)$/.exec(field);
  if (range !== null) {
    const [from, until] = [dayOf(range[1] ?? ""), dayOf(range[2] ?? "")];
    if (from === undefined || until === undefined) return undefined;
    return from === until ? undefined : `${from} to ${until}`;
  }
  const days = [...new Set(field.split(",").map(dayOf))];
  if (days.some((day) => day === undefined)) return undefined;
  return days.length === 1 ? `every ${days[0]}` : `${days.slice(0, -1).join(", ")} and ${days.at(-1)}`;
}

function everyText(field: string, whole: number, unit: string): string | undefined {
  if (field === "*") return `every ${unit}`;
  const step = numberOf(/^\*\/(\d+)$/.exec(field)?.[1] ?? "", whole);
  // Steps begin anew with each hour and day: only those that divide it are even.
  return step === undefined || step === 0 || whole % step !== 0 ? undefined : step === 1 ? `every ${unit}` : `every ${step} ${unit}s`;
}

/** Returns when an expression is due, in words; undefined where they would be longer than the expression. */
export function cronText(expression: string): string | undefined {
  const [minute = "", hour = "", date = "", month = "", days = "", ...more] = (SHORT.get(expression.trim().toLowerCase()) ?? expression).trim().split(/\s+/);
  if (days === "" || more.length > 0 || month !== "*") return undefined;
  const isAnyDay = date === "*" && days === "*";
  const minutes = numberOf(minute, 59);
  const hours = numberOf(hour, 23);
  if (minutes === undefined) return hour === "*" && isAnyDay ? everyText(minute, 60, "minute") : undefined;
  if (hours === undefined) {
    const every = isAnyDay ? everyText(hour, 24, "hour") : undefined;
    return every === undefined ? undefined : minutes === 0 ? every : `${every}, ${minutes} min past`;
  }
  const at = `at ${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
  if (isAnyDay) return `every day ${at}`;
  if (days === "*") {
    const day = numberOf(date, 31);
    return day === undefined || day === 0 ? undefined : `on day ${day} of each month ${at}`;
  }
  const named = date === "*" ? daysText(days) : undefined;
  return named === undefined ? undefined : `${named} ${at}`;
}
