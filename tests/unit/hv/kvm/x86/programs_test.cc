#include "tests/unit/hv/kvm/x86/x86_guest.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// out dx, al to port 0x50f: the test's end.
#define END_PROGRAM 0xba, 0x0f, 0x05, 0xee

TEST_F(X86Guest, RealModeReadsAndWritesPorts) {
  // mov dx, 0x502; in al, dx; inc dx; out dx, al; out dx, ax; end
  start_real({0xba, 0x02, 0x05, 0xec, 0x42, 0xee, 0xb4, 0x12, 0xef, END_PROGRAM});
  run_to_end();
  EXPECT_THAT(port_.writes, ElementsAre(Access{3, 1, 0xa2}, Access{3, 2, 0x12a2}, Access{15, 1, 0xa2}));
}

TEST_F(X86Guest, StringInstructionsAccessAPortForEachElement) {
  // mov cx, 3; mov si, 0x1100; mov dx, 0x501; cld; rep outsb; end
  ASSERT_TRUE(memory_->store<uint32_t>({0x1100}, 0x00'636261));
  start_real({0xb9, 0x03, 0x00, 0xbe, 0x00, 0x11, 0xba, 0x01, 0x05, 0xfc, 0xf3, 0x6e, END_PROGRAM});
  run_to_end();
  EXPECT_THAT(port_.writes, ElementsAre(Access{1, 1, 'a'}, Access{1, 1, 'b'}, Access{1, 1, 'c'}, testing::_));
}

TEST_F(X86Guest, ATripleFaultIsACrashWithRegisters) {
  store(kCode, {0x0f, 0x0b});  // ud2, with no interrupt table
  must(machine_->start());
  const auto exit = vcpu().run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::crashed);
  EXPECT_THAT(exit->detail, HasSubstr("triple fault"));
  EXPECT_THAT(exit->detail, HasSubstr("rax 0"));
}

TEST_F(X86Guest, AnInterruptLineInterruptsTheGuest) {
  port_.on_write = [this](const Access& access) {
    if (access.offset == 0) machine_->irqchip().set_line(Machine::kInterrupt, true);
    if (access.offset == 0xf) vcpu().request_exit();
  };
  // Real mode, both 8259As set up with vectors from 0x20: the handler of vector 0x25 ends the test.
  store({0x1800}, {END_PROGRAM, 0xeb, 0xfe});
  ASSERT_TRUE(memory_->store<uint32_t>({0x25 * 4}, 0x0000'1800));
  // cli; icw1..4 and mask of the master; sti; hlt; jmp -3
  start_real({0xfa, 0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x20, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01,
              0xe6, 0x21, 0xb0, 0xdf, 0xe6, 0x21, 0xfb, 0xba, 0x00, 0x05, 0xee, 0xf4, 0xeb, 0xfd});
  run_to_end();
  EXPECT_EQ(port_.writes.back().offset, 0xfu);
}

}  // namespace
}  // namespace hv::kvm::test
