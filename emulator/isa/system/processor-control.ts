/** CPUID, RDMSR, WRMSR, RDTSC, RDTSCP, RDPID, RDPMC, RDPKRU, WRPKRU, HLT, MONITOR, MWAIT, INVD, WBINVD, INVLPG, INVPCID. SDM Vol. 2, by their names. */
import { DS, S } from '../../cpu/layout.js';
import { instruction } from '../instruction.js';

const LEVEL_0 = '#GP(0) if CPL is not 0.';
const simple = (name: string, summary: string, encodings: string, rest: { exceptions?: string; vmExit?: string; feature?: string; privileged?: boolean } = {}) =>
  instruction(name, summary, { encodings: `${encodings} | ${name}`, flags: 'None affected.', ...rest, operation(cpu) { cpu.perform(name); } });

export const CPUID = simple('CPUID', 'CPU Identification', '0F A2', { privileged: true, vmExit: 'Always.' });
export const RDMSR = simple('RDMSR', 'Read From Model Specific Register', '0F 32', {
  exceptions: `${LEVEL_0} #GP(0) if there is no such MSR.`, vmExit: 'Unless "use MSR bitmaps" is 1 and the bit of the MSR in the read bitmap is 0.',
});
export const WRMSR = simple('WRMSR', 'Write to Model Specific Register', '0F 30', {
  exceptions: `${LEVEL_0} #GP(0) if there is no such MSR or the value is not allowed.`, vmExit: 'Unless "use MSR bitmaps" is 1 and the bit of the MSR in the write bitmap is 0.',
});
export const RDTSC = simple('RDTSC', 'Read Time-Stamp Counter', '0F 31', { privileged: true, feature: 'TSC', exceptions: '#GP(0) if CR4.TSD is 1 and CPL is not 0.', vmExit: 'If "RDTSC exiting" is 1.' });
export const RDTSCP = simple('RDTSCP', 'Read Time-Stamp Counter and Processor ID', '0F 01 F9', { privileged: true, feature: 'RDTSCP', exceptions: '#GP(0) if CR4.TSD is 1 and CPL is not 0.', vmExit: 'If "RDTSC exiting" is 1; #UD if "enable RDTSCP" is 0.' });
export const RDPMC = simple('RDPMC', 'Read Performance-Monitoring Counters', '0F 33', { privileged: true, exceptions: '#GP(0) if CR4.PCE is 0 and CPL is not 0, or there is no such counter.', vmExit: 'If "RDPMC exiting" is 1.' });
export const RDPID = instruction('RDPID', 'Read Processor ID', {
  encodings: `
    F3 0F C7 /7 | RDPID r32 | 32
    F3 0F C7 /7 | RDPID r64 | 64`,
  feature: 'RDPID', privileged: true, flags: 'None affected.', vmExit: '#UD if "enable RDTSCP" is 0.',
  operation(cpu, dest) {
    cpu.compute('check RDPID', []);
    dest.write(cpu.state(S.tscAux, 32).zeroExtend(dest.bits));
  },
});
export const RDPKRU = simple('RDPKRU', 'Read Protection Key Rights for User Pages', 'NP 0F 01 EE', { feature: 'PKU', privileged: true, exceptions: '#UD if CR4.PKE is 0. #GP(0) if ECX is not 0.' });
export const WRPKRU = simple('WRPKRU', 'Write Data to User Page Key Register', 'NP 0F 01 EF', { feature: 'PKU', privileged: true, exceptions: '#UD if CR4.PKE is 0. #GP(0) if ECX or EDX is not 0.' });
export const HLT = simple('HLT', 'Halt', 'F4', { exceptions: LEVEL_0, vmExit: 'If "HLT exiting" is 1.' });
const AT_LEVEL_0 = '#UD if CPL is not 0, or IA32_MISC_ENABLE does not enable it.';
export const MONITOR = instruction('MONITOR', 'Set Up Monitor Address', {
  encodings: 'NP 0F 01 C8 | MONITOR', flags: 'None affected.', feature: 'MONITOR', privileged: true, exceptions: `${AT_LEVEL_0} #GP(0) if ECX is not 0.`, vmExit: 'If "MONITOR exiting" is 1.',
  operation(cpu) {
    const address = cpu.memory(cpu.register(0, cpu.addressSize), 8, DS, { overridable: true });
    cpu.perform('MONITOR', address.offset, address.segment.zeroExtend(64));
  },
});
export const MWAIT = simple('MWAIT', 'Monitor Wait', 'NP 0F 01 C9', { feature: 'MONITOR', privileged: true, exceptions: `${AT_LEVEL_0} #GP(0) for extensions in ECX that do not exist.`, vmExit: 'If "MWAIT exiting" is 1.' });
export const INVD = simple('INVD', 'Invalidate Internal Caches', '0F 08', { exceptions: LEVEL_0, vmExit: 'Always.' });
export const WBINVD = simple('WBINVD', 'Write Back and Invalidate Cache', '0F 09', { exceptions: LEVEL_0, vmExit: 'If "WBINVD exiting" is 1.' });

export const INVLPG = instruction('INVLPG', 'Invalidate TLB Entries', {
  encodings: '0F 01 /7 | INVLPG m', flags: 'None affected.', exceptions: LEVEL_0, vmExit: 'If "INVLPG exiting" is 1.',
  operation(cpu, memory) { cpu.perform('INVLPG', memory.offset, memory.segment.zeroExtend(64)); },
});
export const INVPCID = instruction('INVPCID', 'Invalidate Process-Context Identifier', {
  encodings: `
    66 0F 38 82 /r | INVPCID r32, m128 | 32
    66 0F 38 82 /r | INVPCID r64, m128 | 64`,
  feature: 'INVPCID', flags: 'None affected.', exceptions: `${LEVEL_0} #GP(0) if type or descriptor are not allowed.`,
  vmExit: 'If "enable INVPCID" and "INVLPG exiting" are both 1; #UD if "enable INVPCID" is 0.',
  operation(cpu, type, descriptor) {
    cpu.compute('check INVPCID', []);
    cpu.perform('INVPCID', type.read().zeroExtend(64), descriptor.at(0, 64).read(), descriptor.at(8, 64).read());
  },
});
