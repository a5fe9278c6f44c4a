#pragma once

#include <cstddef>
#include <utility>

#include <sys/mman.h>

struct kvm_run;

namespace hv::kvm {

/// The memory that a vCPU shares with the kernel, unmapped with its owner.
class RunMemory {
 public:
  RunMemory() = default;
  RunMemory(void* memory, size_t size) noexcept : memory_(memory), size_(size) {}
  RunMemory(RunMemory&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  RunMemory& operator=(RunMemory&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~RunMemory() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
  }

  kvm_run& get() const noexcept { return *static_cast<kvm_run*>(memory_); }
  std::byte* bytes() const noexcept { return static_cast<std::byte*>(memory_); }
  size_t size() const noexcept { return size_; }

 private:
  void* memory_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hv::kvm
