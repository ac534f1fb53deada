import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// A server to develop against: `headrace server start`, then `npm run dev`.
const server = process.env.HEADRACE_API_URL ?? "http://127.0.0.1:4200";
const proxied = Object.fromEntries(
  ["/v1", "/api/", "/health", "/ready", "/openapi.json", "/docs", "/docs.js", "/docs.css"].map((path) => [
    path,
    { target: server, changeOrigin: true, headers: { origin: server } },
  ]),
);

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../headrace_gateway/static",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What every page needs comes in two files: many small ones cost a browser, and the server, more than they save.
            { name: "vendor", test: /node_modules[\\/](react|react-dom|scheduler|@tanstack[\\/](history|query-core|react-query|react-router|react-store|router-core|store))[\\/]/ },
            { name: "shared", test: /src[\\/](api|shell|styles)[\\/]|src[\\/]parts[\\/](CopyButton|Icon|Modal|Moment|Notice|PageHead|StateBadge|toasts)/ },
          ],
        },
      },
    },
  },
  server: { proxy: proxied },
});
