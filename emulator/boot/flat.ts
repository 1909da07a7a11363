/** Raw code for an address and a mode that its user names. */
import { BadImage, hex } from './bad-image.js';
import { realEntry } from './entry-state.js';
import { long64Environment, protected32Environment } from './environment.js';
import { Placement } from './placement.js';
import type { BootPlan, EntryState, ImageRequest } from './plan.js';

const REAL_MODE_END = 0x100000;
const REAL_MODE_STACK = 0x7c00n;

export function loadFlat(request: ImageRequest, flat: NonNullable<ImageRequest['flat']>): BootPlan {
  const { name, bytes, memoryBytes, args } = request;
  const { address, mode } = flat;
  if (!Number.isSafeInteger(address) || address < 0) throw new BadImage(name, `${address} is no physical address`, 'give a whole number of bytes');
  const placement = new Placement(name, memoryBytes);
  placement.claim('the image', BigInt(address), bytes, BigInt(bytes.length));
  return { kind: `flat, ${mode}`, writes: placement.writes, entry: enter(), notes: [] };

  function enter(): EntryState {
    switch (mode) {
      case 'long64':
        return long64Environment(placement, BigInt(address), args);
      case 'protected32':
        return protected32Environment(placement, BigInt(address), args);
      case 'real':
        return enterReal();
    }
  }

  function enterReal(): EntryState {
    if (args !== '') throw new BadImage(name, 'flat code in real mode takes no command line', 'leave the arguments out');
    if (address >= REAL_MODE_END) throw new BadImage(name, `real mode cannot begin at ${hex(address)}`, 'load it below 0x100000');
    const [segment, offset] = address < 0x10000 ? [0, address] : [address >> 4, address & 15];
    return realEntry(segment, offset, { rsp: REAL_MODE_STACK });
  }
}
