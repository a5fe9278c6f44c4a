#include "emu/mmu/code_pages.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace emu::mmu {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr hv::GuestAddress kRam{0x8000'0000};
constexpr uint64_t kPage = hv::kGuestPageSize;

class CodePagesTest : public testing::Test {
 protected:
  static std::unique_ptr<hv::GuestMemory> make_memory() {
    const hv::RegionConfig regions[] = {
        {.base = kRam, .size = 256 * kPage, .huge_pages = hv::HugePages::off, .numa = {}},
        {.base = kRam + 1024 * kPage, .size = 16 * kPage, .huge_pages = hv::HugePages::off, .numa = {}}};
    return hv::GuestMemory::create(regions).value();
  }

  std::byte* host(uint64_t page) { return memory_->host_pointer(kRam + page * kPage, kPage); }
  void device_writes(uint64_t page, uint64_t offset = 0) {
    EXPECT_TRUE(memory_->store(kRam + page * kPage + offset, uint32_t{1}).has_value());
  }
  void cpu_writes(uint64_t page) {
    code_.allow_writes(host(page));
    memory_->mark_dirty(kRam + page * kPage, kPage);
  }
  std::vector<const std::byte*> fence() {
    auto pages = code_.take();
    code_.finish(pages);
    return pages;
  }

  std::unique_ptr<hv::GuestMemory> memory_ = make_memory();
  CodePages code_{*memory_};
};

TEST_F(CodePagesTest, WritesToOtherPagesChangeNoCode) {
  code_.add(host(3) + 100);
  device_writes(4);
  cpu_writes(2);
  EXPECT_FALSE(code_.may_have_changed());
}

TEST_F(CodePagesTest, NameThePageThatADeviceWrites) {
  code_.add(host(3) + 100);
  device_writes(3, 200);
  EXPECT_TRUE(code_.may_have_changed());
  EXPECT_THAT(fence(), ElementsAre(host(3)));
  EXPECT_FALSE(code_.may_have_changed());
  EXPECT_EQ(code_.epoch(), 2u);
}

TEST_F(CodePagesTest, NameEachPageOfALongWrite) {
  code_.add(host(3));
  code_.add(host(5));
  EXPECT_TRUE(memory_->fill(kRam + 2 * kPage + 8, 3 * kPage, std::byte{0}).has_value());
  EXPECT_THAT(fence(), ElementsAre(host(3), host(5)));
}

TEST_F(CodePagesTest, NameAPageOnce) {
  code_.add(host(3));
  device_writes(3);
  device_writes(3);
  cpu_writes(3);
  EXPECT_THAT(fence(), ElementsAre(host(3)));
}

TEST_F(CodePagesTest, NameThePageThatAVcpuMayWriteToFromNowOn) {
  code_.add(host(3));
  cpu_writes(3);
  EXPECT_THAT(fence(), ElementsAre(host(3)));
}

TEST_F(CodePagesTest, NameThePageThatAVcpuCouldWriteToBefore) {
  cpu_writes(3);
  EXPECT_TRUE(code_.allows_writes(host(3)));
  code_.add(host(3));
  EXPECT_THAT(fence(), ElementsAre(host(3)));
  EXPECT_FALSE(code_.allows_writes(host(3))) << "every vCPU dropped its permissions";
}

TEST_F(CodePagesTest, AreForgottenUntilTheyAreFoundToHaveCodeAgain) {
  code_.add(host(3));
  device_writes(3);
  fence();
  device_writes(3);
  EXPECT_FALSE(code_.may_have_changed());
  code_.add(host(3));
  device_writes(3);
  EXPECT_TRUE(code_.may_have_changed());
}

TEST_F(CodePagesTest, AListenerKeepsAPageByAddingIt) {
  std::vector<const std::byte*> heard;
  code_.set_listener([&](const std::byte* page) {
    heard.push_back(page);
    code_.add(page);
  });
  code_.add(host(3));
  device_writes(3);
  fence();
  EXPECT_THAT(heard, ElementsAre(host(3)));
  EXPECT_FALSE(code_.may_have_changed());
  device_writes(3);
  EXPECT_TRUE(code_.may_have_changed());
}

TEST_F(CodePagesTest, CodeThatIsFoundWhilePermissionsAreDroppedCountsAsWritten) {
  code_.add(host(3));
  device_writes(3);
  const auto pages = code_.take();
  code_.add(host(7));
  code_.finish(pages);
  EXPECT_TRUE(code_.may_have_changed());
  EXPECT_THAT(fence(), ElementsAre(host(7)));
}

TEST_F(CodePagesTest, AFenceWithoutWritesRaisesNothing) {
  code_.add(host(3));
  EXPECT_THAT(fence(), IsEmpty());
  EXPECT_EQ(code_.epoch(), 1u);
}

TEST_F(CodePagesTest, KnowTheirPagesInEveryRegion) {
  std::byte* const high = memory_->host_pointer(kRam + 1030 * kPage, kPage);
  code_.add(high);
  device_writes(1030);
  EXPECT_THAT(fence(), ElementsAre(high));
  std::byte elsewhere{};
  code_.add(&elsewhere);
  EXPECT_FALSE(code_.allows_writes(&elsewhere));
}

/// One thread finds code where another writes: whichever comes first, the page is named, or what was written was there
/// to be read.
TEST_F(CodePagesTest, NoWriteIsMissed) {
  const hv::GuestAddress at = kRam + 3 * kPage;
  for (uint32_t round = 1; round < 3000; ++round) {
    uint32_t seen = 0;
    std::thread writer([&] { EXPECT_TRUE(memory_->store(at, round).has_value()); });
    code_.add(host(3));
    seen = memory_->load<uint32_t>(at).value();
    writer.join();
    EXPECT_TRUE(seen == round || code_.may_have_changed()) << round;
    // The page is no longer code in the next round.
    code_.add(host(3));
    memory_->mark_dirty(at, 4);
    fence();
  }
}

}  // namespace
}  // namespace emu::mmu
