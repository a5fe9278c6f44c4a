#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "devices/backend/char_backend.h"

namespace vmm {

/// Stands between a console device and its backend and reads along: notices a Linux kernel's panic. Any thread.
class PanicWatch final : public devices::CharBackend {
 public:
  /// `on_panic` gets the panic's text, once, on the thread that wrote it; it must not write. `backend` outlives this.
  PanicWatch(devices::CharBackend& backend, std::function<void(const std::string& text)> on_panic)
      : backend_(backend), on_panic_(std::move(on_panic)) {}

  size_t write(std::span<const std::byte> data) noexcept override;
  void input_ready() noexcept override { backend_.input_ready(); }
  void attach(devices::CharDevice* device) noexcept override { backend_.attach(device); }
  bool connected() const noexcept override { return backend_.connected(); }
  std::string address() const override { return backend_.address(); }
  std::optional<devices::WindowSize> window_size() const noexcept override { return backend_.window_size(); }

 private:
  void end_line() noexcept;

  devices::CharBackend& backend_;
  const std::function<void(const std::string&)> on_panic_;
  std::mutex mutex_;
  std::string line_;  ///< guarded by mutex_
  bool noticed_ = false;
};

}  // namespace vmm
