#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices/backend/disk/disk.h"
#include "devices/virtio/block/block_format.h"
#include "devices/virtio/virtio_device.h"

namespace devices::virtio {

/// A block device (VIRTIO 1.2 §5.2) on any Disk.
///
/// Requests run side by side, straight between the disk and guest memory, and end in any order. What a failed one did
/// not read is undefined, as on any disk. A request without room for its status byte gets none: it is completed with 0
/// bytes.
class BlockDevice final : public VirtioDevice {
 public:
  struct Options {
    std::string name = "block";
    uint16_t queues = 1;  ///< request queues; the driver uses one for each of its processors, up to this many
    uint16_t queue_size = 256;
  };

  /// `disk` runs on `loop`, too.
  BlockDevice(EventLoop& loop, std::unique_ptr<Disk> disk, Options options);
  ~BlockDevice() override;

  const Disk& disk() const noexcept { return *disk_; }

 protected:
  void on_activate() override;
  void on_kick(unsigned queue) override;
  void on_reset() override;
  void on_config_write(uint64_t offset, std::span<const std::byte> data) override;

 private:
  struct Finished {
    unsigned queue;
    DescriptorChain chain;
    uint32_t written;
  };

  void describe_disk(const Options& options);
  bool write_through() const noexcept;

  Detached serve(unsigned queue, DescriptorChain chain);
  Task<block::Status> perform(const block::RequestHeader& header, DescriptorChain& chain);
  Task<block::Status> transfer(const block::RequestHeader& header, DescriptorChain& chain);
  Task<block::Status> flush();
  Task<block::Status> change_ranges(block::RequestType type, const DescriptorChain& chain);
  Task<block::Status> write_id(DescriptorChain& chain);
  block::Status outcome(const hv::Result<void>& result);

  void finish(unsigned queue, DescriptorChain chain, uint32_t written);
  void complete_finished();

  std::unique_ptr<Disk> disk_;
  hv::log::GuestError disk_error_;
  std::vector<Finished> finished_;  ///< completed together, in the loop's next turn
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace devices::virtio
