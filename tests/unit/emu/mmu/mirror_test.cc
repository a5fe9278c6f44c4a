#include "emu/mmu/mirror.h"

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace emu::mmu {
namespace {

constexpr uint64_t kPage = hv::kGuestPageSize;
constexpr uint64_t kAt = 0x5555'0000'0000;
constexpr uint16_t kLoads = 0;
constexpr uint16_t kStores = Windows::kFirstStores;

class MirrorTest : public testing::Test {
 protected:
  MirrorTest() : memory_(make_memory()), mirror_(*memory_), windows_(std::make_unique<Windows>()) {
    tlb_.entries();
    tlb_.show_through(windows_.get());
  }

  static std::unique_ptr<hv::GuestMemory> make_memory() {
    const std::array<hv::RegionConfig, 1> regions = {
        hv::RegionConfig{.base = {0x8000'0000}, .size = 16 << 20, .huge_pages = hv::HugePages::off, .numa = {}}};
    return std::move(hv::GuestMemory::create(regions)).value();
  }
  std::byte* frame(uint64_t number) const { return memory_->regions()[0].host + number * kPage; }
  /// Lets the TLB have the page of `address` at a frame.
  void map(uint64_t address, uint64_t number, bool writable = true) {
    TlbEntry entry{.read = address, .addend = reinterpret_cast<uintptr_t>(frame(number)) - address};
    if (writable) entry.write = address;
    tlb_.fill(address, entry, false);
  }
  /// A window of a kind has roamed, near `address`.
  void roam(uint64_t address, uint16_t window = kLoads) {
    windows_->all[window].base = address;
    windows_->roamed[windows_->roamed_count++] = window;
    mirror_.serve(*windows_, tlb_.entries());
  }
  const mmu::Run& run(uint64_t address, bool stores = false) const {
    return windows_->runs[stores ? 1 : 0][Windows::run_index(address)];
  }
  static std::byte* at(const mmu::Run& run, uint64_t address) {
    return reinterpret_cast<std::byte*>(address + run.addend);
  }

  std::unique_ptr<hv::GuestMemory> memory_;
  Mirror mirror_;
  std::unique_ptr<Windows> windows_;
  Tlb tlb_;
};

TEST_F(MirrorTest, PagesThatLieApartBecomeNeighbours) {
  const std::array<uint64_t, 4> frames = {70, 3, 900, 41};
  for (size_t i = 0; i < frames.size(); ++i) map(kAt + i * kPage, frames[i]);
  roam(kAt + kPage);
  ASSERT_EQ(run(kAt).base, kAt);
  ASSERT_EQ(run(kAt).length, 4 * kPage);
  for (size_t i = 0; i < frames.size(); ++i) {
    *frame(frames[i]) = std::byte(i + 1);
    EXPECT_EQ(*at(run(kAt), kAt + i * kPage), std::byte(i + 1));
    *at(run(kAt), kAt + i * kPage + 9) = std::byte(i + 2);
    EXPECT_EQ(frame(frames[i])[9], std::byte(i + 2));
  }
}

TEST_F(MirrorTest, PagesComeAFewAtATime) {
  for (uint64_t i = 0; i < 16; ++i) map(kAt + i * kPage, 40 - i);
  for (uint64_t length = 4; length <= 16; length += 4) {
    roam(kAt);
    EXPECT_EQ(run(kAt).length, length * kPage);
  }
  roam(kAt);
  EXPECT_EQ(run(kAt).length, 16 * kPage);
  EXPECT_EQ(mirror_.pages_brought(), 16);
}

TEST_F(MirrorTest, PagesThatLieInARowComeTogether) {
  for (uint64_t i = 0; i < 512; ++i) map(kAt + i * kPage, 1000 + i);
  roam(kAt);
  EXPECT_EQ(run(kAt).length, 512 * kPage);
}

TEST_F(MirrorTest, ARunEndsAtAPageThatTheTlbDoesNotHave) {
  map(kAt, 1);
  map(kAt + kPage, 5);
  map(kAt + 3 * kPage, 9);
  roam(kAt);
  EXPECT_EQ(run(kAt).length, 2 * kPage);
}

TEST_F(MirrorTest, OnePageMakesNoRun) {
  map(kAt, 1);
  roam(kAt);
  roam(kAt + kPage);
  EXPECT_FALSE(windows_->has_runs);
}

TEST_F(MirrorTest, ARunForStoresEndsAtAPageThatMayNotBeWritten) {
  map(kAt, 1);
  map(kAt + kPage, 5);
  map(kAt + 2 * kPage, 9, false);
  roam(kAt, kStores);
  EXPECT_EQ(run(kAt, true).length, 2 * kPage);
  EXPECT_EQ(run(kAt).length, 0);
  roam(kAt);
  EXPECT_EQ(run(kAt).length, 3 * kPage);
}

TEST_F(MirrorTest, ARunClosesWhenOneOfItsPagesIsFlushed) {
  for (uint64_t i = 0; i < 3; ++i) map(kAt + i * kPage, 2 * i);
  roam(kAt);
  tlb_.flush(VirtualRange{kAt + 3 * kPage, kAt + 4 * kPage - 1});
  EXPECT_EQ(run(kAt).length, 3 * kPage);
  tlb_.flush(VirtualRange{kAt + 2 * kPage, kAt + 3 * kPage - 1});
  EXPECT_EQ(run(kAt).length, 0);
  roam(kAt);
  EXPECT_EQ(run(kAt).length, 2 * kPage);
  tlb_.drop_writes();
  EXPECT_EQ(run(kAt).length, 0);
}

TEST_F(MirrorTest, WhatShowsAPageClosesBeforeAnotherTakesItsPlace) {
  for (uint64_t i = 0; i < 3; ++i) map(kAt + i * kPage, 2 * i);
  roam(kAt);
  windows_->all[7] = {.base = kAt, .limit = 3 * kPage - 7, .addend = run(kAt).addend, .is_listed = true};
  windows_->open[windows_->open_count++] = 7;
  map(kAt + kPage, 77);
  std::memset(frame(77), 0x77, kPage);
  roam(kAt);
  EXPECT_EQ(windows_->all[7].limit, 0);
  EXPECT_EQ(*at(run(kAt), kAt + kPage), std::byte{0x77});
  EXPECT_EQ(run(kAt).length, 3 * kPage);
}

TEST_F(MirrorTest, AddressesThatShareAnAreaTakeItFromEachOther) {
  const uint64_t other = kAt + (uint64_t{1} << Windows::kRunShift) * Windows::kRuns * 32 * 16;
  ASSERT_EQ(Windows::run_index(kAt), Windows::run_index(other));
  const auto map_and_roam = [this](uint64_t base, uint64_t number) {
    map(base, number);
    map(base + kPage, number + 2);
    roam(base);
  };
  map_and_roam(kAt, 1);
  map_and_roam(other, 11);
  EXPECT_EQ(run(other).base, other);
  *frame(13) = std::byte{13};
  EXPECT_EQ(*at(run(other), other + kPage), std::byte{13});
  map_and_roam(kAt, 1);
  EXPECT_EQ(run(kAt).base, kAt);
  *frame(3) = std::byte{3};
  EXPECT_EQ(*at(run(kAt), kAt + kPage), std::byte{3});
}

TEST_F(MirrorTest, BeginsAnewWhenItHoldsAllThatItMay) {
  constexpr uint64_t kPages = Mirror::kMostMappings + 8;
  for (uint64_t i = 0; i < kPages; ++i) map(kAt + i * kPage, 2 * i % 4096 + 2 * i / 4096);
  uint64_t longest = 0;
  for (uint64_t i = 0; i < kPages; i += 4) {
    roam(kAt + i * kPage);
    longest = std::max(longest, run(kAt).length / kPage);
  }
  EXPECT_LE(longest, Mirror::kMostMappings + 4);
  EXPECT_GE(longest, Mirror::kMostMappings);
  EXPECT_LT(run(kAt).length / kPage, 16);
}

TEST_F(MirrorTest, WithoutAddressSpaceWindowsAreLeftToThemselves) {
  map(kAt, 1);
  map(kAt + kPage, 3);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &limit), 0);
  const rlimit none{.rlim_cur = 1, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &none), 0);
  roam(kAt);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_FALSE(windows_->has_runs);
  roam(kAt);
  EXPECT_FALSE(windows_->has_runs);
  EXPECT_EQ(windows_->roamed_count, 0);
}

}  // namespace
}  // namespace emu::mmu
