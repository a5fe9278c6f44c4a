#include "tests/unit/hv/kvm/guest.h"
#include "tests/unit/hv/kvm/programs.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;

TEST_F(KvmGuest, ASavedMachineGoesOnInAnother) {
  start(keep_values());
  run_to_end();
  StateWriter writer;
  machine_->save(writer);

  make();
  StateReader reader(writer.data());
  const auto loaded = machine_->load(reader);
  ASSERT_TRUE(loaded) << loaded.error().message;
  run_to_end();
  EXPECT_THAT(written(), ElementsAre(Access{0, 8, kKept}, Access{8, 8, kKept}, Access{16, 8, kKept}));
}

TEST_F(KvmGuest, AStateThatIsCutOffIsAnError) {
  start(spin());
  StateWriter writer;
  machine_->save(writer);
  const auto whole = writer.data();
  for (const size_t kept : {size_t{0}, whole.size() / 3, whole.size() - 1}) {
    StateReader reader(whole.first(kept));
    EXPECT_FALSE(machine_->load(reader)) << kept << " of " << whole.size() << " bytes";
  }
}

TEST_F(KvmGuest, TheFirstDirtyLogHasEveryPageAndTheNextWhatWasWritten) {
  start(write_pages());
  const auto& region = memory_->regions()[0];
  const auto bit = [](GuestAddress page) { return uint64_t{1} << (page.value >> kGuestPageShift); };
  run_to_end();
  const auto all = memory_->take_dirty(region);
  EXPECT_EQ(all[0], ~uint64_t{0});
  EXPECT_EQ(all.back(), ~uint64_t{0});
  EXPECT_EQ(memory_->take_dirty(region)[0] & bit(kFirstPage), 0u);

  run_to_end();
  const auto written = memory_->take_dirty(region);
  EXPECT_NE(written[0] & bit(kSecondPage), 0u);
  EXPECT_EQ(written[0] & bit(kFirstPage), 0u);
  EXPECT_EQ(memory_->take_dirty(region)[0], 0u);
}

TEST_F(KvmGuest, RegistersHaveTheirNames) {
  start(spin());
  const Registers registers = vcpu().registers();
  EXPECT_EQ(registers.pc, kCode.value);
  EXPECT_THAT(registers.values, testing::Contains(testing::Pair(Machine::kSomeRegister, testing::_)));
}

}  // namespace
}  // namespace hv::kvm::test
