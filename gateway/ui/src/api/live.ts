// Streams that live as long as a part of the page does, through losses of the connection.

import { useEffect, useRef } from "react";
import { CallError, type StreamRequest } from "./client.ts";
import { reportFailingStream, reportLoss } from "./connection.ts";
import type { Streams } from "./contract.gen.ts";
import { follow } from "./stream.ts";

const FIRST_WAIT_MILLISECONDS = 300;
const LONGEST_WAIT_MILLISECONDS = 8_000;
/** A tab that nobody sees gives its connection back: a browser has only six for a server. */
const HIDDEN_MILLISECONDS = 20_000;

export interface Handlers<Response> {
  /** Called when the stream stands anew: what was known before may be outdated. */
  onOpen?: () => void;
  onAnswer: (answer: Response) => void;
  /** The server ended the stream: there is nothing more to come. */
  onEnd?: () => void;
  /** The server refused, and would again. */
  onRefused?: (error: CallError) => void;
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function keepFollowing<Name extends keyof Streams>(
  name: Name,
  request: () => StreamRequest<Name>,
  handlers: () => Handlers<Streams[Name]["response"]>,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  let reportEnd: (() => void) | undefined;
  signal.addEventListener("abort", () => reportEnd?.());
  for (;;) {
    try {
      let isOpen = false;
      for await (const answer of follow(name, request(), signal)) {
        if (!isOpen) {
          isOpen = true;
          failures = 0;
          reportEnd?.();
          reportEnd = undefined;
          handlers().onOpen?.();
        }
        handlers().onAnswer(answer);
      }
      reportEnd?.();
      handlers().onEnd?.();
      return;
    } catch (error) {
      if (isOver(signal)) return;
      if (error instanceof CallError && !error.isPassing) {
        reportEnd?.();
        handlers().onRefused?.(error);
        return;
      }
      // A part that does not answer is not the whole server.
      if (!(error instanceof CallError) || error.status === 0) reportLoss();
      reportEnd ??= reportFailingStream();
    }
    const longest = Math.min(LONGEST_WAIT_MILLISECONDS, FIRST_WAIT_MILLISECONDS * 2 ** failures);
    failures += 1;
    // Spread, so that the pages of many people do not come back in the same moment.
    await sleep(longest * (0.5 + Math.random() / 2), signal);
    if (isOver(signal)) return;
  }
}

interface Options<Name extends keyof Streams> {
  /** Called for each new connection, to go on where the last one ended. */
  renew?: (request: StreamRequest<Name>) => StreamRequest<Name>;
  /** A stream that the server has ended is opened again when this changes. */
  round?: number;
}

/**
 * Follows a stream while the component is there, and opens it again when it breaks.
 *
 * @param name Which stream.
 * @param request What to ask for; the stream is opened anew when its JSON changes. `undefined`: no stream.
 * @param handlers What to do; the newest ones are called.
 */
export function useStream<Name extends keyof Streams>(
  name: Name,
  request: StreamRequest<Name> | undefined,
  handlers: Handlers<Streams[Name]["response"]>,
  options: Options<Name> = {},
): void {
  const current = useRef({ handlers, options });
  useEffect(() => {
    current.current = { handlers, options };
  });
  const key = request === undefined ? undefined : JSON.stringify(request);
  useEffect(() => {
    if (key === undefined) return;
    const asked = JSON.parse(key) as StreamRequest<Name>;
    let running: AbortController | undefined;
    let hiding: ReturnType<typeof setTimeout> | undefined;
    let hasEnded = false;
    const start = () => {
      if (running !== undefined || hasEnded) return;
      const controller = new AbortController();
      running = controller;
      const renewed = () => current.current.options.renew?.(asked) ?? asked;
      void keepFollowing(name, renewed, () => current.current.handlers, controller.signal).then(() => {
        if (!controller.signal.aborted) hasEnded = true;
      });
    };
    const stop = () => {
      running?.abort();
      running = undefined;
    };
    const onVisibility = () => {
      clearTimeout(hiding);
      if (document.hidden) hiding = setTimeout(stop, HIDDEN_MILLISECONDS);
      else start();
    };
    start();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      clearTimeout(hiding);
      stop();
    };
  }, [name, key, options.round]);
}
