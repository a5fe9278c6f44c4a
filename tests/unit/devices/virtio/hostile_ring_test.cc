// Drivers that break the rules: the queue breaks, and nothing else does.

#include <array>
#include <cstring>
#include <random>

#include <gmock/gmock.h>

#include "tests/unit/devices/virtio/queue_fixture.h"

namespace devices::virtio {
namespace {

using test::Request;
using testing::HasSubstr;

constexpr hv::GuestAddress kRam = test::GuestRam::kBase;

class HostileRing : public EveryRing {
 protected:
  static void expect_error(uint64_t features, const Request& request, const char* text) {
    QueuePair pair(features);
    pair.driver->submit(pair.driver->request().writable(4));
    pair.driver->submit(request);
    pair.pop().complete(0);
    EXPECT_THAT(pair.pop_error(), HasSubstr(text));
    pair.driver->submit(pair.driver->request().writable(4));
    EXPECT_TRUE(pair.is_empty()) << "a broken queue gives nothing more";
  }

  test::GuestRam ram_;
};
INSTANTIATE_TEST_SUITE_P(Rings, HostileRing, testing::Values(0, kFeaturePackedRing), ring_name);

TEST_P(HostileRing, EmptyDescriptor) {
  expect_error(features(), Request(ram_).element({kRam, 0, true}), "0 bytes");
  expect_error(features(), Request(ram_).element({kRam, 0, false}).indirect(), "0 bytes");
}

TEST_P(HostileRing, AddressOutsideMemory) {
  const hv::GuestAddress end = kRam + ram_.size();
  expect_error(features(), Request(ram_).element({{0}, 16, true}), "not memory");
  expect_error(features(), Request(ram_).element({end, 1, false}), "not memory");
  expect_error(features(), Request(ram_).element({{end.value - 1}, 2, false}), "not memory");
  expect_error(features(), Request(ram_).element({{~uint64_t{0}}, 2, false}), "not memory");
  expect_error(features(), Request(ram_).element({kRam, 0xffff'ffff, true}), "not memory");
  expect_error(features(), Request(ram_).element({{~uint64_t{0} - 15}, 32, true}).indirect(), "not memory");
}

TEST_P(HostileRing, ReadableAfterWritable) {
  expect_error(features(), Request(ram_).element({kRam, 4, true}).element({kRam, 4, false}), "after a writable");
}

TEST_P(HostileRing, BufferOf4GiB) {
  auto request = Request(ram_).indirect();
  for (int i = 0; i < 600; ++i) request.element({kRam, 8 << 20, true});
  expect_error(features(), request, "4 GiB");
}

TEST_P(HostileRing, IndirectDescriptorThatWasNotNegotiated) {
  QueuePair pair(features() & ~kFeatureIndirectDescriptors);
  pair.driver->submit(pair.driver->request().writable(4).indirect());
  EXPECT_THAT(pair.pop_error(), HasSubstr("not negotiated"));
}

// In both formats the flags are poked into the field where they belong.
RawDescriptor raw(hv::GuestAddress address, uint32_t length, int flags, uint64_t ring) {
  const auto bits = static_cast<uint16_t>(flags);
  return ring == 0 ? RawDescriptor{address, length, bits, 0}
                   : RawDescriptor{address, length, 0, static_cast<uint16_t>(bits | kDescriptorAvailable)};
}

std::string error_of(QueuePair& pair, const RawDescriptor& descriptor) {
  pair.driver->poke_descriptor(0, descriptor);
  if (auto* const split = dynamic_cast<test::SplitDriverQueue*>(pair.driver.get())) split->make_available(0);
  return pair.pop_error();
}

TEST_P(HostileRing, IndirectTableOfAWrongSize) {
  for (const uint32_t length : {0u, 1u, 15u, 17u, 0xffff'fff0u, 1025u * 16}) {
    QueuePair pair(features());
    EXPECT_THAT(error_of(pair, raw(kRam, length, kDescriptorIndirect, GetParam())), HasSubstr("indirect table"));
  }
}

TEST_P(HostileRing, IndirectTableOutsideMemory) {
  for (const uint64_t address : {uint64_t{0x1000}, ~uint64_t{7}, kRam.value + (8 << 20) - 8}) {
    QueuePair pair(features());
    EXPECT_NE(error_of(pair, raw({address}, 16, kDescriptorIndirect, GetParam())), "");
  }
}

TEST_P(HostileRing, IndirectTableInAnIndirectTable) {
  QueuePair pair(features());
  const hv::GuestAddress table = pair.ram.allocate(16);
  const RawDescriptor inner = raw(table, 16, kDescriptorIndirect, GetParam());
  pair.ram.put(table, test::bytes_of(inner));
  EXPECT_THAT(error_of(pair, raw(table, 16, kDescriptorIndirect, GetParam())), HasSubstr("in an indirect table"));
}

TEST_P(HostileRing, IndirectDescriptorWithNext) {
  QueuePair pair(features());
  EXPECT_NE(error_of(pair, raw(kRam, 16, kDescriptorIndirect | kDescriptorNext, GetParam())), "");
}

TEST_P(HostileRing, IndirectTableOfAnyAlignmentIsRead) {
  QueuePair pair(features());
  const hv::GuestAddress table = pair.ram.allocate(32) + 3;
  std::array<std::byte, 16> bytes = {};
  const uint64_t address = kRam.value;
  const uint32_t length = 24;
  std::memcpy(bytes.data(), &address, 8);
  std::memcpy(bytes.data() + 8, &length, 4);
  pair.ram.put(table, bytes);
  EXPECT_EQ(error_of(pair, raw(table, 16, kDescriptorIndirect, GetParam())), "");
}

struct HostileSplitRing : testing::Test {
  HostileSplitRing() : pair(kPlain), driver(static_cast<test::SplitDriverQueue&>(*pair.driver)) {}
  QueuePair pair;
  test::SplitDriverQueue& driver;
};

TEST_F(HostileSplitRing, LoopOfDescriptors) {
  driver.poke_descriptor(0, {kRam, 4, kDescriptorNext, 1});
  driver.poke_descriptor(1, {kRam, 4, kDescriptorNext, 0});
  driver.make_available(0);
  EXPECT_THAT(pair.pop_error(), HasSubstr("no end"));
}

TEST_F(HostileSplitRing, LoopInAnIndirectTable) {
  const hv::GuestAddress table = pair.ram.allocate(16);
  std::array<std::byte, 16> entry = {};
  std::memcpy(entry.data(), &kRam, 8);
  entry[8] = std::byte{4};
  entry[12] = std::byte{kDescriptorNext};
  pair.ram.put(table, entry);
  driver.poke_descriptor(0, {table, 16, kDescriptorIndirect, 0});
  driver.make_available(0);
  EXPECT_THAT(pair.pop_error(), HasSubstr("no end"));
}

TEST_F(HostileSplitRing, HeadOrNextOutsideTheTable) {
  driver.make_available(8);
  EXPECT_THAT(pair.pop_error(), HasSubstr("descriptor 8 of 8"));

  pair.queue = pair.make_queue();
  driver.poke_descriptor(3, {kRam, 4, kDescriptorNext, 0xffff});
  pair.ram.put(driver.config().driver + 4, test::bytes_of(uint16_t{3}));
  EXPECT_THAT(pair.pop_error(), HasSubstr("descriptor 65535 of 8"));
}

TEST_F(HostileSplitRing, IndexThatJumps) {
  driver.make_available(0, 9);
  EXPECT_THAT(pair.pop_error(), HasSubstr("more buffers"));
}

TEST_F(HostileSplitRing, OneHeadAgainAndAgain) {
  driver.poke_descriptor(0, {kRam, 4, 0, 0});
  std::vector<DescriptorChain> chains;
  for (int i = 0; i < 8; ++i) {
    driver.make_available(0);
    chains.push_back(pair.pop());
  }
  driver.make_available(0);
  EXPECT_THAT(pair.pop_error(), HasSubstr("more buffers"));
}

// §2.7.5.3.2: chained descriptors may come before one that refers to a table, whose WRITE flag means nothing.
TEST_F(HostileSplitRing, ChainThatEndsInATableIsAllowed) {
  const hv::GuestAddress table = pair.ram.allocate(16);
  std::array<std::byte, 16> entry = {};
  std::memcpy(entry.data(), &kRam, 8);
  entry[8] = std::byte{4};
  pair.ram.put(table, entry);
  driver.poke_descriptor(0, {kRam, 4, kDescriptorNext, 1});
  driver.poke_descriptor(1, {table, 16, kDescriptorIndirect | kDescriptorWrite, 0});
  driver.make_available(0);
  EXPECT_EQ(pair.pop().readable_size(), 8u);
}

TEST(HostilePackedRing, ChainLongerThanTheRing) {
  QueuePair pair(kPlain | kFeaturePackedRing);
  for (uint16_t i = 0; i < 8; ++i) {
    pair.driver->poke_descriptor(i, {kRam, 4, 0, kDescriptorNext | kDescriptorAvailable});
  }
  EXPECT_THAT(pair.pop_error(), HasSubstr("more descriptors"));
}

TEST(HostilePackedRing, EverythingAvailableAlwaysGivesNoMoreThanTheRingHolds) {
  QueuePair pair(kPlain | kFeaturePackedRing);
  std::vector<DescriptorChain> chains;
  for (uint16_t i = 0; i < 8; ++i) pair.driver->poke_descriptor(i, {kRam, 4, i, kDescriptorAvailable});
  for (uint16_t i = 0; i < 8; ++i) chains.push_back(pair.pop());
  for (uint16_t i = 0; i < 8; ++i) pair.driver->poke_descriptor(i, {kRam, 4, i, kDescriptorUsed});
  EXPECT_TRUE(pair.is_empty());
}

TEST(QueueCreation, RefusesWhatNoRingCanBe) {
  QueuePair pair(kPlain);
  const auto error = [&](auto change, uint64_t features) {
    VirtqueueConfig config = pair.driver->config();
    change(config);
    const auto made = Virtqueue::create(config, features, pair.ram.memory(), [] {});
    return made ? "" : made.error().message;
  };
  using Config = VirtqueueConfig;
  for (const uint64_t features : {kPlain, kPlain | kFeaturePackedRing}) {
    EXPECT_THAT(error([](Config& c) { c.size = 0; }, features), HasSubstr("0 entries"));
    EXPECT_THAT(error([](Config& c) { c.size = 0x8001; }, features), HasSubstr("entries"));
    EXPECT_THAT(error([](Config& c) { c.descriptors = c.descriptors + 8; }, features), HasSubstr("not aligned to 16"));
    EXPECT_THAT(error([](Config& c) { c.driver = c.driver + 1; }, features), HasSubstr("not aligned"));
    EXPECT_THAT(error([](Config& c) { c.device = c.device + 2; }, features), HasSubstr("not aligned to 4"));
    EXPECT_THAT(error([](Config& c) { c.descriptors = {0}; }, features), HasSubstr("not in memory"));
    EXPECT_THAT(error([](Config& c) { c.device = {0x8080'0000}; }, features), HasSubstr("not in memory"));
    EXPECT_THAT(error([](Config& c) { c.driver = {0xffff'ffff'ffff'fffc}; }, features), HasSubstr("not in memory"));
  }
  EXPECT_THAT(error([](Config& c) { c.size = 6; }, kPlain), HasSubstr("6 entries"));
  EXPECT_EQ(error([](Config& c) { c.size = 6; }, kPlain | kFeaturePackedRing), "");
}

bool is_inside(const test::GuestRam& ram, const Segment& segment) {
  return segment.length != 0 && ram.host(kRam, ram.size()) <= segment.host &&
         segment.host + segment.length <= ram.host(kRam, ram.size()) + ram.size() &&
         segment.address - kRam == static_cast<uint64_t>(segment.host - ram.host(kRam, ram.size()));
}

// A driver that writes random bytes into its rings and tables, biased towards what nearly works.
TEST_P(HostileRing, RandomRingsStopNothingAndStayInsideMemory) {
  constexpr uint64_t kRingBytes = 256;
  std::mt19937_64 random(GetParam() + 1);
  QueuePair pair(features(kFeatureEventIndex));
  const hv::GuestAddress table = pair.ram.allocate(4096);
  std::byte* const rings = pair.ram.host(kRam, kRingBytes);
  std::vector<DescriptorChain> held;
  uint16_t index = 0;  // of a split ring
  unsigned popped = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t ram_address = kRam.value + random() % (pair.ram.size() + 64);
    const uint64_t address = random() % 32 == 0 ? random() : random() % 4 == 0 ? table.value : ram_address;
    const auto length = static_cast<uint32_t>(random() % 32 == 0 ? random() : random() % 128);
    const auto low = static_cast<uint16_t>(random() & (random() % 8 == 0 ? 0xffff : 0x8083));
    const auto high = static_cast<uint16_t>(random() % 8 == 0 ? random() : GetParam() != 0 ? low : random() % 8);
    const RawDescriptor descriptor{{address}, length, low, high};
    if (random() % 2 == 0) {
      pair.driver->poke_descriptor(static_cast<uint16_t>(random() % 8), descriptor);
    } else {
      const uint64_t second = length | uint64_t{low} << 32 | uint64_t{high} << 48;
      pair.ram.put(table + random() % 64 * 16, test::bytes_of(std::array{address, second}));
    }
    if (random() % 16 == 0) rings[random() % kRingBytes] = static_cast<std::byte>(random());
    if (GetParam() == 0) {
      pair.ram.put(pair.driver->config().driver + 4 + 2 * (index % 8), test::bytes_of(static_cast<uint16_t>(i % 9)));
      index = static_cast<uint16_t>(index + (random() % 64 == 0 ? random() : random() % 2));
      pair.ram.put(pair.driver->config().driver + 2, test::bytes_of(index));
    }

    auto result = pair.queue->pop();
    if (!result) {
      pair.queue = pair.make_queue();
      index = 0;
      std::memset(rings, 0, kRingBytes);
    } else if (*result) {
      ++popped;
      held.push_back(std::move(**result));
      for (const Segment& segment : held.back().readable()) ASSERT_TRUE(is_inside(pair.ram, segment));
      for (const Segment& segment : held.back().writable()) ASSERT_TRUE(is_inside(pair.ram, segment));
    }
    ASSERT_LE(pair.queue->in_flight(), 8u);
    if (!held.empty() && random() % 2 == 0) {
      std::swap(held[random() % held.size()], held.back());
      held.back().complete(static_cast<uint32_t>(random()));
      held.pop_back();
    }
  }
  EXPECT_GT(popped, 500u);
}

}  // namespace
}  // namespace devices::virtio
