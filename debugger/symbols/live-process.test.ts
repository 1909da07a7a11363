/** Stops real processes at addresses, and reads registers and memory: what the processor itself says about a program. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameContext } from './location-expression.js';
import { run, workDirectory, type Compiled } from './toolchain.test.js';

const TRACER = `
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
static void fail(const char *what) { perror(what); exit(1); }
static void dump(int memory, unsigned long start, unsigned long end)
{
  static unsigned char bytes[1 << 20];
  long count = pread(memory, bytes, end - start, start);
  if (count <= 0) return;
  printf("memory %lx ", start);
  for (long at = 0; at < count; at++) printf("%02x", bytes[at]);
  printf("\\n");
}
int main(int count, char **arguments)
{
  unsigned long address = strtoul(arguments[2], 0, 16);
  int skip = atoi(arguments[3]);
  char name[64];
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execl(arguments[1], arguments[1], (char *)0);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) { fprintf(stderr, "the program does not start\\n"); return 1; }
  snprintf(name, sizeof name, "/proc/%d/mem", child);
  int memory = open(name, O_RDWR);
  if (memory < 0) fail("the process's memory cannot be opened");
  unsigned char original, trap = 0xcc;
  struct user_regs_struct r;
  pread(memory, &original, 1, address);
  for (;; skip--) {
    if (pwrite(memory, &trap, 1, address) != 1) fail("a breakpoint cannot be written");
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) { fprintf(stderr, "the program ended: %x\\n", status); return 1; }
    ptrace(PTRACE_GETREGS, child, 0, &r);
    r.rip--;
    ptrace(PTRACE_SETREGS, child, 0, &r);
    pwrite(memory, &original, 1, address);
    if (r.rip != address) { fprintf(stderr, "stopped elsewhere: %llx\\n", r.rip); return 1; }
    if (skip == 0) break;
    ptrace(PTRACE_SINGLESTEP, child, 0, 0);
    waitpid(child, &status, 0);
  }
  printf("rax %llx\\nrbx %llx\\nrcx %llx\\nrdx %llx\\nrsi %llx\\nrdi %llx\\nrbp %llx\\nrsp %llx\\n", r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp);
  printf("r8 %llx\\nr9 %llx\\nr10 %llx\\nr11 %llx\\nr12 %llx\\nr13 %llx\\nr14 %llx\\nr15 %llx\\nrip %llx\\n", r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip);
  snprintf(name, sizeof name, "/proc/%d/maps", child);
  FILE *maps = fopen(name, "r");
  char line[512], rights[8];
  unsigned long start, end;
  while (fgets(line, sizeof line, maps))
    if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3 && rights[0] == 'r') {
      if (r.rsp >= start && r.rsp < end) start = r.rsp - 256;
      dump(memory, start, end);
    }
  kill(child, SIGKILL);
  return 0;
}
`;

let tracer: string | undefined;

/** The innermost frame of the program when it comes to the address for the (`skip` + 1)th time. */
export function stopAt({ path, image }: Compiled, address: bigint, skip = 0): FrameContext {
  if (!tracer) {
    writeFileSync(join(workDirectory(), 'tracer.c'), TRACER);
    run('gcc', ['-O1', 'tracer.c', '-o', 'tracer']);
    tracer = join(workDirectory(), 'tracer');
  }
  const registers = new Map<string, bigint>();
  const memory: { start: bigint; bytes: Uint8Array }[] = [];
  for (const line of run(tracer, [path, address.toString(16), String(skip)]).split('\n')) {
    const [what, first, hex] = line.split(' ');
    if (what === 'memory') memory.push({ start: BigInt(`0x${first}`), bytes: new Uint8Array(Buffer.from(hex!, 'hex')) });
    else if (what && first) registers.set(what, BigInt(`0x${first}`));
  }
  const wide = (name: string) => (image.bits === 32 && name.startsWith('e') ? `r${name.slice(1)}` : name);
  return {
    address,
    register: (name) => registers.get(wide(name)),
    read(at, count) {
      const region = memory.find(({ start, bytes }) => at >= start && at + BigInt(count) <= start + BigInt(bytes.length));
      return region && region.bytes.subarray(Number(at - region.start), Number(at - region.start) + count);
    },
  };
}
