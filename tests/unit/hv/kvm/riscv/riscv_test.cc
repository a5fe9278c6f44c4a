#include "tests/unit/hv/kvm/guest.h"
#include "tests/unit/hv/kvm/guest_program.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;

#define PROGRAM(name, text) GUEST_PROGRAM(name, ".option push\n.option norelax\n.option norvc\n" text "\n.option pop")
#define DEVICE "li s1, 0xd0000000\n"
#define END "sw a0, 0x7f0(s1)\n"
#define HANDLER "li a0, 0x3000\n csrw stvec, a0\n"

// RISC-V SBI 2.0, chapter 10: SRST, type in a0
PROGRAM(power_off, "li a7, 0x53525354\n li a6, 0\n li a0, 0\n li a1, 0\n ecall\n")
PROGRAM(reset, "li a7, 0x53525354\n li a6, 0\n li a0, 1\n li a1, 0\n ecall\n")

// Chapter 12: DBCN; what it answers goes to the device.
PROGRAM(
    print_data, DEVICE
    "li a7, 0x4442434e\n li a6, 0\n li a0, 5\n li a1, 0x2000\n li a2, 0\n ecall\n sd a0, 0(s1)\n sd a1, 8(s1)\n" END)
PROGRAM(print_hole,
        DEVICE "li a7, 0x4442434e\n li a6, 0\n li a0, 5\n li a1, 0xc0000000\n li a2, 0\n ecall\n sd a0, 0(s1)\n" END)

PROGRAM(take_interrupts, DEVICE HANDLER "li a0, 0x200\n csrs sie, a0\n" END "csrsi sstatus, 2\n 1: wfi\n j 1b\n")
// What the trap was goes to the device.
PROGRAM(report_cause, "csrr a0, scause\n sd a0, 0(s1)\n" END "sret\n")

// Each instruction is to fault, and the handler goes on behind it.
#define FAULTING(instruction) "lla s2, 2f\n" instruction "\n 2:\n"
PROGRAM(fault_on_everything, DEVICE HANDLER
        "li s4, 0x5001\n li s5, 100\n 1:\n" FAULTING(".word 0") FAULTING("ebreak") FAULTING("csrr a0, 0x5c0")
            FAULTING("csrw 0xc00, a0") FAULTING("mret") FAULTING("lr.d a0, (s4)") FAULTING("fmv.x.d a0, f0")
                FAULTING("csrr a0, mstatus") "addi s5, s5, -1\n bnez s5, 1b\n sd s3, 0(s1)\n" END)
PROGRAM(fault_handler, "csrw sepc, s2\n addi s3, s3, 1\n sret\n")

PROGRAM(jump_to_hole, DEVICE HANDLER "li a0, 0xc0000000\n jr a0\n")
PROGRAM(atomic_on_device, DEVICE HANDLER "amoadd.w a0, a0, (s1)\n" END)

class RiscvGuest : public KvmGuest {
 protected:
  void handle(std::span<const std::byte> program) { ASSERT_TRUE(memory_->write(kHandlers, program)); }
};

TEST_F(RiscvGuest, TheSbiOfTheKernelPowersOffAndReboots) {
  start(power_off());
  EXPECT_EQ(must(vcpu().run()).reason, Exit::Reason::shutdown);
  make();
  start(reset());
  EXPECT_EQ(must(vcpu().run()).reason, Exit::Reason::reboot);
}

TEST_F(RiscvGuest, TheDebugConsolePrintsMemoryAndNothingElse) {
  ASSERT_TRUE(memory_->write(kData, std::as_bytes(std::span("hello").first(5))));
  start(print_data());
  run_to_end();
  EXPECT_EQ(machine_->printed(), "hello");
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, 0}, Access{8, 8, 5}));

  device_.writes.clear();
  make();
  start(print_hole());
  run_to_end();
  EXPECT_EQ(machine_->printed(), "");
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, static_cast<uint64_t>(-3)}));  // SBI_ERR_INVALID_PARAM
}

TEST_F(RiscvGuest, TheExternalInterruptInterruptsTheGuest) {
  handle(report_cause());
  start(take_interrupts());
  run_to_end();
  vcpu().set_interrupt(riscv::kSupervisorExternal, true);
  run_to_end();
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, (uint64_t{1} << 63) | 9}));
}

TEST_F(RiscvGuest, AnInterruptThatWaitsIsSavedWithItsHart) {
  handle(report_cause());
  start(take_interrupts());
  run_to_end();
  vcpu().set_interrupt(riscv::kSupervisorExternal, true);
  StateWriter writer;
  machine_->save(writer);
  make();
  StateReader reader(writer.data());
  must(machine_->load(reader));
  run_to_end();
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, (uint64_t{1} << 63) | 9}));
}

TEST_F(RiscvGuest, AGuestFaultsOnEverythingAndGoesOn) {
  handle(fault_handler());
  start(fault_on_everything());
  run_to_end();
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, 800}));
}

/// Kernels differ in what they have no answer to: the guest gets a fault, or it cannot go on.
TEST_F(RiscvGuest, CodeOutsideOfMemoryAndAtomicsOnDevicesAreFaultsOrCrashes) {
  for (const auto& program : {jump_to_hole(), atomic_on_device()}) {
    device_.writes.clear();
    make();
    handle(report_cause());
    start(program);
    const auto exit = vcpu().run();
    ASSERT_TRUE(exit) << exit.error().message;
    EXPECT_TRUE(exit->reason == Exit::Reason::crashed || written().size() == 1) << exit->detail;
  }
}

}  // namespace
}  // namespace hv::kvm::test
