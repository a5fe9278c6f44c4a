#pragma once

#include <functional>
#include <memory>

#include "hv/base/result.h"

namespace devices {

class EventLoop;

/// A doorbell: `notify` makes the handler run once on the loop, however often it was rung meanwhile. It is an eventfd,
/// so KVM can ring it without leaving the kernel (ioeventfd).
///
/// `notify` and `fd` belong to every thread; the rest to the owner, while the loop stands still or on the loop.
class Notifier {
 public:
  /// Error: no file descriptor left.
  static hv::Result<std::unique_ptr<Notifier>> create(EventLoop& loop, std::function<void()> handler);
  ~Notifier();  ///< The handler does not run any more.

  void notify() noexcept;
  int fd() const noexcept;

 private:
  struct State;
  explicit Notifier(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace devices
