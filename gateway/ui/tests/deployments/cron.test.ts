import { describe, expect, test } from "vitest";
import { cronText } from "../../src/deployments/cron.ts";

describe("expressions that words say shorter", () => {
  test.each([
    ["* * * * *", "every minute"],
    ["*/1 * * * *", "every minute"],
    ["*/5 * * * *", "every 5 minutes"],
    ["0 * * * *", "every hour"],
    ["30 * * * *", "every hour, 30 min past"],
    ["0 */2 * * *", "every 2 hours"],
    ["15 */6 * * *", "every 6 hours, 15 min past"],
    ["0 6 * * *", "every day at 06:00"],
    ["05 06 * * *", "every day at 06:05"],
    ["59 23 * * *", "every day at 23:59"],
    ["0 0 1 * *", "on day 1 of each month at 00:00"],
    ["30 12 31 * *", "on day 31 of each month at 12:30"],
  ])("%s reads: %s", (expression, words) => {
    expect(cronText(expression)).toBe(words);
  });

  test.each([
    ["0 9 * * 1", "every Monday at 09:00"],
    ["0 9 * * MON", "every Monday at 09:00"],
    ["0 9 * * mon-fri", "Monday to Friday at 09:00"],
    ["0 9 * * 1-5", "Monday to Friday at 09:00"],
    ["0 9 * * 5-7", "Friday to Sunday at 09:00"],
    ["0 9 * * 0", "every Sunday at 09:00"],
    ["0 9 * * 7", "every Sunday at 09:00"],
    ["0 9 * * 0,7", "every Sunday at 09:00"],
    ["0 9 * * MON,3", "Monday and Wednesday at 09:00"],
    ["0 9 * * 1,3,FRI", "Monday, Wednesday and Friday at 09:00"],
  ])("%s reads: %s", (expression, words) => {
    expect(cronText(expression)).toBe(words);
  });

  test.each([
    ["@hourly", "every hour"],
    ["@daily", "every day at 00:00"],
    ["@midnight", "every day at 00:00"],
    ["@weekly", "every Sunday at 00:00"],
    ["@monthly", "on day 1 of each month at 00:00"],
    ["@Daily", "every day at 00:00"],
  ])("%s reads: %s", (expression, words) => {
    expect(cronText(expression)).toBe(words);
  });

  test("space around and between the fields says nothing", () => {
    expect(cronText("  0\t6   *  * * ")).toBe("every day at 06:00");
    expect(cronText(" @daily ")).toBe("every day at 00:00");
  });
});

describe("expressions that are shown as they are", () => {
  test.each([
    ["seconds", "0 6 * * * 30"],
    ["seconds of zero", "0 6 * * * 0"],
    ["a month", "0 6 * 1 *"],
    ["a named month", "0 6 * JAN *"],
    ["once a year", "@yearly"],
    ["the last day of a month", "0 9 L * *"],
    ["the last weekday of a month", "0 9 LW * *"],
    ["the last Friday", "0 9 * * 5L"],
    ["the second Friday", "0 9 * * 5#2"],
    ["a list with the second Friday", "0 9 * * 1,5#2"],
    ["a list of minutes", "5,35 * * * *"],
    ["a range of minutes", "0-10 * * * *"],
    ["a list of hours", "0 6,18 * * *"],
    ["a range of hours", "0 9-17 * * *"],
    ["each minute of an hour", "* 6 * * *"],
    ["a range of days of the month", "0 6 1-7 * *"],
    ["both days", "0 6 1 * MON"],
    ["steps of days", "0 6 * * */2"],
    ["a range of days with steps", "0 6 * * 1-5/2"],
    ["a list with a range of days", "0 6 * * 1-3,5"],
    ["a range of one day", "0 6 * * 1-1"],
  ])("%s: %s", (_, expression) => {
    expect(cronText(expression)).toBeUndefined();
  });

  test.each(["*/7 * * * *", "*/45 * * * *", "0 */5 * * *", "0 */9 * * *"])("steps that are not even: %s", (expression) => {
    expect(cronText(expression)).toBeUndefined();
  });

  test.each([
    "",
    "nonsense",
    "constructor",
    "@never",
    "* * * *",
    "* * * * * * *",
    "60 * * * *",
    "0 24 * * *",
    "0 6 0 * *",
    "0 6 32 * *",
    "0 6 * * 8",
    "0 6 * * someday",
    "0 6 * * MON-",
    "0 6 * * ,",
    "-1 * * * *",
    "1.5 * * * *",
    "*/0 * * * *",
    "*/ * * * *",
    "*/90 * * * *",
    "0x1 6 * * *",
    "0 6 * * constructor",
  ])("nonsense: %j", (expression) => {
    expect(cronText(expression)).toBeUndefined();
  });
});
