// Runs before each file of tests: they share a process, and nothing else.

import { vi } from "vitest";

vi.unstubAllGlobals();
vi.resetModules();
