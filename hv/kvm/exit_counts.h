#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace hv::kvm {

/// A name for KVM_EXIT_...: "mmio", "io", or the number.
std::string exit_name(uint32_t reason);

/// How often a vCPU left the kernel, by cause. Counted on its thread; read by any.
class ExitCounts {
 public:
  static constexpr size_t kReasons = 64;
  static constexpr size_t kInterrupted = kReasons - 1;  ///< KVM_RUN came back with EINTR

  void add(uint32_t reason) noexcept {
    std::atomic<uint64_t>& count = counts_[reason < kReasons ? reason : 0];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  uint64_t total() const noexcept;
  /// "1200 exits (mmio 800, io 400)"
  std::string describe() const;

 private:
  std::array<std::atomic<uint64_t>, kReasons> counts_{};
};

}  // namespace hv::kvm
