#pragma once

#include <memory>
#include <string>

#include "devices/backend/char/stream.h"

namespace devices {

/// A new pseudo-terminal for a person to open (`screen /dev/pts/4`), in raw mode. Connected while somebody has it open.
class Pty final : public StreamBackend {
 public:
  /// Error: the host has no pseudo-terminal left.
  static hv::Result<std::unique_ptr<Pty>> create(EventLoop& loop);
  ~Pty() override;

  std::string address() const override { return path_; }

 private:
  struct Watch;

  Pty(EventLoop& loop, std::shared_ptr<Stream> stream, std::shared_ptr<Watch> watch, std::string path);

  EventLoop& loop_;
  std::shared_ptr<Watch> watch_;
  std::string path_;
};

}  // namespace devices
