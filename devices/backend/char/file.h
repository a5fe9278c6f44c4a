#pragma once

#include <memory>
#include <string>

#include "devices/backend/char/stream.h"

namespace devices {

/// Appends what the guest writes to a file; there is no input. What a full disk does not take is lost, and said once.
class OutputFile final : public StreamBackend {
 public:
  /// Error: the file cannot be opened for writing.
  static hv::Result<std::unique_ptr<OutputFile>> create(EventLoop& loop, std::string path);
  ~OutputFile() override { stream().close(); }

 private:
  explicit OutputFile(std::shared_ptr<Stream> stream) : StreamBackend(std::move(stream)) {}
};

}  // namespace devices
