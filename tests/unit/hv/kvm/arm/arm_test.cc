#include "tests/unit/hv/kvm/guest.h"
#include "tests/unit/hv/kvm/guest_program.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;

// Offsets from VBAR_EL1 for exceptions of EL1 itself. Arm DDI 0487, "Exception vectors"
constexpr uint64_t kSynchronous = 0x200;
constexpr uint64_t kInterrupt = 0x280;

#define DEVICE "mov x1, #0xd0000000\n"
#define END "str w0, [x1, #0x7f0]\n"
#define HANDLERS "mov x0, #0x3000\n msr vbar_el1, x0\n isb\n"

GUEST_PROGRAM(power_off, "movz w0, #0x8400, lsl #16\n movk w0, #8\n hvc #0\n")  // PSCI SYSTEM_OFF
GUEST_PROGRAM(reset, "movz w0, #0x8400, lsl #16\n movk w0, #9\n hvc #0\n")      // PSCI SYSTEM_RESET

// Opens both of the machine's interrupts, the edge as such, and says so; Arm IHI 0069, chapter 12.
GUEST_PROGRAM(take_interrupts, DEVICE HANDLERS
              "mov x2, #0x08000000\n mov w0, #0x12\n str w0, [x2]\n"           // GICD_CTLR: affinity routing, group 1
              "mov w0, #-1\n str w0, [x2, #0x84]\n"                            // GICD_IGROUPR1: group 1
              "mov w0, #2\n str w0, [x2, #0xc0c]\n"                            // GICD_ICFGR3: 48 is an edge
              "mov w0, #0x20\n movk w0, #1, lsl #16\n str w0, [x2, #0x104]\n"  // GICD_ISENABLER1: 37 and 48
              "mov x0, #0xff\n msr S3_0_C4_C6_0, x0\n mov x0, #1\n msr S3_0_C12_C12_7, x0\n"  // ICC_PMR, ICC_IGRPEN1
              "isb\n" END "msr daifclr, #2\n str w0, [x1, #8]\n 1: wfi\n b 1b\n")
// ICC_IAR1 says which; the device lowers the line; ICC_EOIR1.
GUEST_PROGRAM(interrupt_handler, "mrs x0, S3_0_C12_C12_0\n str w0, [x1]\n msr S3_0_C12_C12_1, x0\n" END "eret\n")

// Each instruction is to fault, and the handler goes on behind it. What is no RAM answers the kernel's questions of an
// instruction that says too little of itself (the pairs) with an external abort, and is no code.
#define FAULTING(instruction) "adr x12, 2f\n" instruction "\n 2:\n"
GUEST_PROGRAM(fault_on_everything,
              DEVICE HANDLERS "mov x13, #0xc0000000\n mov w15, #100\n 1:\n" FAULTING("udf #0") FAULTING("svc #1")
                  FAULTING("brk #2") FAULTING("ldxr x0, [x13]") FAULTING("ldp x2, x3, [x13]")
                      FAULTING("stp x2, x3, [x13]") FAULTING("br x13") FAULTING("fmov d0, x0")
                          FAULTING("mrs x0, S3_0_C15_C15_7") "subs w15, w15, #1\n b.ne 1b\n str x11, [x1]\n" END)
GUEST_PROGRAM(fault_handler, "msr elr_el1, x12\n add x11, x11, #1\n eret\n")

class ArmGuest : public KvmGuest {
 protected:
  void handle(uint64_t vector, std::span<const std::byte> program) {
    ASSERT_TRUE(memory_->write(kHandlers + vector, program));
  }

  /// The guest takes its interrupts, and lowers the line when it does.
  void start_with_interrupts() {
    handle(kInterrupt, interrupt_handler());
    device_.on_write = [this](const Access& access) {
      if (access.offset == 0) machine_->gic().set_line(Machine::kLevel, false);
      if (access.offset == kEnd) vcpu().request_exit();
      if (access.offset == 8) vcpu().request_exit();
    };
    start(take_interrupts());
    run_to_end();
  }
};

TEST_F(ArmGuest, ThePsciOfTheKernelPowersOffAndReboots) {
  start(power_off());
  EXPECT_EQ(must(vcpu().run()).reason, Exit::Reason::shutdown);
  make();
  start(reset());
  EXPECT_EQ(must(vcpu().run()).reason, Exit::Reason::reboot);
}

TEST_F(ArmGuest, LinesInterruptTheGuest) {
  start_with_interrupts();
  run_to_end();  // it waits
  machine_->gic().set_line(Machine::kLevel, true);
  run_to_end();
  machine_->gic().set_line(Machine::kEdge, true);
  run_to_end();
  EXPECT_THAT(written(),
              ElementsAre(Access{8, 4, 1}, Access{0, 4, 32 + Machine::kLevel}, Access{0, 4, 32 + Machine::kEdge}));
}

TEST_F(ArmGuest, AnInterruptThatWaitsIsSavedWithItsController) {
  start_with_interrupts();
  machine_->gic().set_line(Machine::kLevel, true);
  machine_->gic().set_line(Machine::kEdge, true);
  StateWriter before;
  machine_->save(before);

  make();
  StateReader reader(before.data());
  must(machine_->load(reader));
  run_to_end();
  run_to_end();
  EXPECT_THAT(written(), ElementsAre(Access{0, 4, 32 + Machine::kLevel}, Access{0, 4, 32 + Machine::kEdge}));
}

TEST_F(ArmGuest, TheControllersStateIsTheSameAfterLoading) {
  start_with_interrupts();
  machine_->gic().set_line(Machine::kLevel, true);
  StateWriter before, after;
  machine_->gic().save(before);
  make();
  StateReader reader(before.data());
  must(machine_->gic().load(reader));
  machine_->gic().save(after);
  EXPECT_THAT(after.data(), testing::ElementsAreArray(before.data()));
}

TEST_F(ArmGuest, AGuestFaultsOnEverythingAndGoesOn) {
  handle(kSynchronous, fault_handler());
  start(fault_on_everything());
  run_to_end();
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, 900}));
}

}  // namespace
}  // namespace hv::kvm::test
