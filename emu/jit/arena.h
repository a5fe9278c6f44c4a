#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace emu::jit {

/// Memory for host code, mapped twice: once to write to and once to execute, so that no address is ever both. Blocks
/// are put one behind the other, in one segment after the other, and then in the first one again.
class Arena {
 public:
  /// `size` is in bytes, below 2 GiB. Error: no memory, or the host forbids executable mappings.
  static hv::Result<std::unique_ptr<Arena>> create(size_t size);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  size_t size() const noexcept { return size_; }
  /// Bytes that are in use, or were before what is in them was removed.
  size_t used() const noexcept { return is_full_ ? size_ : used_; }
  size_t left() const noexcept { return end_ - used_; }

  /// Where the next block goes, aligned to 16 bytes.
  std::byte* writable() const noexcept { return writable_ + used_; }
  const std::byte* executable() const noexcept { return executable_ + used_; }
  std::byte* writable(const std::byte* executable) const noexcept { return writable_ + (executable - executable_); }

  /// Takes `bytes` of what was left.
  void take(size_t bytes) noexcept;

  /// Makes segments of all that is left now.
  void divide(size_t segments) noexcept;
  /// The segment that is to be filled next. What is in it must be gone before `begin_next`.
  std::span<const std::byte> next() const noexcept { return {executable_ + begin_of(next_segment()), segment_bytes_}; }
  void begin_next() noexcept;

 private:
  Arena() = default;
  size_t next_segment() const noexcept { return (segment_ + 1) % segments_; }
  size_t begin_of(size_t segment) const noexcept { return first_ + segment * segment_bytes_; }

  hv::UniqueFd fd_;
  size_t size_ = 0;
  size_t used_ = 0;  ///< where the next block goes
  size_t end_ = 0;   ///< of the present segment
  size_t first_ = 0;
  size_t segments_ = 1;
  size_t segment_ = 0;
  size_t segment_bytes_ = 0;
  bool is_full_ = false;  ///< the last segment was filled once
  std::byte* writable_ = nullptr;
  std::byte* executable_ = nullptr;
};

}  // namespace emu::jit
