#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "hv/base/result.h"

namespace hv {

/// Writes the state of a machine as a tree of named, versioned sections.
///
/// Layout, little-endian: magic "VIREOST1", then sections; a section is its name (u32 length, bytes), version (u32),
/// payload length (u64), payload, CRC-32 (IEEE 802.3) of all that (u32). A payload holds values and nested sections in
/// the order they were written. The reader takes them in the same order and refuses any other name, a newer version, a
/// bad checksum or a short payload.
class StateWriter {
 public:
  StateWriter();

  /// Runs `body` inside a section.
  template <typename Body>
  void section(std::string_view name, uint32_t version, Body&& body) {
    const size_t start = begin_section(name, version);
    body();
    end_section(start);
  }

  template <typename T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  void value(T v) { append(&v, sizeof v); }
  void bytes(std::span<const std::byte> data);  ///< with its length before it
  void string(std::string_view text);

  std::span<const std::byte> data() const noexcept { return data_; }

 private:
  size_t begin_section(std::string_view name, uint32_t version);
  void end_section(size_t start);
  void append(const void* data, size_t size);

  std::vector<std::byte> data_;
};

/// Reads what StateWriter wrote. Input is not trusted: every read is bounded, and the first error stays: later reads
/// give zeros and `status()` the error, so that a load function reads straight through and asks once at its end.
class StateReader {
 public:
  /// `data` must outlive the reader.
  explicit StateReader(std::span<const std::byte> data);

  /// Runs `body(version)` inside the section that must come next. Versions above `newest` are an error.
  template <typename Body>
  void section(std::string_view name, uint32_t newest, Body&& body) {
    Section outer = begin_section(name, newest);
    if (ok()) body(version_);
    end_section(std::move(outer));
  }

  template <typename T>
  requires std::is_integral_v<T> || std::is_enum_v<T> T value() {
    if constexpr (std::is_same_v<T, bool>) {
      const auto byte = value<uint8_t>();
      if (byte > 1) fail("a truth value that is neither 0 nor 1");
      return byte == 1;
    } else {
      T v{};
      take(&v, sizeof v);
      return v;
    }
  }
  template <typename T>
  void value(T& out) {
    out = value<T>();
  }
  std::vector<std::byte> bytes(uint64_t longest);  ///< Error if longer than `longest`.
  std::string string(uint64_t longest = 4096);

  /// Records an error of the caller's own: a value out of range, say.
  void fail(std::string message);
  bool ok() const noexcept { return !error_.has_value(); }
  Result<void> status() const;

 private:
  struct Section {
    size_t end;
    uint32_t version;
    std::string name;
  };
  Section begin_section(std::string_view name, uint32_t newest);
  void end_section(Section outer);
  std::string section_name();
  void take(void* out, size_t size);

  std::span<const std::byte> data_;
  size_t position_ = 0;
  size_t end_ = 0;
  uint32_t version_ = 0;
  std::string section_;  ///< path of the section that is being read, for messages
  std::optional<Error> error_;
};

}  // namespace hv
