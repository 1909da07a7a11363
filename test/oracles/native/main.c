/*
 * The native oracle: executes single instructions on this processor.
 *
 * Standard input holds batches: a batch_header, then as many case_records (machine.h). Each batch is answered on standard
 * output by a batch_header and as many result_records, in the same order. Children run the cases, because what is
 * executed may do anything to its process; a child that dies or hangs costs one case, whose outcome is LOST.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "trampoline.h"

enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };
enum { SECONDS_PER_CHILD = 2 }; /* of the processor's time */

static struct progress {
  uint32_t next_case;
  uint32_t result_bytes;
} *progress;

static uint8_t *results;
static const size_t results_size = (size_t)CASES_PER_CHILD * (sizeof(struct result_record) + 2 * AREA_BYTES);

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "native oracle: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void map_at(uint32_t address, uint32_t bytes, int protection) {
  void *wanted = (void *)(uintptr_t)address;
  if (mmap(wanted, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != wanted) fail("mmap");
}

static void *map_shared(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

/* A case that happens to be a system call must not reach the kernel. */
static void forbid_system_calls(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) _exit(1);
}

static const struct case_record *after(const struct case_record *c) {
  return (const struct case_record *)((const uint8_t *)c + c->bytes);
}

static _Noreturn void run_child(const struct case_record *c, uint32_t end) {
  setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = SECONDS_PER_CHILD}, NULL);
  prepare_cases();
  forbid_system_calls();
  for (; progress->next_case < end; c = after(c)) {
    struct result_record *r = (struct result_record *)(results + progress->result_bytes);
    progress->result_bytes = (uint32_t)((uint8_t *)run_case(c, r) - results);
    progress->next_case++;
  }
  _exit(0);
}

static void add_lost_result(const struct case_record *c) {
  struct result_record *r = (struct result_record *)(results + progress->result_bytes);
  *r = (struct result_record){.bytes = sizeof *r, .outcome = LOST, .state = c->state};
  progress->result_bytes += sizeof *r;
  progress->next_case++;
}

static void read_all(void *to, size_t bytes) {
  if (fread(to, 1, bytes, stdin) != bytes) fail("the batch ends too early");
}

static void write_all(const void *from, size_t bytes) {
  if (fwrite(from, 1, bytes, stdout) != bytes) fail("write");
}

/* Runs up to CASES_PER_CHILD cases from c, however many children that takes. */
static const struct case_record *run_chunk(const struct case_record *c, uint32_t count) {
  *progress = (struct progress){0, 0};
  for (;;) {
    uint32_t begin = progress->next_case;
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) run_child(c, count);
    if (waitpid(child, NULL, 0) != child) fail("waitpid");
    for (uint32_t i = begin; i < progress->next_case; i++) c = after(c);
    if (progress->next_case == count) return c;
    add_lost_result(c);
    c = after(c);
    if (progress->next_case == count) return c;
  }
}

static void run_batch(struct batch_header header) {
  uint8_t *cases = malloc(header.bytes);
  if (!cases) fail("malloc");
  read_all(cases, header.bytes);

  uint8_t *answer = NULL;
  size_t answer_bytes = 0;
  const struct case_record *c = (const struct case_record *)cases;
  for (uint32_t done = 0; done < header.count;) {
    uint32_t count = header.count - done < CASES_PER_CHILD ? header.count - done : CASES_PER_CHILD;
    c = run_chunk(c, count);
    done += count;
    answer = realloc(answer, answer_bytes + progress->result_bytes);
    if (!answer) fail("realloc");
    memcpy(answer + answer_bytes, results, progress->result_bytes);
    answer_bytes += progress->result_bytes;
  }
  write_all(&(struct batch_header){header.count, (uint32_t)answer_bytes}, sizeof(struct batch_header));
  write_all(answer, answer_bytes);
  fflush(stdout);
  free(answer);
  free(cases);
}

int main(void) {
  /* No heap: Linux puts it anywhere in the first GiB, where cases could reach it. */
  mallopt(M_MMAP_THRESHOLD, 0);
  if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT)) {
    fprintf(stderr, "native oracle: this processor or kernel has no FSGSBASE\n");
    return 1;
  }
  map_at(CODE_BASE, AREA_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  map_at(DATA_BASE, AREA_BYTES, PROT_READ | PROT_WRITE);
  map_at(TRAMPOLINE_BASE, TRAMPOLINE_BYTES, PROT_READ | PROT_WRITE);
  progress = map_shared(sizeof *progress);
  results = map_shared(results_size);

  struct batch_header header;
  while (fread(&header, sizeof header, 1, stdin) == 1) run_batch(header);
  return 0;
}
