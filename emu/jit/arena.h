#pragma once

#include <cstddef>
#include <memory>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace emu::jit {

/// Memory for host code, mapped twice: once to write to and once to execute, so that no address is ever both. Blocks
/// are put one behind the other.
class Arena {
 public:
  /// `size` is in bytes, below 2 GiB. Error: no memory, or the host forbids executable mappings.
  static hv::Result<std::unique_ptr<Arena>> create(size_t size);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  size_t size() const noexcept { return size_; }
  size_t used() const noexcept { return used_; }
  size_t left() const noexcept { return size_ - used_; }

  /// Where the next block goes, aligned to 16 bytes.
  std::byte* writable() const noexcept { return writable_ + used_; }
  const std::byte* executable() const noexcept { return executable_ + used_; }
  std::byte* writable(const std::byte* executable) const noexcept { return writable_ + (executable - executable_); }

  /// Takes `bytes` of what was left.
  void take(size_t bytes) noexcept;
  /// Gives back all that was taken after `mark` bytes.
  void rewind(size_t mark) noexcept { used_ = mark; }

 private:
  Arena() = default;

  hv::UniqueFd fd_;
  size_t size_ = 0;
  size_t used_ = 0;
  std::byte* writable_ = nullptr;
  std::byte* executable_ = nullptr;
};

}  // namespace emu::jit
