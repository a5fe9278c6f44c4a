#pragma once

#include "devices/backend/char_backend.h"

namespace devices {

/// Takes everything and says nothing.
class NullBackend final : public CharBackend {
 public:
  size_t write(std::span<const std::byte> data) noexcept override { return data.size(); }
  void input_ready() noexcept override {}
  void attach(CharDevice*) noexcept override {}
  bool connected() const noexcept override { return false; }
};

}  // namespace devices
