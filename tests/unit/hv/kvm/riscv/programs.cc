#include "tests/unit/hv/kvm/programs.h"

#include "tests/unit/hv/kvm/guest_program.h"
#include "tests/unit/hv/kvm/hostile_words.h"

namespace hv::kvm::test {

#define PROGRAM(name, text)                                                                         \
  GUEST_PROGRAM(name##_code, ".option push\n.option norelax\n.option norvc\n" text "\n.option pop") \
  std::span<const std::byte> name() { return name##_code(); }
#define DEVICE "li s1, 0xd0000000\n"
#define END "sw a0, 0x7f0(s1)\n"

PROGRAM(spin, "1: j 1b")
PROGRAM(wait, "1: wfi\n j 1b")
PROGRAM(ring, DEVICE "1: sw a0, 0(s1)\n j 1b")
PROGRAM(access_device,
        DEVICE "lw a0, 0x10(s1)\n sw a0, 0x14(s1)\n ld a1, 0x18(s1)\n sd a1, 0x20(s1)\n sb a0, 0x11(s1)\n" END)
PROGRAM(ring_doorbell, DEVICE "li a0, 1\n sw zero, 0x50(s1)\n sw a0, 0x50(s1)\n" END)
PROGRAM(read_hole, DEVICE "li a1, 0xc0000000\n ld a0, 0(a1)\n li a1, 0x2000\n sd a0, 0(a1)\n" END)
PROGRAM(write_pages, DEVICE "li a1, 0x5000\n sd a0, 0(a1)\n" END "li a1, 0x6000\n sd a0, 0(a1)\n" END)
// sstatus.FS is to be switched on.
PROGRAM(keep_values,
        DEVICE "li a0, 0x2000\n csrs sstatus, a0\n li s2, 0x1122334455667788\n fmv.d.x f9, s2\n csrw sscratch, s2\n" END
               "sd s2, 0(s1)\n fmv.x.d a0, f9\n sd a0, 8(s1)\n csrr a0, sscratch\n sd a0, 16(s1)\n" END)

// The device, memory and what is none; calls of the SBI, the kernel's and the program's.
PROGRAM(hostile_snippets,
        "lui s1, 0xd0000\n lui s1, 0xc0000\n lui s1, 0x5\n addi s1, s1, 0x100\n slli s1, s1, 1\n not a0, a0\n"
        "addi a7, zero, 1\n addi a7, zero, 2\n addi a7, zero, 8\n addi a7, a7, 1\n addi a6, a6, 1\n"
        "lui a7, 0x54495\n lui a7, 0x4442\n lui a7, 0x52465\n ecall\n ecall\n ebreak\n wfi\n sret\n jr s1\n"
        "ld a0, 0(s1)\n lw a1, 4(s1)\n lbu a1, 3(s1)\n sd a0, 0(s1)\n sw a0, 4(s1)\n sh a0, 2(s1)\n fld f1, 0(s1)\n"
        "fsd f1, 0(s1)\n lr.d a1, (s1)\n sc.d a2, a0, (s1)\n amoadd.w a1, a0, (s1)\n fence.i\n sfence.vma\n"
        "csrw satp, a0\n csrw stvec, s1\n csrs sstatus, a0\n csrs sie, a0\n csrs sip, a0\n csrw sepc, s1\n"
        "csrr a0, time\n csrr a0, cycle\n csrw scounteren, a0\n csrrw a1, 0x015, a0\n csrw 0x14d, a0\n csrr a0, 0x600\n"
        "csrw senvcfg, a0\n csrw 0x150, a0\n csrr a0, 0x151\n")

std::vector<std::byte> hostile_code(std::mt19937_64& random) { return hostile_words(random, hostile_snippets()); }

}  // namespace hv::kvm::test
