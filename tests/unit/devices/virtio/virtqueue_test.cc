#include "devices/virtio/virtqueue.h"

#include <array>
#include <vector>

#include <gmock/gmock.h>

#include "tests/unit/devices/virtio/queue_fixture.h"

namespace devices::virtio {
namespace {

using test::bytes_of;
using test::bytes_of_text;
using test::text_of;
using test::Used;

class VirtqueueOf : public EveryRing {};
INSTANTIATE_TEST_SUITE_P(Rings, VirtqueueOf, testing::Values(0, kFeaturePackedRing), ring_name);

TEST_P(VirtqueueOf, GivesABufferInTwoParts) {
  QueuePair pair(features());
  pair.driver->submit(
      pair.driver->request().readable(bytes_of_text("hello, ")).readable(bytes_of_text("device")).writable(16));

  const DescriptorChain chain = pair.pop();

  EXPECT_EQ(chain.readable().size(), 2u);
  EXPECT_EQ(chain.readable_size(), 13u);
  EXPECT_EQ(chain.writable_size(), 16u);
  std::array<std::byte, 20> text;
  EXPECT_EQ(chain.read(3, text), 10u);
  EXPECT_EQ(text_of(text).substr(0, 10), "lo, device");
}

TEST_P(VirtqueueOf, HandsBackWhatTheDeviceWrote) {
  QueuePair pair(features());
  auto request = pair.driver->request().readable(bytes_of_text("?")).writable(3).writable(8);
  const uint16_t id = pair.driver->submit(request);

  DescriptorChain chain = pair.pop();
  EXPECT_EQ(chain.write(1, bytes_of_text("answer")), 6u);
  chain.complete(7);

  EXPECT_EQ(pair.driver->take_used(), (Used{id, 7}));
  EXPECT_EQ(text_of(request.written(7)).substr(1), "answer");
  EXPECT_EQ(pair.interrupts, 1u);
}

TEST_P(VirtqueueOf, ReadsAndWritesEndWithTheBuffer) {
  QueuePair pair(features());
  pair.driver->submit(pair.driver->request().readable(bytes_of_text("ab")).writable(3));

  DescriptorChain chain = pair.pop();

  EXPECT_EQ(chain.read_object<uint32_t>(0), std::nullopt);
  EXPECT_EQ(chain.read_object<uint16_t>(0), uint16_t{'a' | 'b' << 8});
  EXPECT_EQ(chain.read_object<uint8_t>(~uint64_t{0}), std::nullopt);
  EXPECT_FALSE(chain.write_object(0, uint32_t{7}));
  EXPECT_TRUE(chain.write_object(1, uint16_t{7}));
}

TEST_P(VirtqueueOf, NeverSaysThatMoreWasWrittenThanFits) {
  QueuePair pair(features());
  const uint16_t id = pair.driver->submit(pair.driver->request().writable(4));
  pair.pop().complete(5000);
  EXPECT_EQ(pair.driver->take_used(), (Used{id, 4}));
}

TEST_P(VirtqueueOf, ADroppedChainCompletesWithNothingWritten) {
  QueuePair pair(features());
  const uint16_t id = pair.driver->submit(pair.driver->request().writable(4));
  { const DescriptorChain dropped = pair.pop(); }
  EXPECT_EQ(pair.driver->take_used(), (Used{id, 0}));
}

TEST_P(VirtqueueOf, AssigningOverAChainCompletesIt) {
  QueuePair pair(features());
  const uint16_t first = pair.driver->submit(pair.driver->request().writable(4));
  const uint16_t second = pair.driver->submit(pair.driver->request().writable(4));
  DescriptorChain chain = pair.pop();
  chain = pair.pop();
  EXPECT_EQ(pair.driver->take_used(), (Used{first, 0}));
  chain.complete(2);
  EXPECT_EQ(pair.driver->take_used(), (Used{second, 2}));
}

TEST_P(VirtqueueOf, ChainsCompleteInAnyOrder) {
  QueuePair pair(features());
  std::vector<uint16_t> ids;
  for (uint32_t i = 1; i <= 3; ++i) ids.push_back(pair.driver->submit(pair.driver->request().writable(i).writable(i)));
  DescriptorChain first = pair.pop();
  DescriptorChain second = pair.pop();
  DescriptorChain third = pair.pop();
  EXPECT_EQ(pair.queue->in_flight(), 3u);

  third.complete(6);
  first.complete(1);
  second.complete(4);

  EXPECT_EQ(pair.driver->take_used(), (Used{ids[2], 6}));
  EXPECT_EQ(pair.driver->take_used(), (Used{ids[0], 1}));
  EXPECT_EQ(pair.driver->take_used(), (Used{ids[1], 4}));
  EXPECT_EQ(pair.driver->take_used(), std::nullopt);
  EXPECT_EQ(pair.queue->in_flight(), 0u);
}

TEST_P(VirtqueueOf, TakesIndirectTables) {
  QueuePair pair(features());
  auto request =
      pair.driver->request().readable(bytes_of_text("one")).readable(bytes_of_text("two")).writable(5).indirect();
  const uint16_t id = pair.driver->submit(request);

  DescriptorChain chain = pair.pop();
  std::array<std::byte, 6> text;
  EXPECT_EQ(chain.read(0, text), 6u);
  EXPECT_EQ(text_of(text), "onetwo");
  EXPECT_EQ(chain.write(0, bytes_of_text("three")), 5u);
  chain.complete(5);

  EXPECT_EQ(pair.driver->take_used(), (Used{id, 5}));
  EXPECT_EQ(text_of(request.written(5)), "three");
}

TEST_P(VirtqueueOf, TakesIndirectTablesLongerThanTheRing) {
  QueuePair pair(features());
  auto request = pair.driver->request().indirect();
  for (int i = 0; i < 100; ++i) request.writable(1);
  pair.driver->submit(request);
  EXPECT_EQ(pair.pop().writable_size(), 100u);
}

TEST_P(VirtqueueOf, GoesRoundTheRing) {
  QueuePair pair(features(kFeatureEventIndex), 8);
  const uint64_t mark = pair.ram.mark();
  for (uint32_t round = 0; round < 1000; ++round) {
    pair.ram.free_to(mark);
    auto request = pair.driver->request().readable(bytes_of(round));
    for (uint32_t i = 0; i < round % 7; ++i) request.writable(2);
    const uint16_t id = pair.driver->submit(request);

    DescriptorChain chain = pair.pop();
    ASSERT_EQ(chain.read_object<uint32_t>(0), round);
    chain.complete(round % 7);

    ASSERT_EQ(pair.driver->take_used(), (Used{id, round % 7}));
    ASSERT_TRUE(pair.is_empty());
  }
}

TEST_P(VirtqueueOf, HostAddressesReachTheGuestsBytes) {
  QueuePair pair(features());
  auto request = pair.driver->request().readable(bytes_of_text("abc")).readable(bytes_of_text("def")).writable(8);
  pair.driver->submit(request);
  DescriptorChain chain = pair.pop();

  std::vector<iovec> out;
  EXPECT_EQ(chain.readable_iovecs(1, 4, out), 4u);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(std::string(static_cast<char*>(out[0].iov_base), out[0].iov_len), "bc");
  EXPECT_EQ(std::string(static_cast<char*>(out[1].iov_base), out[1].iov_len), "de");

  std::vector<iovec> in;
  EXPECT_EQ(chain.writable_iovecs(2, 100, in), 6u);
  static_cast<char*>(in[0].iov_base)[0] = '!';
  chain.complete(3);
  EXPECT_EQ(text_of(request.written(3)).substr(2), "!");
}

TEST(Virtqueue, ABufferMayLieInNeighbouringRegions) {
  constexpr uint64_t kSize = 64 << 10;
  const std::array regions = {hv::RegionConfig{.base = {0}, .size = kSize, .numa = {}},
                              hv::RegionConfig{.base = {kSize}, .size = kSize, .numa = {}}};
  const auto memory = std::move(hv::GuestMemory::create(regions).value());
  const VirtqueueConfig config{.size = 1, .descriptors = {0}, .driver = {64}, .device = {128}, .ready = true};
  ASSERT_TRUE(memory->store(hv::GuestAddress{0}, uint64_t{kSize - 4}));
  ASSERT_TRUE(memory->store(hv::GuestAddress{8}, uint64_t{10}));
  ASSERT_TRUE(memory->store(hv::GuestAddress{66}, uint16_t{1}));
  ASSERT_TRUE(memory->write({kSize - 4}, bytes_of_text("0123456789")));
  const auto queue = *Virtqueue::create(config, kPlain, *memory, [] {});

  auto popped = queue->pop();
  ASSERT_TRUE(popped && *popped);
  DescriptorChain& chain = **popped;

  EXPECT_EQ(chain.readable().size(), 2u);
  std::array<std::byte, 10> text;
  EXPECT_EQ(chain.read(0, text), 10u);
  EXPECT_EQ(text_of(text), "0123456789");
}

TEST_P(VirtqueueOf, MarksWhatItWroteAsDirty) {
  QueuePair pair(features());
  const hv::GuestAddress page = pair.ram.allocate(3 * hv::kGuestPageSize, hv::kGuestPageSize);
  const hv::GuestAddress next_page = page + hv::kGuestPageSize;
  pair.driver->submit(pair.driver->request().element({page, 4096, true}).element({next_page, 4096, true}));
  pair.driver->submit(pair.driver->request().element({next_page + hv::kGuestPageSize, 64, true}));
  pair.ram.memory().take_dirty(pair.ram.memory().regions()[0]);

  DescriptorChain copied = pair.pop();
  copied.write(4096, bytes_of(1));
  copied.complete(4100);
  EXPECT_FALSE(pair.ram.memory().is_dirty(page));
  EXPECT_TRUE(pair.ram.memory().is_dirty(next_page));
  EXPECT_TRUE(
      pair.ram.memory().is_dirty(GetParam() != 0 ? pair.driver->config().descriptors : pair.driver->config().device));

  DescriptorChain exposed = pair.pop();
  std::vector<iovec> out;
  exposed.writable_iovecs(0, 64, out);
  exposed.complete(0);
  EXPECT_TRUE(pair.ram.memory().is_dirty(next_page + hv::kGuestPageSize));
}

TEST_P(VirtqueueOf, ABatchIsShownAtOnceWithOneInterrupt) {
  QueuePair pair(features());
  for (int i = 0; i < 3; ++i) pair.driver->submit(pair.driver->request().writable(1));
  {
    const Virtqueue::Batch batch(*pair.queue);
    for (int i = 0; i < 3; ++i) pair.pop().complete(1);
    EXPECT_EQ(pair.driver->take_used(), std::nullopt);
    EXPECT_EQ(pair.interrupts, 0u);
  }
  for (int i = 0; i < 3; ++i) EXPECT_NE(pair.driver->take_used(), std::nullopt);
  EXPECT_EQ(pair.interrupts, 1u);
}

TEST_P(VirtqueueOf, AnEmptyBatchShowsNothing) {
  QueuePair pair(features());
  { const Virtqueue::Batch batch(*pair.queue); }
  EXPECT_EQ(pair.interrupts, 0u);
}

// §2.7.7, §2.8.14
TEST_P(VirtqueueOf, DoesNotInterruptADriverThatAskedForNone) {
  QueuePair pair(features());
  pair.driver->interrupt_never();
  for (int i = 0; i < 2; ++i) pair.driver->submit(pair.driver->request().writable(1));
  pair.pop().complete(1);
  EXPECT_EQ(pair.interrupts, 0u);
  pair.driver->interrupt_always();
  pair.pop().complete(1);
  EXPECT_EQ(pair.interrupts, 1u);
}

// §2.7.10, §2.8.14
TEST_P(VirtqueueOf, InterruptsWhenTheEventIndexIsPassed) {
  QueuePair pair(features(kFeatureEventIndex));
  std::vector<unsigned> interrupts_at;
  for (unsigned round = 0; round < 10; ++round) {
    pair.driver->interrupt_after(3);  // the fourth buffer from here
    for (unsigned i = 1; i <= 5; ++i) {
      pair.driver->submit(pair.driver->request().writable(1));
      pair.pop().complete(1);
      if (pair.interrupts != interrupts_at.size()) interrupts_at.push_back(i);
    }
    while (pair.driver->take_used()) {
    }
  }
  EXPECT_THAT(interrupts_at, testing::AllOf(testing::SizeIs(10), testing::Each(4u)));
}

TEST_P(VirtqueueOf, AnEventIndexPassedWithinABatchInterruptsOnce) {
  QueuePair pair(features(kFeatureEventIndex));
  pair.driver->interrupt_after(1);
  for (int i = 0; i < 6; ++i) pair.driver->submit(pair.driver->request().writable(1));
  const auto complete_three = [&] {
    const Virtqueue::Batch batch(*pair.queue);
    for (int i = 0; i < 3; ++i) pair.pop().complete(1);
  };
  complete_three();
  EXPECT_EQ(pair.interrupts, 1u);
  complete_three();
  EXPECT_EQ(pair.interrupts, 1u);
}

class KicksOf : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Rings, KicksOf,
                         testing::Values(0, kFeaturePackedRing, kFeatureEventIndex,
                                         kFeaturePackedRing | kFeatureEventIndex));

TEST_P(KicksOf, AreAskedForOnlyWhenTheDeviceFoundNothing) {
  QueuePair pair(kPlain | GetParam());
  const uint64_t mark = pair.ram.mark();
  for (unsigned round = 0; round < 20; ++round) {
    pair.ram.free_to(mark);
    ASSERT_TRUE(pair.is_empty());
    pair.driver->submit(pair.driver->request().writable(1));
    EXPECT_TRUE(pair.driver->wants_kick()) << round;

    pair.driver->submit(pair.driver->request().writable(1));
    DescriptorChain working = pair.pop();
    pair.driver->submit(pair.driver->request().writable(1));
    EXPECT_FALSE(pair.driver->wants_kick()) << round;

    working.complete(1);
    while (!pair.is_empty()) {
    }
    while (pair.driver->take_used()) {
    }
  }
}

TEST_P(VirtqueueOf, BuffersInFlightComeAgainAfterALoad) {
  QueuePair pair(features(kFeatureEventIndex));
  std::vector<uint16_t> ids;
  for (uint32_t i = 0; i < 4; ++i) {
    ids.push_back(pair.driver->submit(pair.driver->request().readable(bytes_of(i)).writable(4)));
  }
  DescriptorChain first = pair.pop();
  DescriptorChain second = pair.pop();
  DescriptorChain third = pair.pop();
  second.complete(4);
  EXPECT_EQ(pair.driver->take_used(), (Used{ids[1], 4}));

  hv::StateWriter writer;
  pair.queue->save(writer);
  pair.queue->close([] {});
  const auto loaded = pair.make_queue();
  hv::StateReader reader(writer.data());
  loaded->load(reader);
  ASSERT_TRUE(reader.status());
  pair.queue = loaded;

  for (const uint32_t expected : {0u, 2u, 3u}) {
    DescriptorChain chain = pair.pop();
    EXPECT_EQ(chain.read_object<uint32_t>(0), expected);
    EXPECT_EQ(chain.writable_size(), 4u);
    chain.complete(1);
    EXPECT_EQ(pair.driver->take_used(), (Used{ids[expected], 1}));
  }
  EXPECT_TRUE(pair.is_empty());
  pair.driver->submit(pair.driver->request().writable(1));
  EXPECT_TRUE(pair.driver->wants_kick());
}

TEST_P(VirtqueueOf, RefusesAStateThatDoesNotFit) {
  QueuePair large(features(), 8);
  for (int i = 0; i < 8; ++i) large.driver->submit(large.driver->request().writable(4));
  std::vector<DescriptorChain> chains;
  for (int i = 0; i < 8; ++i) chains.push_back(large.pop());
  hv::StateWriter writer;
  large.queue->save(writer);

  QueuePair small(features(), 4);
  hv::StateReader reader(writer.data());
  small.queue->load(reader);
  EXPECT_FALSE(reader.status());
}

TEST_P(VirtqueueOf, AClosedQueueIsIdleWhenItsLastBufferIsBack) {
  QueuePair pair(features());
  pair.driver->submit(pair.driver->request().writable(4));
  pair.driver->submit(pair.driver->request().writable(4));
  DescriptorChain chain = pair.pop();
  unsigned idle = 0;

  pair.queue->close([&] { ++idle; });
  EXPECT_EQ(idle, 0u);
  EXPECT_TRUE(pair.is_empty());
  EXPECT_EQ(chain.write(0, bytes_of(1)), 0u);
  chain.complete(4);

  EXPECT_EQ(idle, 1u);
  EXPECT_EQ(pair.driver->take_used(), std::nullopt);
  EXPECT_EQ(pair.interrupts, 0u);
}

TEST_P(VirtqueueOf, AChainOutlivesTheQueuesOwner) {
  QueuePair pair(features());
  const uint16_t id = pair.driver->submit(pair.driver->request().writable(4));
  DescriptorChain chain = pair.pop();
  pair.queue.reset();
  chain.complete(4);
  EXPECT_EQ(pair.driver->take_used(), (Used{id, 4}));
}

}  // namespace
}  // namespace devices::virtio
