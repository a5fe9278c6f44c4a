// A bare-metal driver that breaks the rules of VIRTIO 1.2: for every device of the machine it sets up queues anywhere,
// fills them with loops, wild addresses and lengths, kicks them and writes to registers at random, on every hart at the
// same time. It stays off its own memory. Then each disk must still work, and the program ends with status 0.

#include <stdint.h>

enum { kHarts = 4, kRounds = 100 };

static const uint64_t kArena = 0x80400000, kRamEnd = 0x81000000;  // 16 MiB of RAM, the first 4 MiB are the program's
static const uint64_t kEdge = 0x80000000;  // where RAM begins
static const uint64_t kFirstSlot = 0x10001000, kSlotSize = 0x1000, kSlots = 24;

volatile uint64_t tohost, fromhost;

static volatile unsigned harts_done;

// Each hart has 16 KiB of stack; hart 0 ends the machine. An access that traps is skipped.
__asm__(
    ".option push\n"
    ".option norvc\n"
    ".pushsection .text.start, \"ax\"\n"
    ".global _start\n"
    "_start:\n"
    "  la t0, skip\n"
    "  csrw mtvec, t0\n"
    "  csrr a0, mhartid\n"
    "  la sp, stacks\n"
    "  addi t0, a0, 1\n"
    "  slli t0, t0, 14\n"
    "  add sp, sp, t0\n"
    "  call main\n"
    "  csrr t0, mhartid\n"
    "  bnez t0, park\n"
    "  slli a0, a0, 1\n"
    "  ori a0, a0, 1\n"
    "  la t0, tohost\n"
    "  sd a0, 0(t0)\n"
    "park:\n"
    "  wfi\n"
    "  j park\n"
    ".balign 4\n"
    "skip:\n"
    "  csrw mscratch, t0\n"
    "  csrr t0, mepc\n"
    "  addi t0, t0, 4\n"
    "  csrw mepc, t0\n"
    "  csrr t0, mscratch\n"
    "  mret\n"
    ".popsection\n"
    ".pushsection .bss\n"
    ".balign 16\n"
    "stacks: .skip 65536\n"
    ".popsection\n"
    ".option pop\n");

static uint64_t random_number(void) {
  static uint64_t states[kHarts] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d};
  uint64_t hart;
  __asm__("csrr %0, mhartid" : "=r"(hart));
  uint64_t* const state = &states[hart];
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}
static void fence(void) { __asm__ volatile("fence iorw, iorw" ::: "memory"); }

#include "hostile_virtio.h"

static void print(const char* text) {
  while (*text) *(volatile uint8_t*)0x10000000 = (uint8_t)*text++;
}

int main(uint64_t hart) {
  for (uint64_t i = 0; i < kSlots; ++i) {
    const uint64_t slot = kFirstSlot + (i + hart) % kSlots * kSlotSize;
    if (!is_device(slot)) continue;
    for (int round = 0; round < kRounds; ++round) disturb(slot);
  }
  __atomic_fetch_add(&harts_done, 1, __ATOMIC_SEQ_CST);
  if (hart != 0) return 0;
  while (harts_done != kHarts) fence();

  int disks = 0;
  for (uint64_t slot = kFirstSlot; slot < kFirstSlot + kSlots * kSlotSize; slot += kSlotSize) {
    if (!is_device(slot)) continue;
    reset(slot);
    if (read32(slot + kDeviceId) != kBlockDevice) continue;
    if (!disk_works(slot)) return 3;
    ++disks;
  }
  print("every device was disturbed, and the disks work\n");
  return disks > 0 ? 0 : 4;
}
