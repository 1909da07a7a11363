/** Rights by protection keys. SDM Vol. 3, "Protection Keys"; Vol. 2, "RDPKRU—Read Protection Key Rights for User Pages", "WRPKRU—Write Data to User Page Key Register". */
import { Exception, VECTORS } from './events.js';
import { S } from './layout.js';
import { CR4 } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';

const RAX = 0, RCX = 1, RDX = 2;

export function setPkru(cpu: Processor, value: number): void {
  if (value === cpu.low(S.pkru)) return;
  cpu.set(S.pkru, value, 0);
  cpu.mmu.spaceChanged();
}

function demand(cpu: Processor, name: string, zeros: readonly number[]): void {
  if ((cpu.cr4 & CR4.PKE) === 0) throw new Exception(VECTORS['#UD'], 0, 0, `${name} while CR4.PKE is 0`);
  if (zeros.some((register) => cpu.reg32(register) !== 0)) throw new Exception(VECTORS['#GP'], 0, 0, `${name}: ${zeros.length > 1 ? 'ECX or EDX' : 'ECX'} is not 0`);
}

export const PROTECTION_KEY_OPERATIONS: Operations = {
  RDPKRU(cpu) {
    demand(cpu, 'RDPKRU', [RCX]);
    cpu.setReg32(RAX, cpu.low(S.pkru));
    cpu.setReg32(RDX, 0);
  },
  WRPKRU(cpu) {
    demand(cpu, 'WRPKRU', [RCX, RDX]);
    setPkru(cpu, cpu.reg32(RAX));
  },
};
