import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { CallError } from "./api/client.ts";
import { router } from "./router.tsx";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/dashboard.css";
import "./styles/run.css";
import "./styles/places.css";

const MOST_RETRIES = 6;

// Streams tell when something is outdated; nothing is asked for again just because time has passed.
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < MOST_RETRIES && error instanceof CallError && error.isPassing,
      retryDelay: (count) => Math.min(8_000, 300 * 2 ** count) * (0.5 + Math.random() / 2),
    },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
