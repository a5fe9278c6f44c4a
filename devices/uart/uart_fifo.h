#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hv/core/state_io.h"

namespace devices {

/// A UART's FIFO of up to 64 bytes, each with the line-status bits of errors that came with it.
class UartFifo {
 public:
  static constexpr size_t kCapacity = 64;
  struct Entry {
    uint8_t byte = 0;
    uint8_t errors = 0;
  };

  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// The oldest entry; the FIFO is not empty.
  Entry& front() noexcept { return entries_[first_]; }
  const Entry& front() const noexcept { return entries_[first_]; }
  const Entry& operator[](size_t index) const noexcept { return entries_[(first_ + index) % kCapacity]; }

  void push(Entry entry) noexcept {
    if (size_ == kCapacity) return;
    entries_[(first_ + size_++) % kCapacity] = entry;
  }
  Entry pop() noexcept {
    const Entry entry = entries_[first_];
    first_ = (first_ + 1) % kCapacity;
    --size_;
    return entry;
  }
  void replace_last(Entry entry) noexcept { entries_[(first_ + size_ - 1) % kCapacity] = entry; }
  void clear() noexcept { size_ = 0; }

  bool any_error() const noexcept {
    for (size_t i = 0; i < size_; ++i) {
      if ((*this)[i].errors != 0) return true;
    }
    return false;
  }

  void save(hv::StateWriter& writer) const {
    writer.value(static_cast<uint8_t>(size_));
    for (size_t i = 0; i < size_; ++i) {
      writer.value((*this)[i].byte);
      writer.value((*this)[i].errors);
    }
  }
  void load(hv::StateReader& reader) {
    clear();
    const auto count = reader.value<uint8_t>();
    if (count > kCapacity) return reader.fail("a FIFO of more than 64 bytes");
    for (unsigned i = 0; i < count; ++i) {
      const auto byte = reader.value<uint8_t>();
      push({byte, reader.value<uint8_t>()});
    }
  }

 private:
  std::array<Entry, kCapacity> entries_{};
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace devices
