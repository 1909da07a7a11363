/** The host on Node: its file system and its clock. */
import path from 'node:path';
import { Devices } from '../outside/devices.js';
import { fileExists, readFileOrSay } from '../outside/files.js';
import type { Host } from './host.js';

export const nodeHost = (createMachine: Host['createMachine']): Host => ({
  readFile: readFileOrSay,
  exists: fileExists,
  absolute: (file) => path.resolve(file),
  openDevices: (wanted) => Devices.open(wanted, () => performance.now()),
  createMachine,
  later: (callback, milliseconds = 0) => void (milliseconds > 0 ? setTimeout(callback, milliseconds) : setImmediate(callback)),
  now: () => performance.now(),
});
