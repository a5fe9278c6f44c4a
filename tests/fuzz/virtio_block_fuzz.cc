// A block device whose driver does anything: requests of any shape, rings and memory overwritten, resets in between.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unistd.h>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <sys/mman.h>

#include "devices/backend/disk/raw_disk.h"
#include "devices/event_loop.h"
#include "devices/virtio/block/block_device.h"
#include "devices/virtio/descriptor.h"
#include "hv/base/log.h"
#include "tests/support/guest_ram.h"
#include "tests/support/test_io.h"

namespace {

using namespace devices::virtio;

constexpr uint16_t kRingSize = 16;
constexpr uint64_t kDescriptors = 0;
constexpr uint64_t kDriverArea = 0x1000;
constexpr uint64_t kDeviceArea = 0x2000;
constexpr uint64_t kData = 0x4000;
constexpr uint64_t kRamSize = 1 << 20;
constexpr off_t kDiskSize = 1 << 18;

class NoInterrupts final : public DriverInterrupts {
 public:
  void queue_used(unsigned) noexcept override {}
  void config_changed() noexcept override {}
  void needs_reset() noexcept override {}
};

class Driver {
 public:
  Driver(const uint8_t* data, size_t size) : data_(data), left_(size) {
    ram().put(at(0), std::vector<std::byte>(kData + 0x4000));
    hv::UniqueFd fd(::memfd_create("disk", MFD_CLOEXEC));
    if (::ftruncate(fd.get(), kDiskSize) != 0) std::abort();
    io_->hold_back = true;
    auto disk = devices::RawDisk::create(devices::BlockFile(std::move(fd), "disk", io_), false, "fuzz");
    device_ = std::make_unique<BlockDevice>(loop_, std::move(*disk), BlockDevice::Options{.queue_size = kRingSize});
    if (!device_->attach(ram().memory(), interrupts_)) std::abort();
  }

  void run() {
    activate();
    while (left_ != 0) step();
  }

 private:
  static test::GuestRam& ram() {
    static test::GuestRam ram(kRamSize);
    return ram;
  }
  static hv::GuestAddress at(uint64_t offset) { return test::GuestRam::kBase + offset; }

  template <typename T>
  T take() {
    T value{};
    const size_t size = std::min(left_, sizeof value);
    std::memcpy(&value, data_, size);
    data_ += size;
    left_ -= size;
    return value;
  }
  template <typename T>
  void put(uint64_t offset, T value) {
    ram().put(at(offset), test::bytes_of(value));
  }

  void activate() {
    const bool packed = take<uint8_t>() % 4 == 0;
    uint64_t features = device_->device_features() & ~kFeaturePackedRing & ~uint64_t{take<uint16_t>()};
    features |= kFeatureVersion1 | (packed ? kFeaturePackedRing : 0);
    available_ = 0;
    device_->activate(features, {{kRingSize, at(kDescriptors), at(kDriverArea), at(kDeviceArea), true}});
    poll();
  }
  void poll() {
    loop_.context().restart();
    loop_.context().poll();
  }

  void request() {
    constexpr std::array<uint32_t, 8> kTypes = {0, 1, 4, 8, 11, 13, 0, 1};
    const auto shape = take<uint8_t>();
    const block::RequestHeader header{kTypes[shape % 8], 0, take<uint16_t>()};
    ram().put(at(kData), test::bytes_of(header));
    const auto head = static_cast<uint16_t>(take<uint8_t>() % kRingSize);
    const unsigned count = 2 + shape / 8 % 4;
    for (unsigned i = 0; i < count; ++i) {
      const auto length = take<uint16_t>();
      const bool first = i == 0;
      const bool last = i + 1 == count;
      RawDescriptor descriptor;
      descriptor.address = at(first ? kData : kData + length);
      descriptor.length = first ? 16 : last ? 1 : length / 512 * 512u;
      const bool writable = last || (!first && kTypes[shape % 8] % 8 == 0);
      descriptor.third = static_cast<uint16_t>((writable ? kDescriptorWrite : 0) | (last ? 0 : kDescriptorNext));
      descriptor.fourth = static_cast<uint16_t>((head + i + 1) % kRingSize);
      put_descriptor(static_cast<uint16_t>((head + i) % kRingSize), descriptor);
    }
    put(kDriverArea + 4 + 2 * (available_ % kRingSize), head);
    put(kDriverArea + 2, ++available_);
  }
  void put_descriptor(uint16_t index, const RawDescriptor& descriptor) {
    const uint64_t offset = kDescriptors + kDescriptorSize * index;
    put(offset, descriptor.address);
    put(offset + 8, descriptor.length);
    put(offset + 12, descriptor.third);
    put(offset + 14, descriptor.fourth);
  }

  void step() {
    switch (take<uint8_t>() % 8) {
      case 0:
      case 1:
        return request();
      case 2:
        return put(take<uint16_t>() % (kData + 0x1000), take<uint64_t>());
      case 3:
        return put(kDescriptors + take<uint8_t>(), take<uint16_t>());
      case 4:
        device_->kick(0);
        return poll();
      case 5:
        io_->wait();
        return poll();
      case 6: {
        const std::array<std::byte, 1> value = {take<std::byte>()};
        device_->write_config(take<uint8_t>() % 64, value);
        return poll();
      }
      default:
        io_->drain();
        poll();
        device_->reset();
        return activate();
    }
  }

  const uint8_t* data_;
  size_t left_;
  devices::EventLoop loop_{"fuzz"};
  std::shared_ptr<test::TestIo> io_ = std::make_shared<test::TestIo>();
  NoInterrupts interrupts_;
  std::unique_ptr<BlockDevice> device_;
  uint16_t available_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Driver(data, size).run();
  return 0;
}
