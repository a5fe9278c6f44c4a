#include <sys/eventfd.h>

#include "hv/base/unique_fd.h"
#include "tests/unit/hv/kvm/kvm_guest.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// out dx, al to port 0x50f: the test's end.
#define END_PROGRAM 0xba, 0x0f, 0x05, 0xee
#define END_PROGRAM_32 0xba, 0x0f, 0x05, 0x00, 0x00, 0xee

TEST_F(KvmGuest, RealModeReadsAndWritesPorts) {
  // mov dx, 0x502; in al, dx; inc dx; out dx, al; out dx, ax; end
  load({0xba, 0x02, 0x05, 0xec, 0x42, 0xee, 0xb4, 0x12, 0xef, END_PROGRAM});
  start_real();
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested);
  EXPECT_THAT(port_.writes, ElementsAre(Access{3, 1, 0xa2}, Access{3, 2, 0x12a2}, Access{15, 1, 0xa2}));
}

TEST_F(KvmGuest, StringInstructionsAccessAPortForEachElement) {
  // mov cx, 3; mov si, 0x1100; mov dx, 0x501; cld; rep outsb; end
  load({0xb9, 0x03, 0x00, 0xbe, 0x00, 0x11, 0xba, 0x01, 0x05, 0xfc, 0xf3, 0x6e, END_PROGRAM});
  ASSERT_TRUE(memory_->store<uint32_t>({0x1100}, 0x00'636261));
  start_real();
  ASSERT_TRUE(vcpu_->run());
  EXPECT_THAT(port_.writes, ElementsAre(Access{1, 1, 'a'}, Access{1, 1, 'b'}, Access{1, 1, 'c'}, testing::_));
}

TEST_F(KvmGuest, LongModeReadsAndWritesDevicesInMemory) {
  // mov ebx, 0xd0000010; mov eax, [rbx]; mov [rbx+4], eax; mov rcx, [rbx+8]; mov [rbx+16], rcx; mov [rbx+1], al; end
  load({0xbb, 0x10, 0x00, 0x00, 0xd0, 0x8b, 0x03, 0x89, 0x43, 0x04, 0x48,
        0x8b, 0x4b, 0x08, 0x48, 0x89, 0x4b, 0x10, 0x88, 0x43, 0x01, END_PROGRAM_32});
  start_long();
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(device_.writes,
              ElementsAre(Access{0x14, 4, 0xb3b2b1b0}, Access{0x20, 8, 0xbfbebdbcbbbab9b8}, Access{0x11, 1, 0xb0}));
}

TEST_F(KvmGuest, AnAddressThatNothingClaimsReadsAsOnes) {
  // mov ebx, 0xc0000000; mov rax, [rbx]; mov [0x2000], rax; end
  load(
      {0xbb, 0x00, 0x00, 0x00, 0xc0, 0x48, 0x8b, 0x03, 0x48, 0x89, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00, END_PROGRAM_32});
  start_long();
  ASSERT_TRUE(vcpu_->run());
  EXPECT_EQ(memory_->load<uint64_t>({0x2000}).value(), ~uint64_t{0});
}

TEST_F(KvmGuest, ATripleFaultIsACrashWithRegisters) {
  load({0x0f, 0x0b});  // ud2, with no interrupt table
  start_long();
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::crashed);
  EXPECT_THAT(exit->detail, HasSubstr("triple fault"));
  EXPECT_THAT(exit->detail, HasSubstr("rax 0"));
}

TEST_F(KvmGuest, ADoorbellRingsWithoutReachingTheBus) {
  const UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ASSERT_TRUE(vm_->event_on_write(bell.get(), kDevice.base + 0x50, 4, 1));
  // mov ebx, 0xd0000050; mov dword [rbx], 0; mov dword [rbx], 1; end
  load({0xbb, 0x50, 0x00, 0x00, 0xd0, 0xc7, 0x03, 0x00, 0x00, 0x00, 0x00, 0xc7, 0x03, 0x01, 0x00, 0x00, 0x00,
        END_PROGRAM_32});
  start_long();
  ASSERT_TRUE(vcpu_->run());
  eventfd_t rung = 0;
  ASSERT_EQ(::eventfd_read(bell.get(), &rung), 0);
  EXPECT_EQ(rung, 1u);
  EXPECT_THAT(device_.writes, ElementsAre(Access{0x50, 4, 0}));
}

TEST_F(KvmGuest, AnInterruptLineInterruptsTheGuest) {
  // Real mode, both 8259As set up with vectors from 0x20: the handler of vector 0x25 ends the test.
  // cli; icw1..4 and mask of the master; sti; hlt; jmp -3
  load({0xfa, 0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x20, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01,
        0xe6, 0x21, 0xb0, 0xdf, 0xe6, 0x21, 0xfb, 0xba, 0x00, 0x05, 0xee, 0xf4, 0xeb, 0xfd});
  const std::initializer_list<int> handler = {END_PROGRAM, 0xeb, 0xfe};
  std::vector<std::byte> bytes;
  for (const int byte : handler) bytes.push_back(static_cast<std::byte>(byte));
  ASSERT_TRUE(memory_->write({0x1800}, bytes));
  ASSERT_TRUE(memory_->store<uint32_t>({0x25 * 4}, 0x0000'1800));
  start_real();
  port_.on_write = [this](const Access& access) {
    if (access.offset == 0) irqchip_->set_line(kInterrupt, true);
    if (access.offset == 0xf) vcpu_->request_exit();
  };
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_EQ(port_.writes.back().offset, 0xfu);
}

}  // namespace
}  // namespace hv::kvm::test
