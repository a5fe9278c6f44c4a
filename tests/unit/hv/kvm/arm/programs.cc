#include "tests/unit/hv/kvm/programs.h"

#include "tests/unit/hv/kvm/guest_program.h"
#include "tests/unit/hv/kvm/hostile_words.h"

namespace hv::kvm::test {

#define PROGRAM(name, text)        \
  GUEST_PROGRAM(name##_code, text) \
  std::span<const std::byte> name() { return name##_code(); }
#define DEVICE "mov x1, #0xd0000000\n"
#define END "str w0, [x1, #0x7f0]\n"

PROGRAM(spin, "1: b 1b")
PROGRAM(wait, "1: wfi\n b 1b")
PROGRAM(ring, DEVICE "1: str w0, [x1]\n b 1b")
PROGRAM(access_device, DEVICE
        "ldr w0, [x1, #0x10]\n str w0, [x1, #0x14]\n ldr x2, [x1, #0x18]\n str x2, [x1, #0x20]\n"
        "strb w0, [x1, #0x11]\n" END)
PROGRAM(ring_doorbell, DEVICE "mov w0, #1\n str wzr, [x1, #0x50]\n str w0, [x1, #0x50]\n" END)
PROGRAM(read_hole, DEVICE "mov x2, #0xc0000000\n ldr x0, [x2]\n mov x2, #0x2000\n str x0, [x2]\n" END)
PROGRAM(write_pages, DEVICE "mov x2, #0x5000\n str x0, [x2]\n" END "mov x2, #0x6000\n str x0, [x2]\n" END)
// CPACR_EL1.FPEN is to be switched on.
PROGRAM(keep_values, DEVICE
        "mov x0, #0x300000\n msr cpacr_el1, x0\n isb\n"
        "movz x9, #0x7788\n movk x9, #0x5566, lsl #16\n movk x9, #0x3344, lsl #32\n movk x9, #0x1122, lsl #48\n"
        "fmov d9, x9\n msr tpidr_el1, x9\n" END
        "str x9, [x1]\n fmov x0, d9\n str x0, [x1, #8]\n mrs x0, tpidr_el1\n str x0, [x1, #16]\n" END)

// The interrupt controller, the device, memory and what is none; calls of the kernel's PSCI.
GUEST_PROGRAM(hostile_snippets,
              "mov x1, #0xd0000000\n mov x1, #0x08000000\n mov x1, #0xc0000000\n mov x1, #0x5000\n"
              "add x1, x1, #0x100\n add x1, x1, #0xa0, lsl #12\n mov x0, #-1\n mov w0, #0x84000000\n"
              "add w0, w0, #3\n hvc #0\n smc #0\n svc #0\n wfi\n eret\n br x1\n"
              "ldr x0, [x1]\n ldr w2, [x1, #4]\n ldrb w2, [x1, #3]\n str x0, [x1]\n str w0, [x1, #4]\n"
              "strh w0, [x1, #2]\n ldp x2, x3, [x1]\n stp x0, x2, [x1]\n ldr x2, [x1], #8\n ldxr x2, [x1]\n"
              "ldr q0, [x1]\n stxr w3, x0, [x1]\n dc zva, x1\n dc civac, x1\n ic iallu\n tlbi vmalle1\n"
              "msr sctlr_el1, x0\n msr ttbr0_el1, x1\n msr tcr_el1, x0\n msr vbar_el1, x1\n msr daifclr, #15\n"
              "msr S3_0_C12_C12_7, x0\n msr S3_0_C4_C6_0, x0\n mrs x0, S3_0_C12_C12_0\n msr S3_0_C12_C12_1, x0\n"
              "msr S3_0_C12_C11_5, x0\n msr cntv_cval_el0, x0\n msr cntv_ctl_el0, x1\n msr oslar_el1, x0\n"
              "mrs x2, pmcr_el0\n msr pmcr_el0, x0\n msr mdscr_el1, x0\n mrs x0, mpidr_el1\n")

std::vector<std::byte> hostile_code(std::mt19937_64& random) { return hostile_words(random, hostile_snippets()); }

}  // namespace hv::kvm::test
