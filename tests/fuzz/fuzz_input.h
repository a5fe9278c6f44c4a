#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace test {

/// A fuzzer's input, taken piece by piece; zeros when it has run out.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(reinterpret_cast<const std::byte*>(data), size) {}

  bool empty() const noexcept { return data_.empty(); }

  template <typename T>
  requires std::is_integral_v<T> T take() {
    T value{};
    const auto bytes = take_bytes(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  std::span<const std::byte> take_bytes(size_t most) {
    const auto taken = data_.first(std::min(most, data_.size()));
    data_ = data_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::byte> data_;
};

}  // namespace test
