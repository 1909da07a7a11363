/** All requests by name. */
import { breakpointRequests } from './breakpoints.js';
import { consoleRequests } from './evaluate.js';
import type { Handlers } from './handler.js';
import { lifeRequests } from './life.js';
import { memoryRequests } from './memory.js';
import { moduleRequests } from './modules.js';
import { panelRequests } from './panels.js';
import { runRequests } from './run.js';
import { sourceRequests } from './sources.js';
import { stackRequests } from './stack.js';

export const REQUESTS: Handlers = {
  ...lifeRequests,
  ...breakpointRequests,
  ...runRequests,
  ...stackRequests,
  ...sourceRequests,
  ...memoryRequests,
  ...moduleRequests,
  ...consoleRequests,
  ...panelRequests,
};
