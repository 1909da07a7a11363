/*
 * What every instruction that loads or looks at a descriptor does with every descriptor: all types, DPL, P and RPL, at CPL 0
 * and 3; then what POPF makes of every flag. Compiled for protected and for 64-bit mode; writes to the debug console.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long word;

static void put(u8 c) { __asm__ volatile("outb %0, $0xe9" ::"a"(c)); }
static void text(const char *s) { while (*s) put(*s++); }
static void hex(word value, int digits) { while (digits--) put("0123456789abcdef"[(value >> 4 * digits) & 15]); }

enum { CODE0 = 1, DATA0, CODE3, DATA3, TSS = 12, TESTED = 16 };
enum { DONE = 0x80, ZERO_SET, ZERO_CLEAR };
/* Gates and far pointers lead here, below 64 KBytes so that 16-bit gates do too. */
#define LANDING 0x600
#define STACK_BYTES 4096

struct descriptor { u32 low, high; };
struct descriptor gdt[32] __attribute__((aligned(16)));
u32 tss[64] __attribute__((aligned(256)));
struct { u16 limit; word base; } __attribute__((packed)) gdtr, idtr;
u8 inner_stack[STACK_BYTES] __attribute__((aligned(16))), user_stack[STACK_BYTES] __attribute__((aligned(16)));

/* What the handler of all vectors leaves behind, and where it goes back to. */
volatile word caught_vector, caught_error, caught_cs, caught_ss, resume_sp, resume_ip;
word selector, entry, return_ss, flags_image, initial_flags = 2;
struct { u32 offset; u16 selector; } __attribute__((packed)) far_pointer;
extern word stubs[256];

#ifdef __x86_64__
struct gate { u32 low, middle, high, zero; };
#define CODE_FLAGS 0xa000
#define WORD ".quad"
#define RELOAD_CS "pushq $8\n pushq $1f\n lretq\n"
#define SAVE "push %%rbp\n push %%rbx\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n mov %%rsp, resume_sp\n"
#define RESTORE "mov resume_sp, %%rsp\n pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbx\n pop %%rbp\n"
#define CLOBBERED "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc"
#define ENTER_USER "xor %%eax, %%eax\n mov %%ax, %%ds\n mov %%ax, %%es\n iretq\n"
__asm__(".text\n caught: pop caught_vector\n pop caught_error\n pop %rax\n pop caught_cs\n pop %rax\n pop %rax\n pop caught_ss\n"
        " mov $0x10, %eax\n mov %ax, %ss\n xor %eax, %eax\n mov %ax, %ds\n mov %ax, %es\n mov %ax, %fs\n mov %ax, %gs\n"
        " cld\n mov resume_sp, %rsp\n jmp *resume_ip\n");
#else
struct gate { u32 low, middle; };
#define CODE_FLAGS 0xc000
#define WORD ".long"
#define RELOAD_CS "ljmp $8, $1f\n"
#define SAVE "pusha\n mov %%esp, resume_sp\n"
#define RESTORE "mov resume_sp, %%esp\n popa\n"
#define CLOBBERED "memory", "cc"
#define ENTER_USER "mov $0x23, %%eax\n mov %%ax, %%ds\n mov %%ax, %%es\n iret\n"
__asm__(".text\n caught: mov $0x10, %eax\n mov %ax, %ds\n mov %ax, %es\n pop caught_vector\n pop caught_error\n pop %ebx\n pop caught_cs\n"
        " mov %ax, %ss\n xor %eax, %eax\n mov %ax, %fs\n mov %ax, %gs\n cld\n mov resume_sp, %esp\n jmp *resume_ip\n");
#endif
struct gate idt[256] __attribute__((aligned(16)));

/* A stub for each vector: vector and error code on the stack. */
__asm__(".altmacro\n"
        ".macro stub n\n stub\\n: .if (\\n == 8) || (\\n >= 10 && \\n <= 14) || (\\n == 17)\n .else\n push $0\n .endif\n push $\\n\n jmp caught\n .endm\n"
        ".macro pointer n\n " WORD " stub\\n\n .endm\n"
        ".set i, 0\n .rept 256\n stub %i\n .set i, i + 1\n .endr\n"
        ".data\n .globl stubs\n stubs: .set i, 0\n .rept 256\n pointer %i\n .set i, i + 1\n .endr\n .text\n");

/* Each begins with the selector in AX and ends with an interrupt. */
#define PROBE(name, body) __asm__("probe_" #name ": " body "\n int $0x80\n"); extern u8 probe_##name[];
#define BY_ZF "jnz 1f\n int $0x81\n 1: int $0x82"
PROBE(ds, "mov %ax, %ds")
PROBE(ss, "mov %ax, %ss")
PROBE(fs, "mov %ax, %fs")
PROBE(lcall, "lcall *far_pointer")
PROBE(ljmp, "ljmp *far_pointer")
PROBE(lar, "lar %ax, %edx\n " BY_ZF)
PROBE(lsl, "lsl %ax, %edx\n " BY_ZF)
PROBE(verr, "verr %ax\n " BY_ZF)
PROBE(verw, "verw %ax\n " BY_ZF)
PROBE(lldt, "lldt %ax")
PROBE(ltr, "ltr %ax")
#ifdef __x86_64__
PROBE(iret, "pushq return_ss\n pushq $user_stack + 4000\n pushq $2\n push %rax\n pushq $0x600\n iretq")
PROBE(lret, "pushq return_ss\n pushq $user_stack + 4000\n push %rax\n pushq $0x600\n lretq")
PROBE(popf, "pushq flags_image\n popfq\n pushfq\n pop %rax\n mov %rax, flags_image")
PROBE(popfw, "pushw flags_image\n popfw\n pushfq\n pop %rax\n mov %rax, flags_image")
#else
PROBE(iret, "pushl return_ss\n pushl $user_stack + 4000\n pushl $2\n push %eax\n pushl $0x600\n iret")
PROBE(lret, "pushl return_ss\n pushl $user_stack + 4000\n push %eax\n pushl $0x600\n lret")
PROBE(popf, "pushl flags_image\n popfl\n pushfl\n pop %eax\n mov %eax, flags_image")
PROBE(popfw, "pushw flags_image\n popfw\n pushfl\n pop %eax\n mov %eax, flags_image")
#endif
__asm__("begin: mov selector, %eax\n jmp *entry\n");

static const struct { const char *name; u8 *at; u8 transfers; } probes[] = {
    {"ds", probe_ds, 0}, {"ss", probe_ss, 0}, {"fs", probe_fs, 0}, {"lcall", probe_lcall, 1}, {"ljmp", probe_ljmp, 1}, {"lar", probe_lar, 0}, {"lsl", probe_lsl, 0},
    {"verr", probe_verr, 0}, {"verw", probe_verw, 0}, {"lldt", probe_lldt, 0}, {"ltr", probe_ltr, 0}, {"iret", probe_iret, 1}, {"lret", probe_lret, 1},
};

static void describe(int index, u32 base, u32 limit, u32 attributes) {
    gdt[index].low = (base << 16) | (limit & 0xffff);
    gdt[index].high = (base & 0xff000000) | ((base >> 16) & 0xff) | (attributes << 8) | (limit & 0xf0000);
}
static void load_task_register(void) {
    describe(TSS, (u32)(word)tss, 0xff, 0x89);
    __asm__ volatile("ltr %w0" ::"r"(TSS * 8));
}
static int is_gate(int type) { return type == 4 || type == 5 || type == 6 || type == 7 || type == 12 || type == 14 || type == 15; }

/* `size`: bit 0 is L, bit 1 is D, of code segments. */
static void describe_tested(int type, int dpl, int present, int size) {
    u32 attributes = type | (dpl << 5) | (present << 7);
    int code = (type & 0x18) == 0x18, expand_down = (type & 0x1c) == 0x14;
    if (expand_down) describe(TESTED, 0, 0, attributes | 0x4000);
    else if (type & 0x10) describe(TESTED, 0, 0xfffff, attributes | 0x8000 | (code ? size << 13 : 0x4000));
    else if (is_gate(type)) {
        gdt[TESTED].low = (CODE0 * 8 << 16) | LANDING;
        gdt[TESTED].high = attributes << 8;
    } else describe(TESTED, (u32)(word)tss, 0xff, attributes);
}

static void attempt(int cpl) {
    caught_vector = 0xff;
    if (cpl == 0) __asm__ volatile(SAVE "mov $1f, %%eax\n mov %%eax, resume_ip\n push initial_flags\n popf\n jmp begin\n 1: " RESTORE ::: CLOBBERED);
    else __asm__ volatile(SAVE "mov $1f, %%eax\n mov %%eax, resume_ip\n push $0x23\n push $user_stack + 4096\n push initial_flags\n push $0x1b\n push $begin\n" ENTER_USER "1: " RESTORE ::: CLOBBERED);
}

/* Vector and error code, or the level and whether CS is the tested one; accessed and busy bits; whether SS is null. */
static void report(void) {
    hex(caught_vector, 2);
    if (caught_vector < DONE) hex(caught_error, 4);
    else { put('0' + (caught_cs & 3)); put((caught_cs >> 3) == TESTED ? 'T' : '-'); put(caught_ss || sizeof(word) == 4 ? '-' : 'N'); put('-'); }
    put(gdt[TESTED].high & 0x100 ? 'A' : '-');
    put(gdt[TESTED].high & 0x200 ? 'B' : '-');
}

static void row(int probe, int cpl, int type, int size) {
    text(probes[probe].name); put('0' + cpl); put(' '); hex(type, 2); put('0' + size);
    for (int dpl = 0; dpl < 4; dpl++) for (int present = 0; present < 2; present++) for (int rpl = 0; rpl < 4; rpl++) {
        describe_tested(type, dpl, present, size);
        selector = far_pointer.selector = TESTED * 8 | rpl;
        far_pointer.offset = LANDING;
        return_ss = rpl == 3 ? DATA3 * 8 | 3 : rpl == 0 ? DATA0 * 8 : 0;
        entry = (word)probes[probe].at;
        put(' ');
        attempt(cpl);
        report();
        load_task_register();
        __asm__ volatile("lldt %w0" ::"r"(0));
    }
    put('\n');
}

static void flags_row(const char *name, u8 *probe, int cpl, int iopl) {
    text(name); put('0' + cpl); put(' '); hex(iopl, 1);
    for (int bit = 0; bit < 22; bit++) {
        int trap = bit == 8, interrupt = bit == 9 && (cpl == 0 || iopl == 3), virtual_8086 = bit == 17;
        if (trap || interrupt || virtual_8086) continue;
        entry = (word)probe;
        initial_flags = 2 | (iopl << 12);
        flags_image = initial_flags ^ (1 << bit);
        put(' ');
        attempt(cpl);
        hex(caught_vector, 2); hex(flags_image, 6);
    }
    initial_flags = 2;
    put('\n');
}

void run(void) {
    describe(CODE0, 0, 0xfffff, CODE_FLAGS | 0x9b);
    describe(DATA0, 0, 0xfffff, 0xc093);
    describe(CODE3, 0, 0xfffff, CODE_FLAGS | 0xfb);
    describe(DATA3, 0, 0xfffff, 0xc0f3);
    gdtr.limit = sizeof gdt - 1;
    gdtr.base = (word)gdt;
    idtr.limit = sizeof idt - 1;
    idtr.base = (word)idt;
    for (int vector = 0; vector < 256; vector++) {
        idt[vector].low = (CODE0 * 8 << 16) | (stubs[vector] & 0xffff);
        idt[vector].middle = (stubs[vector] & 0xffff0000) | (vector >= DONE && vector <= ZERO_CLEAR ? 0xee00 : 0x8e00);
    }
    __asm__ volatile("lgdt gdtr\n lidt idtr\n" RELOAD_CS "1: mov $0x10, %%eax\n mov %%ax, %%ss\n mov %%ax, %%ds\n mov %%ax, %%es\n" ::: "eax", "memory");
    *(word *)(tss + 1) = (word)inner_stack + STACK_BYTES;
    if (sizeof(word) == 4) tss[2] = DATA0 * 8;
    load_task_register();
    *(volatile u8 *)LANDING = 0xcd;
    *(volatile u8 *)(LANDING + 1) = DONE;

    for (unsigned probe = 0; probe < sizeof probes / sizeof *probes; probe++)
        for (int cpl = 0; cpl < 4; cpl += 3)
            for (int type = 0; type < 32; type++) {
                if (probes[probe].transfers && sizeof(word) == 4 && (type == 1 || type == 5 || type == 9)) continue;
                for (int size = 0; size < (probes[probe].transfers && (type & 0x18) == 0x18 ? 4 : 1); size++) row(probe, cpl, type, size);
            }
    for (int cpl = 0; cpl < 4; cpl += 3)
        for (int iopl = 0; iopl < 4; iopl++) {
            flags_row("popf", probe_popf, cpl, iopl);
            flags_row("popfw", probe_popfw, cpl, iopl);
        }
    text("end\n");
    __asm__ volatile("cli\n hlt");
}
