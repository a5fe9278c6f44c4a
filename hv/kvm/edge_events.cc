#include "hv/kvm/edge_events.h"

#include <sys/eventfd.h>

#include "hv/base/log.h"

namespace hv::kvm {

Result<void> EdgeEvents::connect(const std::vector<uint32_t>& lines) {
  for (const uint32_t line : lines) {
    UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) return os_error("no event for interrupt {}", line);
    TRY(vm_.interrupt_on_event(event.get(), line));
    events_.emplace(line, std::move(event));
  }
  return {};
}

void EdgeEvents::raise(uint32_t line) const noexcept {
  if (const auto event = events_.find(line); event != events_.end()) ::eventfd_write(event->second.get(), 1);
}

void EdgeEvents::settle() const {
  for (const auto& [line, event] : events_) {
    if (const auto settled = vm_.settle_interrupt(event.get(), line); !settled)
      log::error("{}", settled.error().message);
  }
}

}  // namespace hv::kvm
