#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "devices/virtio/descriptor.h"
#include "devices/virtio/virtqueue.h"
#include "tests/support/guest_ram.h"

namespace test {

/// A buffer as a driver puts it together: `Request(ram).readable(header).writable(512)`.
class Request {
 public:
  struct Element {
    hv::GuestAddress address;
    uint32_t length = 0;
    bool writable = false;
  };

  explicit Request(GuestRam& ram) : ram_(&ram) {}

  Request& readable(std::span<const std::byte> data);
  Request& writable(uint32_t length);
  /// A descriptor of any kind, right or wrong.
  Request& element(Element element);
  /// Goes into an indirect table.
  Request& indirect();

  /// The first `length` bytes of the writable part.
  std::vector<std::byte> written(uint32_t length) const;

  const std::vector<Element>& elements() const noexcept { return elements_; }
  bool is_indirect() const noexcept { return indirect_; }

 private:
  GuestRam* ram_;
  std::vector<Element> elements_;
  bool indirect_ = false;
};

struct Used {
  uint16_t id = 0;
  uint32_t written = 0;
  friend bool operator==(const Used&, const Used&) = default;
};

/// The driver's end of one virtqueue, split or packed as the features say.
class DriverQueue {
 public:
  static std::unique_ptr<DriverQueue> create(GuestRam& ram, uint16_t size, uint64_t features);
  virtual ~DriverQueue() = default;

  const devices::virtio::VirtqueueConfig& config() const noexcept { return config_; }
  Request request() { return Request(ram_); }

  /// Makes a buffer available; the id comes back with the used buffer. The caller keeps to the size of the ring.
  virtual uint16_t submit(const Request& request) = 0;
  /// The next used buffer, or nothing.
  virtual std::optional<Used> take_used() = 0;
  /// Whether the device is to be told of what was submitted since this was last asked.
  virtual bool wants_kick() = 0;

  /// How the driver wants interrupts: always; never; or, with EVENT_IDX, when `more` further buffers have been used.
  virtual void interrupt_always() = 0;
  virtual void interrupt_never() = 0;
  virtual void interrupt_after(uint16_t more) = 0;

  /// Writes one descriptor as it stands. In a split ring the flags are the third field, in a packed one the fourth.
  void poke_descriptor(uint16_t index, const devices::virtio::RawDescriptor& raw);

 protected:
  DriverQueue(GuestRam& ram, uint64_t features, const devices::virtio::VirtqueueConfig& config);

  bool has_feature(uint64_t feature) const noexcept { return (features_ & feature) != 0; }
  std::byte* descriptor(uint16_t index) const noexcept {
    return descriptors_ + devices::virtio::kDescriptorSize * index;
  }
  static void write_descriptor(std::byte* to, const devices::virtio::RawDescriptor& raw);

  GuestRam& ram_;
  uint64_t features_;
  devices::virtio::VirtqueueConfig config_;
  std::byte* descriptors_;
};

/// What only a split ring's driver can do.
class SplitDriverQueue : public DriverQueue {
 public:
  using DriverQueue::DriverQueue;
  /// Puts a head into the available ring, and moves the index `advance` entries on.
  virtual void make_available(uint16_t head, uint16_t advance = 1) = 0;
};

std::unique_ptr<SplitDriverQueue> make_split_driver(GuestRam& ram, uint16_t size, uint64_t features);
std::unique_ptr<DriverQueue> make_packed_driver(GuestRam& ram, uint16_t size, uint64_t features);

}  // namespace test
