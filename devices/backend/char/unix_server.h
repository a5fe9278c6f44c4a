#pragma once

#include <memory>
#include <string>

#include "devices/backend/char/stream.h"

namespace devices {

/// Listens on a Unix socket that only the same user may connect to. One client at a time; the next one waits until it
/// leaves.
class UnixServer final : public StreamBackend {
 public:
  /// Replaces a socket file that nobody listens on any more. Error: the path is too long, in use or not writable.
  static hv::Result<std::unique_ptr<UnixServer>> create(EventLoop& loop, std::string path);
  ~UnixServer() override;  ///< removes the socket file

  std::string address() const override { return path_; }

 private:
  struct Listener;

  UnixServer(EventLoop& loop, std::shared_ptr<Stream> stream, std::shared_ptr<Listener> listener, std::string path);

  EventLoop& loop_;
  std::shared_ptr<Listener> listener_;
  std::string path_;
};

}  // namespace devices
