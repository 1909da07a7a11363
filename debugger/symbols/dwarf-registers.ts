/** DWARF's numbers of the processor's registers. System V ABI for AMD64 and i386, "DWARF Register Number Mapping". */

const repeat = (count: number, name: (index: number) => string) => Array.from({ length: count }, (_, index) => name(index));

const AMD64: readonly (string | undefined)[] = [
  ...['rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp'],
  ...repeat(8, (index) => `r${index + 8}`),
  'rip',
  ...repeat(16, (index) => `xmm${index}`),
  ...repeat(8, (index) => `st${index}`),
  ...repeat(8, (index) => `mm${index}`),
  'rflags',
  ...['es', 'cs', 'ss', 'ds', 'fs', 'gs', undefined, undefined],
  ...['fs_base', 'gs_base', undefined, undefined, 'tr', 'ldtr', 'mxcsr', 'fcw', 'fsw'],
];

const I386: readonly (string | undefined)[] = [
  ...['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip', 'eflags', undefined],
  ...repeat(8, (index) => `st${index}`),
  ...[undefined, undefined],
  ...repeat(8, (index) => `xmm${index}`),
  ...repeat(8, (index) => `mm${index}`),
  ...['fcw', 'fsw', 'mxcsr', 'es', 'cs', 'ss', 'ds', 'fs', 'gs', undefined, undefined, 'tr', 'ldtr'],
];

export function registerName(number: number, addressSize: number): string {
  return (addressSize === 8 ? AMD64 : I386)[number] ?? `register ${number}`;
}

export function stackPointerName(addressSize: number): string {
  return addressSize === 8 ? 'rsp' : 'esp';
}
