#include "devices/virtio/mmio_transport.h"

#include <chrono>
#include <thread>

#include <gmock/gmock.h>

#include "tests/support/virtio_guest.h"

namespace devices::virtio {
namespace {

using test::bytes_of;
using test::bytes_of_text;
using test::text_of;
using test::VirtioGuest;

constexpr uint64_t kEcho = 1;       // a feature of the device
constexpr uint64_t kNeedsEcho = 2;  // one that it takes only together with kEcho
constexpr uint32_t kDeviceId = 42;

// Copies the readable part of each buffer to its writable part. Queue 1 keeps its buffers instead.
class EchoDevice final : public VirtioDevice {
 public:
  explicit EchoDevice(EventLoop& loop)
      : VirtioDevice(loop, {.name = "echo",
                            .device_id = kDeviceId,
                            .features = kEcho | kNeedsEcho,
                            .queue_sizes = {64, 8},
                            .config_size = 12,
                            .writable_config = {{4, 4}},
                            .reset_patience = std::chrono::milliseconds(300)}) {
    set_config(0, uint32_t{0x1234'5678});
  }

  bool accepts_features(uint64_t features) const noexcept override {
    return (features & kNeedsEcho) == 0 || (features & kEcho) != 0;
  }
  void on_activate() override { ++activations; }
  void on_reset() override {
    ++resets;
    if (slow_operation.joinable()) slow_operation.join();
    if (!keeps_over_reset) kept.clear();
  }
  void on_kick(unsigned queue) override {
    on_loop = on_loop && loop().on_loop_thread();
    while (auto chain = pop(queue)) {
      if (queue == 1) {
        kept.push_back(std::move(*chain));
        continue;
      }
      std::vector<std::byte> data(chain->readable_size());
      chain->read(0, data);
      chain->complete(static_cast<uint32_t>(chain->write(0, data)));
    }
  }
  void on_config_write(uint64_t offset, std::span<const std::byte> data) override {
    config_writes.emplace_back(offset, data.size());
  }
  void save_state(hv::StateWriter& writer) const override { writer.value(activations.load()); }
  void load_state(hv::StateReader& reader) override { activations = reader.value<int>(); }

  void resize(uint32_t value) {
    set_config(8, value);
    notify_config_changed();
  }

  std::atomic<int> activations = 0;
  std::atomic<int> resets = 0;
  std::atomic<bool> on_loop = true;
  std::vector<DescriptorChain> kept;
  bool keeps_over_reset = false;
  std::thread slow_operation;
  std::vector<std::pair<uint64_t, size_t>> config_writes;
};

struct MmioTransportTest : testing::Test {
  EchoDevice& device() { return static_cast<EchoDevice&>(guest.transport().device()); }
  std::string echo(std::string_view text) {
    auto request = guest.request().readable(bytes_of_text(text)).writable(64);
    const test::Used used = guest.exchange(0, request);
    return text_of(request.written(used.written));
  }
  size_t kept() {
    size_t count = 0;
    guest.loop.run_and_wait([&] { count = device().kept.size(); });
    return count;
  }

  VirtioGuest guest{[](EventLoop& loop) { return std::make_unique<EchoDevice>(loop); }};
};

// §4.2.2, §4.2.2.1
TEST_F(MmioTransportTest, SaysWhatItIs) {
  EXPECT_EQ(guest.read(VirtioGuest::kMagic), 0x74726976u);
  EXPECT_EQ(guest.read(VirtioGuest::kVersion), 2u);
  EXPECT_EQ(guest.read(VirtioGuest::kDeviceId), kDeviceId);
  EXPECT_EQ(guest.device_features(), kCommonFeatures | kEcho | kNeedsEcho);
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
}

TEST_F(MmioTransportTest, HasOnlyTwoHalvesOfFeatures) {
  guest.write(VirtioGuest::kDeviceFeaturesSelect, 2);
  EXPECT_EQ(guest.read(VirtioGuest::kDeviceFeatures), 0u);
  guest.write(VirtioGuest::kDriverFeaturesSelect, 2);
  guest.write(VirtioGuest::kDriverFeatures, 0xffff'ffff);
  EXPECT_TRUE(guest.negotiate(0));
}

TEST_F(MmioTransportTest, DoesNotOfferFeaturesThatItLacks) {
  constexpr uint64_t kAccessPlatform = uint64_t{1} << 33;
  EXPECT_EQ(guest.device_features() & kAccessPlatform, 0u);
  EXPECT_FALSE(guest.negotiate(kAccessPlatform));
}

// §2.2.2, §6.1
TEST_F(MmioTransportTest, InsistsOnVersion1) {
  guest.write(VirtioGuest::kStatus, VirtioGuest::kAcknowledge | VirtioGuest::kDriver);
  guest.write(VirtioGuest::kDriverFeatures, kEcho);
  guest.write(VirtioGuest::kStatus, VirtioGuest::kAcknowledge | VirtioGuest::kDriver | VirtioGuest::kFeaturesOk);
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), VirtioGuest::kAcknowledge | VirtioGuest::kDriver);
}

TEST_F(MmioTransportTest, AsksTheDeviceAboutFeatures) {
  EXPECT_FALSE(guest.negotiate(kNeedsEcho));
  guest.reset();
  EXPECT_TRUE(guest.negotiate(kEcho | kNeedsEcho));
}

TEST_F(MmioTransportTest, FeaturesStayAsTheyWereAgreed) {
  ASSERT_TRUE(guest.negotiate(0));
  guest.write(VirtioGuest::kDriverFeaturesSelect, 0);
  guest.write(VirtioGuest::kDriverFeatures, 0xffff'ffff);
  guest.set_up_queue(0);
  guest.driver_ok();
  EXPECT_EQ(echo("abc"), "abc");
}

TEST_F(MmioTransportTest, DoesNotStartWithoutFeaturesOk) {
  guest.write(VirtioGuest::kStatus, VirtioGuest::kAcknowledge | VirtioGuest::kDriver | VirtioGuest::kDriverOk);
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), VirtioGuest::kAcknowledge | VirtioGuest::kDriver);
  guest.settle();
  EXPECT_EQ(device().activations, 0);
}

// §2.1.1
TEST_F(MmioTransportTest, TheDriverCannotClearBitsOfTheStatusOrSetTheDevices) {
  guest.start();
  const uint32_t running = guest.read(VirtioGuest::kStatus);
  guest.write(VirtioGuest::kStatus, VirtioGuest::kAcknowledge | VirtioGuest::kNeedsReset);
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), running);
  guest.settle();
  EXPECT_EQ(device().activations, 1);
}

TEST_F(MmioTransportTest, QueuesAreSetUpOneByOne) {
  guest.write(VirtioGuest::kQueueSelect, 1);
  EXPECT_EQ(guest.read(VirtioGuest::kQueueSizeMax), 8u);
  guest.write(VirtioGuest::kQueueSelect, 2);
  EXPECT_EQ(guest.read(VirtioGuest::kQueueSizeMax), 0u);
  guest.write(VirtioGuest::kQueueReady, 1);
  EXPECT_EQ(guest.read(VirtioGuest::kQueueReady), 0u);
  guest.write(VirtioGuest::kQueueSelect, 0);
  EXPECT_EQ(guest.read(VirtioGuest::kQueueReady), 0u);
  guest.write(VirtioGuest::kQueueReady, 1);
  EXPECT_EQ(guest.read(VirtioGuest::kQueueReady), 1u);
}

class EchoOver : public MmioTransportTest, public testing::WithParamInterface<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Rings, EchoOver, testing::Values(0, kFeaturePackedRing, kFeatureEventIndex, kCommonFeatures));

TEST_P(EchoOver, BuffersComeBack) {
  guest.start(GetParam() | kEcho, 8);
  const uint64_t mark = guest.ram.mark();
  for (int i = 0; i < 300; ++i) {
    guest.ram.free_to(mark);
    ASSERT_EQ(echo(std::to_string(i)), std::to_string(i));
  }
  EXPECT_TRUE(device().on_loop);
}

TEST_P(EchoOver, AStreamOfBuffersLosesNoKickAndNoInterrupt) {
  guest.start(GetParam(), 8);
  const uint64_t mark = guest.ram.mark();
  for (uint32_t i = 0; i < 2000; ++i) {
    guest.ram.free_to(mark);
    guest.queue(0).interrupt_after(0);
    for (uint32_t j = 0; j <= i % 4; ++j) guest.submit(0, guest.request().readable(bytes_of(i)).writable(4));
    ASSERT_TRUE(guest.wait_interrupt(1));
    for (uint32_t j = 0; j <= i % 4; ++j) ASSERT_EQ(guest.wait_used(0).written, 4u);
  }
}

// §4.2.2.1
TEST_F(MmioTransportTest, InterruptsUntilAllReasonsAreAcknowledged) {
  guest.start();
  echo("abc");
  guest.loop.run_and_wait([&] { device().resize(7); });
  EXPECT_EQ(guest.read(VirtioGuest::kInterruptStatus), 3u);
  guest.write(VirtioGuest::kInterruptAcknowledge, 1);
  EXPECT_TRUE(guest.interrupt.level());
  guest.write(VirtioGuest::kInterruptAcknowledge, 2);
  EXPECT_FALSE(guest.interrupt.level());
  EXPECT_EQ(guest.read(VirtioGuest::kInterruptStatus), 0u);
}

TEST_F(MmioTransportTest, ConfigurationIsReadInAnySize) {
  EXPECT_EQ(guest.config<uint32_t>(0), 0x1234'5678u);
  EXPECT_EQ(guest.config<uint8_t>(1), 0x56u);
  EXPECT_EQ(guest.config<uint64_t>(8), 0u);
  EXPECT_EQ(guest.transport().bus_read(0xffff'ffff, 8), 0u);
}

// §2.5.1
TEST_F(MmioTransportTest, GenerationChangesWithTheConfiguration) {
  guest.start();
  const uint32_t before = guest.read(VirtioGuest::kConfigGeneration);
  EXPECT_EQ(guest.read(VirtioGuest::kConfigGeneration), before);
  guest.loop.run_and_wait([&] { device().resize(7); });
  EXPECT_NE(guest.read(VirtioGuest::kConfigGeneration), before);
  EXPECT_TRUE(guest.wait_interrupt(2));
  EXPECT_EQ(guest.config<uint32_t>(8), 7u);
}

TEST_F(MmioTransportTest, OnlyWritableFieldsAreWritten) {
  guest.start();
  guest.set_config<uint32_t>(0, 1);
  guest.set_config<uint32_t>(6, 1);
  guest.set_config<uint64_t>(4, 1);
  guest.set_config<uint32_t>(4, 5);
  guest.set_config<uint8_t>(7, 6);
  EXPECT_EQ(guest.config<uint32_t>(0), 0x1234'5678u);
  EXPECT_EQ(guest.config<uint32_t>(4), 0x0600'0005u);
  guest.settle();
  EXPECT_THAT(device().config_writes, testing::ElementsAre(testing::Pair(4, 4), testing::Pair(7, 1)));
}

TEST_F(MmioTransportTest, RegistersTakeOnlyAlignedWords) {
  EXPECT_EQ(guest.transport().bus_read(VirtioGuest::kMagic, 1), 0u);
  EXPECT_EQ(guest.transport().bus_read(VirtioGuest::kMagic, 8), 0u);
  EXPECT_EQ(guest.transport().bus_read(VirtioGuest::kMagic + 2, 4), 0u);
  guest.transport().bus_write(VirtioGuest::kStatus, 1, 1);
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
}

TEST_F(MmioTransportTest, KicksOfNoQueueAreIgnored) {
  guest.kick(0);
  guest.kick(7);
  guest.kick(0xffff'ffff);
  guest.start();
  EXPECT_EQ(echo("abc"), "abc");
}

// §2.1.2
TEST_F(MmioTransportTest, ABadBufferMakesTheDeviceNeedAReset) {
  guest.start();
  EXPECT_EQ(echo("before"), "before");
  guest.submit(0, guest.request().element({{0x10}, 4, true}));
  EXPECT_TRUE(guest.wait_interrupt(2));
  EXPECT_TRUE(guest.needs_reset());

  guest.reset();
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
  guest.start();
  EXPECT_EQ(echo("after"), "after");
}

TEST_F(MmioTransportTest, ABadQueueMakesTheDeviceNeedAReset) {
  ASSERT_TRUE(guest.negotiate(0));
  guest.set_up_queue(0);
  guest.write(VirtioGuest::kQueueSelect, 1);
  guest.write(VirtioGuest::kQueueSize, 16);  // the largest is 8
  guest.write(VirtioGuest::kQueueReady, 1);
  guest.driver_ok();
  EXPECT_TRUE(test::eventually([&] { return guest.needs_reset(); }));
}

TEST_F(MmioTransportTest, AQueueThatWasNotSetUpIsLeftOut) {
  ASSERT_TRUE(guest.negotiate(0));
  guest.set_up_queue(0);
  guest.driver_ok();
  guest.kick(1);
  EXPECT_EQ(echo("abc"), "abc");
}

// §2.4, §4.2.2.1
TEST_F(MmioTransportTest, ResetForgetsTheDriver) {
  guest.start();
  echo("abc");
  guest.reset();
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
  EXPECT_EQ(guest.read(VirtioGuest::kInterruptStatus), 0u);
  EXPECT_FALSE(guest.interrupt.level());
  guest.write(VirtioGuest::kQueueSelect, 0);
  EXPECT_EQ(guest.read(VirtioGuest::kQueueReady), 0u);
  EXPECT_EQ(device().resets, 1);
}

TEST_F(MmioTransportTest, ResetOfADeviceThatDidNotStartIsNone) {
  guest.reset();
  EXPECT_EQ(device().resets, 0);
  guest.start();
  EXPECT_EQ(echo("abc"), "abc");
}

TEST_F(MmioTransportTest, ResetDropsWhatTheDeviceKeeps) {
  guest.start();
  guest.submit(1, guest.request().writable(4));
  guest.settle();
  ASSERT_EQ(kept(), 1u);
  guest.reset();
  EXPECT_EQ(kept(), 0u);
  EXPECT_EQ(guest.queue(1).take_used(), std::nullopt);
}

TEST_F(MmioTransportTest, ResetWaitsForAHostOperation) {
  guest.start();
  guest.submit(1, guest.request().writable(4));
  guest.settle();
  device().keeps_over_reset = true;
  guest.loop.post([&] {
    // Ends on another thread after the reset began, as a disk's does.
    device().slow_operation = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      guest.loop.post([&] { device().kept.clear(); });
    });
  });
  guest.reset();
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
  EXPECT_EQ(kept(), 0u);
}

TEST_F(MmioTransportTest, ResetDoesNotHoldTheVcpuForever) {
  guest.start();
  guest.submit(1, guest.request().writable(4));
  guest.settle();
  ASSERT_EQ(kept(), 1u);
  device().keeps_over_reset = true;

  guest.reset();
  EXPECT_NE(guest.read(VirtioGuest::kStatus), 0u) << "the device still uses guest memory";
  guest.write(VirtioGuest::kStatus, VirtioGuest::kAcknowledge);
  EXPECT_NE(guest.read(VirtioGuest::kStatus), VirtioGuest::kAcknowledge);

  guest.loop.run_and_wait([&] { device().kept.clear(); });
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
  guest.start();
  EXPECT_EQ(echo("abc"), "abc");
}

class RestoreOver : public EchoOver {};
INSTANTIATE_TEST_SUITE_P(Rings, RestoreOver, testing::Values(0, kCommonFeatures));

TEST_P(RestoreOver, ARestoredDeviceHasItsBuffersInFlight) {
  guest.start(GetParam());
  echo("abc");
  const uint16_t id = guest.submit(1, guest.request().writable(4));
  guest.settle();
  ASSERT_EQ(kept(), 1u);

  guest.save_and_restore();

  EXPECT_TRUE(test::eventually([&] { return kept() == 1; }));
  guest.loop.run_and_wait([&] { device().kept[0].complete(3); });
  EXPECT_EQ(guest.wait_used(1), (test::Used{id, 3}));
  EXPECT_EQ(device().activations, 1);
  EXPECT_EQ(echo("def"), "def");
  EXPECT_TRUE(guest.wait_interrupt(1));
}

TEST_F(MmioTransportTest, ADriverOkOnItsWayIsSaved) {
  guest.loop.stop();
  guest.start();
  guest.set_config<uint32_t>(4, 5);
  guest.save_and_restore();
  EXPECT_EQ(echo("abc"), "abc");
  EXPECT_EQ(device().activations, 1);
  EXPECT_EQ(device().config_writes.size(), 1u);
}

TEST_F(MmioTransportTest, SeveralVcpusMayUseItAtOnce) {
  guest.start();
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) {
      guest.read(VirtioGuest::kStatus);
      guest.read(VirtioGuest::kInterruptStatus);
      guest.config<uint64_t>(4);
      guest.set_config<uint32_t>(4, 5);
      guest.kick(0);
      guest.write(VirtioGuest::kQueueSelect, 1);
    }
  });
  const uint64_t mark = guest.ram.mark();
  for (int i = 0; i < 200; ++i) {
    guest.ram.free_to(mark);
    EXPECT_EQ(echo(std::to_string(i)), std::to_string(i));
  }
  guest.reset();
  stop = true;
  other.join();
  EXPECT_EQ(guest.read(VirtioGuest::kStatus), 0u);
}

TEST_F(MmioTransportTest, ADestroyedDeviceShowsTheDriverNothing) {
  guest.start();
  guest.submit(1, guest.request().writable(4));
  guest.settle();
  ASSERT_EQ(kept(), 1u);
  guest.save_and_restore();
  EXPECT_EQ(guest.queue(1).take_used(), std::nullopt);
}

TEST_F(MmioTransportTest, AFailedDeviceIsSavedAsFailed) {
  guest.start();
  guest.submit(0, guest.request().element({{0x10}, 4, true}));
  ASSERT_TRUE(guest.wait_interrupt(2));
  guest.save_and_restore();
  EXPECT_TRUE(guest.needs_reset());
  guest.reset();
  guest.start();
  EXPECT_EQ(echo("abc"), "abc");
}

TEST_F(MmioTransportTest, DamagedStatesAreRefused) {
  guest.start();
  echo("abc");
  guest.loop.stop();
  hv::StateWriter writer;
  guest.transport().save(writer);
  std::vector<std::byte> state(writer.data().begin(), writer.data().end());
  for (const size_t length : {state.size() - 1, state.size() / 2, size_t{9}}) {
    const std::span<const std::byte> part(state.data(), length);
    hv::StateReader reader(part);
    EXPECT_FALSE(guest.transport().load(reader));
  }
}

}  // namespace
}  // namespace devices::virtio
