import { readFileSync } from 'node:fs';
import { createMachine } from '/work/main/emulator/machine/machine.js';
import * as boot from '/work/main/emulator/boot/index.js';
const name = process.argv[2]!;
let text = '';
const m = createMachine({ memoryBytes: 96 << 20, cpus: 1, onSerial: (_p, b) => { text += String.fromCharCode(b); }, onDebugConsole: () => {} });
const image = new Uint8Array(readFileSync(name));
for (let i=0;i<image.length-1;i++) if (image[i]===0xdb && image[i+1]===0xe3) { image[i]=0x90; image[i+1]=0x90; }
const plan = boot.loadImage({ name, bytes: image, modules: [], commandLine: '', memoryBytes: 96<<20, guestBytes: 96<<20 } as any);
console.log(Object.keys(boot));
if (plan) {
m.load(plan);
const t = process.cpuUsage().user;
for (;;) {
  const s = m.run(50_000_000);
  if (s.kind !== 'budget') { console.log(s); break; }
}
console.log(JSON.stringify(text), m.instructions, (process.cpuUsage().user - t) / 1e6, 's');
console.log(m.ledger.counts.kinds, m.ledger.counts.exits);
const c = (m as any).cpu; console.log(c.rip.toString(16), m.ledger.last?.says());
}
