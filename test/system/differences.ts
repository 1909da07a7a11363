/** Where Bochs, or the manual, says otherwise than our machine in a case of guest/, and why. */
export const BOCHS_DIFFERENCES: readonly { readonly cases: RegExp; readonly because: string }[] = [
  {
    cases: /^(UD2 with RSP0 |push with RSP not canonical|(page fault|general protection) through a gate (that is )?not present)/,
    because: 'Bochs pushes RF as 1 with a double fault. The manual names faults, and interrupts of repeated string instructions; "for other cases, the value pushed for RF is the value that was in EFLAG.RF".',
  },
  {
    cases: /^IRETQ? (outwards )?with SS not present/,
    because: 'Bochs raises #NP; the Operation of IRET says "IF stack segment is not present THEN #SS(SS selector)", and AMD\'s manual the same.',
  },
  {
    cases: /^flat: across 4 GiB/,
    because: 'Bochs lets offsets wrap in a segment of 4 GiB; the native processor raises #GP, or #SS in the stack segment.',
  },
  {
    cases: /^IRETD:/,
    because: 'Bochs takes 64 bits of RSP from a frame of 32-bit words; processors take 32 (the instructions test compares).',
  },
  {
    cases: /^DR6 and DR7 as written/,
    because: 'Bochs\' model has RTM, and with it bit 11 of DR7.',
  },
  {
    cases: /^single step of branches/,
    because: 'Bochs has no IA32_DEBUGCTL.BTF.',
  },
  {
    cases: /^x87 environment not aligned/,
    because: 'Bochs wants the registers in an FNSAVE image aligned; "FSTENV, FLDENV, FSAVE, FRSTOR save area: 4 or 2, depending on operand size", and so the native processor.',
  },
];
