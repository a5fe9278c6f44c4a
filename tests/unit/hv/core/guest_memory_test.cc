#include "hv/core/guest_memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace hv {
namespace {

constexpr uint64_t kLow = 0x8000'0000;
constexpr uint64_t kPages = 200;
constexpr uint64_t kSize = kPages * kGuestPageSize;
constexpr GuestAddress kHigh{kLow + kSize};       // adjacent to the first region
constexpr GuestAddress kApart{kLow + 4 * kSize};  // behind a gap

RegionConfig region(GuestAddress base, uint64_t size = kSize) { return {.base = base, .size = size, .numa = {}}; }

std::unique_ptr<GuestMemory> make_memory() {
  const std::array configs = {region(kApart), region({kLow}), region(kHigh)};
  return std::move(GuestMemory::create(configs).value());
}

uint64_t allocated_bytes(const GuestMemory::Region& region) {
  struct stat status {};
  EXPECT_EQ(::fstat(region.fd, &status), 0);
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

std::string creation_error(std::span<const RegionConfig> configs) {
  const auto memory = GuestMemory::create(configs);
  return memory ? "" : memory.error().message;
}

TEST(GuestMemory, SortsItsRegionsAndAddsTheirSizes) {
  const auto memory = make_memory();
  ASSERT_EQ(memory->regions().size(), 3u);
  EXPECT_EQ(memory->regions()[0].range.base.value, kLow);
  EXPECT_EQ(memory->regions()[2].range.base, kApart);
  EXPECT_EQ(memory->size(), 3 * kSize);
}

TEST(GuestMemory, RefusesRegionsThatOverlapWrapOrAreNotWholePages) {
  EXPECT_NE(creation_error(std::array{region({0x1000}), region({0x2000})}), "");
  EXPECT_NE(creation_error(std::array{region({0x1000}, 0)}), "");
  EXPECT_NE(creation_error(std::array{region({0x1001})}), "");
  EXPECT_NE(creation_error(std::array{region({0x1000}, 0x800)}), "");
  EXPECT_NE(creation_error(std::array{region({~uint64_t{0xfff}}, 0x2000)}), "");
}

TEST(GuestMemory, ExplicitHugePagesMustDivideTheSize) {
  RegionConfig config = region({0});
  config.huge_pages = HugePages::size_2mib;
  EXPECT_EQ(creation_error(std::array{config}),
            "819200 bytes of guest memory are not a multiple of its 2 MiB huge pages");
}

TEST(GuestMemory, ANumaNodeThatIsNotThereIsAnError) {
  RegionConfig config = region({0});
  config.numa = {NumaPolicy::Mode::bind, {4000}};
  EXPECT_NE(creation_error(std::array{config}).find("NUMA"), std::string::npos);
  config.numa = {NumaPolicy::Mode::interleave, {}};
  EXPECT_EQ(creation_error(std::array{config}), "a NUMA policy needs at least one node");
}

TEST(GuestMemory, ObjectsOfEverySizeAndAlignmentComeBack) {
  const auto memory = make_memory();
  for (uint64_t offset = 0; offset < 16; ++offset) {
    const GuestAddress at{kLow + 0x100 + offset};
    ASSERT_TRUE(memory->store<uint64_t>(at, 0x1122'3344'5566'7788));
    EXPECT_EQ(memory->load<uint64_t>(at).value(), 0x1122'3344'5566'7788u);
    EXPECT_EQ(memory->load<uint32_t>(at).value(), 0x5566'7788u);
    EXPECT_EQ(memory->load<uint16_t>(at).value(), 0x7788u);
    EXPECT_EQ(memory->load<uint8_t>(at).value(), 0x88u);
  }
}

TEST(GuestMemory, ACopyRunsOverAdjacentRegions) {
  const auto memory = make_memory();
  const GuestAddress at{kHigh.value - 3};
  ASSERT_TRUE(memory->store<uint64_t>(at, 0x0807'0605'0403'0201));
  EXPECT_EQ(memory->load<uint64_t>(at).value(), 0x0807'0605'0403'0201u);
  EXPECT_EQ(memory->load<uint8_t>(kHigh).value(), 4u);
  EXPECT_TRUE(memory->is_dirty(at));
  EXPECT_TRUE(memory->is_dirty(kHigh));
}

TEST(GuestMemory, WhatIsNotAllRamIsAnErrorAndLeavesEverythingAsItWas) {
  const auto memory = make_memory();
  const GuestAddress last{kHigh.value + kSize - 4};
  const auto written = memory->store<uint64_t>(last, ~uint64_t{0});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "8 bytes at guest address 0x8018fffc are not all RAM");
  EXPECT_EQ(memory->load<uint32_t>(last).value(), 0u);
  EXPECT_FALSE(memory->is_dirty(last));
  EXPECT_FALSE(memory->load<uint32_t>({0}));
  EXPECT_FALSE(memory->fill({~uint64_t{0}}, ~uint64_t{0}, std::byte{1}));
  EXPECT_FALSE(memory->discard({kLow}, ~uint64_t{0}));
}

TEST(GuestMemory, HostPointersStayWithinOneRegion) {
  const auto memory = make_memory();
  EXPECT_EQ(memory->host_pointer({kLow + 8}, 8), memory->regions()[0].host + 8);
  EXPECT_EQ(memory->host_pointer({kHigh.value - 4}, 8), nullptr);
  EXPECT_EQ(memory->host_pointer({0x1000}, 1), nullptr);
}

TEST(GuestMemory, TakingDirtyPagesCleansThem) {
  const auto memory = make_memory();
  const auto& low = memory->regions()[0];
  ASSERT_TRUE(memory->fill({kLow + 62 * kGuestPageSize + 4095}, 2 * kGuestPageSize, std::byte{1}));
  const std::vector<uint64_t> taken = memory->take_dirty(low);
  ASSERT_EQ(taken.size(), 4u);
  EXPECT_EQ(taken[0], uint64_t{3} << 62);
  EXPECT_EQ(taken[1], 1u);
  EXPECT_EQ(memory->take_dirty(low), std::vector<uint64_t>(4, 0));
}

TEST(GuestMemory, MarkDirtyIgnoresWhatIsNotRam) {
  const auto memory = make_memory();
  memory->mark_dirty({kLow - 1}, 2);
  memory->mark_dirty({kHigh.value + kSize - 1}, ~uint64_t{0} - kHigh.value);
  memory->mark_dirty({0}, 0);
  EXPECT_EQ(memory->take_dirty(memory->regions()[0])[0], 1u);
  EXPECT_TRUE(memory->is_dirty({kHigh.value + kSize - 1}));
  EXPECT_TRUE(memory->is_dirty({kApart.value + kSize - 1}));
  EXPECT_FALSE(memory->is_dirty({kHigh.value + kSize}));
}

TEST(GuestMemory, ConcurrentTakersSeeEachWrittenPageOnce) {
  constexpr uint64_t kRounds = 50;
  const auto memory = make_memory();
  const auto& low = memory->regions()[0];
  std::array<std::atomic<uint64_t>, kPages> taken{};
  const auto all_taken = [&](uint64_t times) {
    return std::ranges::all_of(taken, [&](auto& t) { return t == times; });
  };
  std::atomic<bool> done = false;
  const auto take = [&] {
    const std::vector<uint64_t> words = memory->take_dirty(low);
    for (uint64_t page = 0; page < kPages; ++page) taken[page] += (words[page / 64] >> (page % 64)) & 1;
  };
  std::vector<std::jthread> takers;
  for (int i = 0; i < 2; ++i)
    takers.emplace_back([&] {
      while (!done) take();
    });
  for (uint64_t round = 0; round < kRounds; ++round) {
    for (uint64_t page = 0; page < kPages; ++page) memory->mark_dirty({kLow + page * kGuestPageSize}, 1);
    while (!all_taken(round + 1)) std::this_thread::yield();
  }
  done = true;
  takers.clear();
  EXPECT_TRUE(all_taken(kRounds));
}

TEST(GuestMemory, AnAlignedObjectIsNeverSeenHalfWritten) {
  const auto memory = make_memory();
  std::jthread writer([&](const std::stop_token& stop) {
    for (uint64_t value = 0; !stop.stop_requested(); ++value) {
      ASSERT_TRUE(memory->store<uint64_t>({kLow}, value << 32 | (value & 0xffff'ffff)));
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = memory->load<uint64_t>({kLow}).value();
    ASSERT_EQ(value >> 32, value & 0xffff'ffff);
  }
}

TEST(GuestMemory, DiscardedBytesAreZeroAndTheirPagesGoBackToTheHost) {
  const auto memory = make_memory();
  const auto& low = memory->regions()[0];
  ASSERT_TRUE(memory->fill({kLow}, kSize, std::byte{0xaa}));
  ASSERT_GE(allocated_bytes(low), kSize);
  ASSERT_TRUE(memory->discard({kLow + 100}, 10 * kGuestPageSize));
  EXPECT_LE(allocated_bytes(low), kSize - 9 * kGuestPageSize);
  EXPECT_EQ(memory->load<uint8_t>({kLow + 99}).value(), 0xaa);
  EXPECT_EQ(memory->load<uint8_t>({kLow + 100}).value(), 0);
  EXPECT_EQ(memory->load<uint8_t>({kLow + 99 + 10 * kGuestPageSize}).value(), 0);
  EXPECT_EQ(memory->load<uint8_t>({kLow + 100 + 10 * kGuestPageSize}).value(), 0xaa);
}

TEST(GuestMemory, DiscardsLessThanAPageToo) {
  const auto memory = make_memory();
  ASSERT_TRUE(memory->fill({kLow}, kGuestPageSize, std::byte{0xaa}));
  ASSERT_TRUE(memory->discard({kLow + 8}, 8));
  EXPECT_EQ(memory->load<uint8_t>({kLow + 7}).value(), 0xaa);
  EXPECT_EQ(memory->load<uint64_t>({kLow + 8}).value(), 0u);
  EXPECT_EQ(memory->load<uint8_t>({kLow + 16}).value(), 0xaa);
}

TEST(GuestMemory, SavesPagesThatAreNotZeroAndLoadsThemOverAnything) {
  const auto saved = make_memory();
  ASSERT_TRUE(saved->store<uint64_t>({kLow + 5 * kGuestPageSize}, 55));
  ASSERT_TRUE(saved->fill(kHigh, kSize, std::byte{0}));
  ASSERT_TRUE(saved->fill(kApart, kSize, std::byte{7}));
  StateWriter writer;
  saved->save(writer);
  EXPECT_LT(writer.data().size(), kSize + 2 * kGuestPageSize);

  const auto loaded = make_memory();
  ASSERT_TRUE(loaded->fill({kLow}, 2 * kSize, std::byte{0xff}));
  StateReader reader(writer.data());
  ASSERT_TRUE(loaded->load_state(reader));
  EXPECT_EQ(loaded->load<uint64_t>({kLow + 5 * kGuestPageSize}).value(), 55u);
  EXPECT_EQ(loaded->load<uint64_t>({kLow}).value(), 0u);
  EXPECT_EQ(loaded->load<uint64_t>(kHigh).value(), 0u);
  EXPECT_EQ(loaded->load<uint8_t>({kApart.value + kSize - 1}).value(), 7);
}

TEST(GuestMemory, RefusesTheStateOfAnotherLayout) {
  StateWriter writer;
  make_memory()->save(writer);
  const auto other = std::move(GuestMemory::create(std::array{region({kLow})}).value());
  StateReader reader(writer.data());
  EXPECT_FALSE(other->load_state(reader));
}

TEST(GuestMemory, RefusesAPageOutsideItsRegion) {
  StateWriter writer;
  const std::vector<std::byte> two_pages(2 * kGuestPageSize);
  writer.section("memory", 1, [&] {
    writer.value(uint32_t{1});
    writer.value(kLow);
    writer.value(kSize);
    writer.value(kPages - 1);
    writer.bytes(two_pages);
  });
  const auto memory = std::move(GuestMemory::create(std::array{region({kLow})}).value());
  StateReader reader(writer.data());
  const auto loaded = memory->load_state(reader);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "memory: a page outside its region");
}

}  // namespace
}  // namespace hv
