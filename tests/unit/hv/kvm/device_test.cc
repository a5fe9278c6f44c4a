#include <sys/eventfd.h>

#include "hv/base/unique_fd.h"
#include "tests/unit/hv/kvm/guest.h"
#include "tests/unit/hv/kvm/programs.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(KvmGuest, DevicesInMemoryAreReadAndWritten) {
  start(access_device());
  run_to_end();
  EXPECT_THAT(written(),
              ElementsAre(Access{0x14, 4, 0xb3b2b1b0}, Access{0x20, 8, 0xbfbebdbcbbbab9b8}, Access{0x11, 1, 0xb0}));
}

TEST_F(KvmGuest, AnAddressThatNothingClaimsReadsAsOnes) {
  start(read_hole());
  run_to_end();
  EXPECT_EQ(memory_->load<uint64_t>(kData).value(), ~uint64_t{0});
}

TEST_F(KvmGuest, ADoorbellRingsWithoutReachingTheBus) {
  const UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ASSERT_TRUE(vm().event_on_write(bell.get(), kDevice.base + kDoorbell, 4, 1));
  start(ring_doorbell());
  run_to_end();
  eventfd_t rung = 0;
  ASSERT_EQ(::eventfd_read(bell.get(), &rung), 0);
  EXPECT_EQ(rung, 1u);
  EXPECT_THAT(written(), ElementsAre(Access{kDoorbell, 4, 0}));
}

TEST(KvmSystem, SaysWhyItCannotBeUsed) {
  EXPECT_THAT(System::open("/dev/no-such-kvm").error().message, HasSubstr("there is no /dev/no-such-kvm"));
  EXPECT_THAT(System::open("/dev/null").error().message, HasSubstr("/dev/null is not KVM's device"));
}

}  // namespace
}  // namespace hv::kvm::test
