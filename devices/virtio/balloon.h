#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "devices/virtio/virtio_device.h"

namespace devices::virtio {

/// Memory balloon (VIRTIO 1.2 §5.5): pages that the guest puts into it, and free pages that it reports, go back to the
/// host; they read as zeros when the guest takes them again.
class Balloon final : public VirtioDevice {
 public:
  /// What the guest says of its memory: bytes or events, by the tags of §5.5.6.3.
  static constexpr size_t kStatisticCount = 10;
  using Statistics = std::array<std::optional<uint64_t>, kStatisticCount>;

  explicit Balloon(EventLoop& loop);

  /// Asks the guest for a balloon of so many bytes (whole 4 KiB pages). Any thread.
  void set_target(uint64_t bytes);
  /// The balloon's size as the guest last said, in bytes. Any thread.
  uint64_t actual() const;
  /// Pages of the guest's that were given back so far, in bytes. Any thread.
  uint64_t given_back() const noexcept { return given_back_.load(std::memory_order_relaxed); }

  /// Asks the guest for new statistics, where it has that queue; they arrive later. Any thread.
  void request_statistics();
  Statistics statistics() const;

 private:
  enum class Role { inflate, deflate, statistics, reporting, none };

  void on_kick(unsigned queue) override;
  void on_reset() override;
  void save_state(hv::StateWriter& writer) const override;
  void load_state(hv::StateReader& reader) override;

  Role role_of(unsigned queue) const noexcept;
  // Each true when it stopped with more to do, so that other devices of the loop have their turn.
  bool inflate(unsigned queue);
  bool report(unsigned queue);
  bool take_statistics(unsigned queue);
  void give_back(hv::GuestAddress address, uint64_t length);

  std::atomic<uint64_t> given_back_{0};
  hv::log::GuestError bad_page_;

  // The loop's.
  std::optional<DescriptorChain> inflating_;  ///< a buffer that took longer than one turn
  uint64_t inflated_ = 0;                     ///< bytes of it that are done
  std::optional<DescriptorChain> statistics_buffer_;

  mutable std::mutex statistics_mutex_;
  Statistics statistics_;
};

}  // namespace devices::virtio
