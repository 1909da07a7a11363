/** Runs one multiboot image on v86 until it says DONE, and copies its COM1 to standard output. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';

const library = createRequire(import.meta.url).resolve('v86');
const { V86 } = await import(library);

const image = readFileSync(process.argv[2]);
const emulator = new V86({
  wasm_path: join(dirname(library), 'v86.wasm'),
  memory_size: 128 << 20,
  vga_memory_size: 2 << 20,
  multiboot: { buffer: image.buffer.slice(image.byteOffset, image.byteOffset + image.byteLength) },
  autostart: true,
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
});

let text = '';
emulator.add_listener('serial0-output-byte', (byte) => {
  text += String.fromCharCode(byte);
  if (text.endsWith('DONE\n')) process.stdout.write(text, () => process.exit(0));
});
