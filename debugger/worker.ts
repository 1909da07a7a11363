/** The debugger as a worker thread: messages of the Debug Adapter Protocol come and go over its port. */
import { parentPort } from 'node:worker_threads';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createMachine } from '../emulator/machine/machine.js';
import { nodeHost } from './files.js';
import { RingsideSession } from './session.js';

const port = parentPort;
if (!port) throw new Error('This file is the entry of a worker thread.');

const session = new RingsideSession(nodeHost(createMachine));
session.onDidSendMessage((message) => {
  port.postMessage(message);
});
port.on('message', (message: DebugProtocol.ProtocolMessage) => {
  session.handleMessage(message);
});
