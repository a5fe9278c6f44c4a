#include "tests/unit/hv/kvm/kvm_guest.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(KvmGuest, ASavedProcessorGoesOnInAnotherMachine) {
  // mov r9, 0x1122334455667788; out 0x50f; then mov rax, r9; mov [0xd0000000], rax; out 0x50f
  load({0x49, 0xb9, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xba, 0x0f, 0x05, 0x00, 0x00, 0xee, 0x4c,
        0x89, 0xc8, 0xbb, 0x00, 0x00, 0x00, 0xd0, 0x48, 0x89, 0x03, 0xba, 0x0f, 0x05, 0x00, 0x00, 0xee});
  start_long();
  ASSERT_TRUE(vcpu_->run());
  StateWriter writer;
  vcpu_->save(writer);
  irqchip_->save(writer);
  vcpu_.reset();
  irqchip_.reset();
  vm_.reset();

  make();
  StateReader reader(writer.data());
  const auto vcpu = vcpu_->load(reader);
  ASSERT_TRUE(vcpu) << vcpu.error().message;
  const auto irqchip = irqchip_->load(reader);
  ASSERT_TRUE(irqchip) << irqchip.error().message;
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(device_.writes, ElementsAre(Access{0, 8, 0x1122334455667788}));
  EXPECT_EQ(port_.writes.size(), 2u);
}

TEST_F(KvmGuest, AStateThatIsCutOffIsAnError) {
  StateWriter writer;
  writer.section("kvm-x86-vcpu", 1, [&] { writer.value(uint32_t{7}); });
  StateReader reader(writer.data());
  EXPECT_FALSE(vcpu_->load(reader));
}

TEST_F(KvmGuest, TheFirstDirtyLogHasEveryPageAndTheNextWhatWasWritten) {
  // Real mode: mov byte [0x5000], 1; out 0x50f; mov byte [0x6000], 1; out 0x50f
  load({0xc6, 0x06, 0x00, 0x50, 0x01, 0xba, 0x0f, 0x05, 0xee, 0xc6, 0x06, 0x00, 0x60, 0x01, 0xee});
  start_real();
  const auto& region = memory_->regions()[0];
  ASSERT_TRUE(vcpu_->run());
  const auto all = memory_->take_dirty(region);
  EXPECT_EQ(all[0], ~uint64_t{0});
  EXPECT_EQ(all.back(), ~uint64_t{0});
  EXPECT_EQ(memory_->take_dirty(region)[0] & (1u << 5), 0u);

  ASSERT_TRUE(vcpu_->run());
  const auto written = memory_->take_dirty(region);
  EXPECT_NE(written[0] & (1u << 6), 0u);
  EXPECT_EQ(written[0] & (1u << 5), 0u);
  EXPECT_EQ(memory_->take_dirty(region)[0], 0u);
}

TEST_F(KvmGuest, RegistersHaveTheirNames) {
  start_long();
  const Registers registers = vcpu_->registers();
  EXPECT_EQ(registers.pc, kCode.value);
  EXPECT_THAT(registers.values, testing::Contains(testing::Pair("cr3", kPageTable.value)));
}

TEST(KvmSystem, SaysWhyItCannotBeUsed) {
  EXPECT_THAT(System::open("/dev/no-such-kvm").error().message, HasSubstr("there is no /dev/no-such-kvm"));
  EXPECT_THAT(System::open("/dev/null").error().message, HasSubstr("/dev/null is not KVM's device"));
}

}  // namespace
}  // namespace hv::kvm::test
