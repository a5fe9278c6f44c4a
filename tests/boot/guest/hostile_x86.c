// A bare-metal x86-64 program, started by its PVH note, that attacks the machine from outside its memory: registers in
// memory, ports, queues, model-specific registers, ACPI's registers, each for as many seconds as the command line says
// ("seconds=2 seed=7"), on the machine's first processor. It leaves out what would rightly end the machine or itself: the
// values that power off and reset, and interrupts to itself that start the processor anew (INIT, SIPI, SMI). After each
// kind of attack every disk must still work; then it powers off.

#include <stdint.h>

static const uint64_t kArena = 0x600000, kRamEnd = 0x1000000;  // 16 MiB of RAM; the program begins at 2 MiB
static const uint64_t kEdge = 0xd0000000;
static const uint64_t kFirstSlot = 0xd0000000, kSlotSize = 0x1000, kSlots = 18;
enum Port { kClock = 0x70, kKeyboard = 0x64, kSerial = 0x3f8, kPower = 0x600, kReset = 0x602 };

// A PVH kernel starts in 32-bit protected mode with ebx pointing to struct hvm_start_info. These page tables map the first
// 4 GiB as they are; every exception goes on at `recover`, with nothing said of it.
__asm__(
    ".pushsection .note.Xen, \"a\", @note\n"
    ".long 4, 4, 18\n"
    ".asciz \"Xen\"\n"
    ".long start\n"
    ".popsection\n"
    ".pushsection .text.start, \"ax\"\n"
    ".global start\n"
    ".code32\n"
    "start:\n"
    "  cli\n"
    "  movl $stack_top, %esp\n"
    "  movl %ebx, start_info\n"
    "  movl $pointers + 3, level4\n"
    "  movl $directories + 3, %eax\n"
    "  xorl %ecx, %ecx\n"
    "1: movl %eax, pointers(, %ecx, 8)\n"
    "  addl $0x1000, %eax\n"
    "  incl %ecx\n"
    "  cmpl $4, %ecx\n"
    "  jne 1b\n"
    "  movl $0x83, %eax\n"
    "  xorl %ecx, %ecx\n"
    "1: movl %eax, directories(, %ecx, 8)\n"
    "  addl $0x200000, %eax\n"
    "  incl %ecx\n"
    "  cmpl $2048, %ecx\n"
    "  jne 1b\n"
    "  movl %cr4, %eax\n"
    "  orl $0x20, %eax\n"
    "  movl %eax, %cr4\n"
    "  movl $level4, %eax\n"
    "  movl %eax, %cr3\n"
    "  movl $0xc0000080, %ecx\n"
    "  rdmsr\n"
    "  orl $0x100, %eax\n"
    "  wrmsr\n"
    "  movl %cr0, %eax\n"
    "  orl $0x80000000, %eax\n"
    "  movl %eax, %cr0\n"
    "  lgdt gdt_pointer\n"
    "  ljmp $8, $start64\n"
    ".code64\n"
    "start64:\n"
    "  movl $16, %eax\n"
    "  movl %eax, %ds\n"
    "  movl %eax, %es\n"
    "  movl %eax, %ss\n"
    "  movq $stack_top, %rsp\n"
    "  call main\n"
    "1: hlt\n"
    "  jmp 1b\n"
    "on_exception:\n"
    "  movq recover_stack, %rsp\n"
    "  jmpq *recover\n"
    "on_nmi:\n"
    "  iretq\n"
    ".popsection\n"
    ".pushsection .data\n"
    ".balign 8\n"
    "gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
    "gdt_pointer: .word 23\n"
    "  .long gdt\n"
    ".popsection\n"
    ".pushsection .bss\n"
    ".balign 4096\n"
    "level4: .skip 4096\n"
    "pointers: .skip 4096\n"
    "directories: .skip 4 * 4096\n"
    "  .skip 16384\n"
    "stack_top:\n"
    ".popsection\n");

uint32_t start_info;
uint64_t recover, recover_stack;
extern char on_exception[], on_nmi[];

// What may fault: on an exception the program goes on behind it.
#define GUARDED(instruction, ...)                                                                                      \
  __asm__ volatile("leaq 1f(%%rip), %%r11; movq %%r11, recover; movq %%rsp, recover_stack; " instruction "; 1:" \
                   __VA_ARGS__)

static uint64_t random_state = 0x9e3779b97f4a7c15;
static uint64_t random_number(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}
static void fence(void) { __asm__ volatile("mfence" ::: "memory"); }

#include "hostile_virtio.h"

static void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "d"(port)); }
static uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port));
  return value;
}

static void print(const char* text) {
  static const uint8_t reset[][2] = {{3, 3}, {1, 0}, {2, 0}, {4, 0}};  // line and modem control, no interrupts
  for (unsigned i = 0; i < 4; ++i) out8((uint16_t)(kSerial + reset[i][0]), reset[i][1]);
  while (*text) out8(kSerial, (uint8_t)*text++);
}

static void set_exceptions(void) {
  static struct {
    uint16_t low, selector, type, middle;
    uint32_t high, reserved;
  } gates[256] __attribute__((aligned(16)));
  for (unsigned i = 0; i < 256; ++i) {
    const uint64_t handler = (uint64_t)(i == 2 ? on_nmi : on_exception);
    gates[i].low = (uint16_t)handler;
    gates[i].selector = 8;
    gates[i].type = 0x8e00;
    gates[i].middle = (uint16_t)(handler >> 16);
    gates[i].high = (uint32_t)(handler >> 32);
  }
  const struct {
    uint16_t limit;
    uint64_t base;
  } __attribute__((packed)) table = {sizeof gates - 1, (uint64_t)gates};
  __asm__ volatile("lidt %0" ::"m"(table));
}

// The number after `key` on the command line.
static uint64_t option(const char* key, uint64_t otherwise) {
  const char* text = (const char*)*(uint64_t*)((uint64_t)start_info + 24);
  for (; *text; ++text) {
    const char *a = text, *b = key;
    while (*b && *a == *b) ++a, ++b;
    if (*b) continue;
    uint64_t value = 0;
    while (*a >= '0' && *a <= '9') value = 10 * value + (uint64_t)(*a++ - '0');
    return value;
  }
  return otherwise;
}

// As a register of the local APIC, an entry of the IOAPIC or a command: without what starts this processor anew.
static uint64_t no_restart(uint64_t value) {
  const uint64_t mode = value >> 8 & 7;
  return mode == 2 || mode == 5 || mode == 6 ? value & ~(uint64_t)0x700 : value;
}

static void attack_memory(void) {
  uint64_t where = 0;
  switch (random_below(8)) {
    case 0: where = 0xfee00000 + random_below(0x1000); break;
    case 1: where = 0xfec00000 + random_below(0x20); break;
    case 2: where = 0xc0000000 + random_below(0x3ffffff0); break;
    case 3: where = kFirstSlot + random_below(kSlots + 2) * kSlotSize - 8 + random_below(16); break;
    default: where = kFirstSlot + random_below(kSlots) * kSlotSize + random_below(0x200); break;
  }
  const uint64_t value = random_below(2) ? no_restart(random_number()) : random_below(64);
  switch (random_below(12)) {
    case 0: GUARDED("movb %b0, (%1)", ::"r"(value), "r"(where) : "r11", "memory"); break;
    case 1: GUARDED("movw %w0, (%1)", ::"r"(value), "r"(where) : "r11", "memory"); break;
    case 2: GUARDED("movq %0, (%1)", ::"r"(value), "r"(where) : "r11", "memory"); break;
    case 3: GUARDED("movb (%0), %%al", ::"r"(where) : "r11", "rax", "memory"); break;
    case 4: GUARDED("movw (%0), %%ax", ::"r"(where) : "r11", "rax", "memory"); break;
    case 5: GUARDED("movq (%0), %%rax", ::"r"(where) : "r11", "rax", "memory"); break;
    case 6: GUARDED("movl (%0), %%eax", ::"r"(where & ~3ull) : "r11", "rax", "memory"); break;
    case 7: GUARDED("lock addl %k0, (%1)", ::"r"((uint32_t)value & 0xff), "r"(where & ~3ull) : "r11", "memory", "cc"); break;
    case 8:
      GUARDED("rep movsl", : : "S"(where & ~3ull), "D"(kArena), "c"(random_below(64)) : "r11", "memory");
      break;
    default: GUARDED("movl %k0, (%1)", ::"r"(value), "r"(where & ~3ull) : "r11", "memory"); break;
  }
}

// Whether the machine would rightly end.
static int ends_machine(uint16_t port, unsigned size, uint64_t value) {
  if (size != 1) return 0;
  return (port == kPower && (value & 0x20) != 0) || (port == kReset && (value & 0xff) == 1) ||
         (port == kKeyboard && (value & 0xff) == 0xfe);
}

static void access_port(uint16_t port, uint64_t value) {
  static uint8_t bytes[256];
  for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(i & 0x1e);  // none of the values that end it
  const uint64_t count = random_below(16);
  const unsigned kind = (unsigned)random_below(12);
  if (ends_machine(port, kind == 0 ? 1 : 4, value)) return;
  switch (kind) {
    case 0: GUARDED("outb %b0, %w1", ::"a"(value), "d"(port) : "r11"); break;
    case 1: GUARDED("outw %w0, %w1", ::"a"(value), "d"(port) : "r11"); break;
    case 2: GUARDED("outl %k0, %w1", ::"a"(value), "d"(port) : "r11"); break;
    case 3: GUARDED("inb %w0, %%al", ::"d"(port) : "r11", "rax"); break;
    case 4: GUARDED("inw %w0, %%ax", ::"d"(port) : "r11", "rax"); break;
    case 5: GUARDED("inl %w0, %%eax", ::"d"(port) : "r11", "rax"); break;
    case 6: GUARDED("rep insb", ::"D"(kArena), "c"(count), "d"(port) : "r11", "memory"); break;
    case 7: GUARDED("rep insl", ::"D"(kArena), "c"(count), "d"(port) : "r11", "memory"); break;
    case 8: GUARDED("rep outsw", ::"S"(bytes), "c"(count), "d"(port) : "r11", "memory"); break;
    case 9: GUARDED("rep outsl", ::"S"(bytes), "c"(count), "d"(port) : "r11", "memory"); break;
    case 10: GUARDED("rep outsb", ::"S"(bytes), "c"(count), "d"(port) : "r11", "memory"); break;
    default: GUARDED("outb %b0, %w1", ::"a"(value & 0x1e), "d"(port) : "r11"); break;
  }
}

static void attack_ports(void) {
  static const uint16_t ports[] = {0x20, 0x40, 0x60, 0x70, 0x80, 0xa0, 0x3f8, 0x4d0, 0xcf8};
  const uint64_t near = ports[random_below(sizeof ports / sizeof *ports)] + random_below(8);
  access_port((uint16_t)(random_below(4) ? near : random_number()), random_number());
}

static void attack_acpi(void) {
  access_port((uint16_t)(kPower - 2 + random_below(10)), random_below(2) ? random_number() : random_below(64));
}

static void attack_queues(void) {
  const uint64_t slot = kFirstSlot + random_below(kSlots) * kSlotSize;
  if (is_device(slot)) disturb(slot);
}

static void attack_msrs(void) {
  uint32_t index = 0;
  switch (random_below(8)) {
    case 0: index = 0xc0000000 + (uint32_t)random_below(0x400); break;
    case 1: index = 0xc0010000 + (uint32_t)random_below(0x400); break;
    case 2: index = 0x4b564d00 + (uint32_t)random_below(16); break;  // KVM's own
    case 3: index = 0x40000000 + (uint32_t)random_below(0x200); break;
    case 4: index = 0x800 + (uint32_t)random_below(0x100); break;
    case 5: index = (uint32_t)random_number(); break;
    default: index = (uint32_t)random_below(0x1000); break;
  }
  uint64_t value = no_restart(random_number());
  if (random_below(2)) value = no_restart(kArena + random_below(0x10000));  // KVM writes where some of its own say
  if (random_below(4) == 0) value = random_below(16);
  GUARDED("rdmsr", ::"c"(index) : "r11", "rax", "rdx");
  if (random_below(4)) GUARDED("wrmsr", ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "r11", "memory");
}

static uint8_t second(void) {
  out8(kClock, 0);
  return in8(kClock + 1);
}

static int disks_work(void) {
  int disks = 0;
  for (uint64_t slot = kFirstSlot; slot < kFirstSlot + kSlots * kSlotSize; slot += kSlotSize) {
    if (!is_device(slot)) continue;
    reset(slot);
    if (read32(slot + kDeviceId) != kBlockDevice) continue;
    if (!disk_works(slot)) return 0;
    ++disks;
  }
  return disks;
}

static const struct Attack {
  const char* name;
  void (*once)(void);
} kAttacks[] = {{"memory ", attack_memory},
                {"ports ", attack_ports},
                {"acpi ", attack_acpi},
                {"queues ", attack_queues},
                {"msrs ", attack_msrs}};

int main(void) {
  set_exceptions();
  const uint64_t seconds = option("seconds=", 2);
  random_state ^= option("seed=", 0) << 20;
  for (unsigned i = 0; i < sizeof kAttacks / sizeof *kAttacks; ++i) {
    uint8_t now = second();
    for (uint64_t left = seconds; left != 0;) {
      for (unsigned repeat = 0; repeat < 64; ++repeat) kAttacks[i].once();
      const uint8_t then = now;
      now = second();
      left -= now != then;
    }
    print("\nattacked: ");
    print(kAttacks[i].name);
    if (!disks_work()) print("and no disk works\n");
  }
  print("\nthe machine was attacked in every way\n");
  for (;;) out8(kPower, 5 << 2 | 0x20);
}
