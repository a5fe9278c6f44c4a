#include "emu/jit/visitors.h"

#include <algorithm>
#include <utility>

namespace emu::jit {

Visitors::Visitor::Visitor(Visitors& visitors, std::function<void()> ask_to_leave)
    : visitors_(visitors), ask_to_leave_(std::move(ask_to_leave)) {
  const std::lock_guard lock(visitors_.mutex_);
  visitors_.list_.push_back(this);
}

Visitors::Visitor::~Visitor() {
  const std::lock_guard lock(visitors_.mutex_);
  std::erase(visitors_.list_, this);
}

bool Visitors::all_reached(uint64_t time) const noexcept {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(list_, [time](const Visitor* visitor) { return visitor->at_.load() >= time; });
}

void Visitors::ask_to_leave(uint64_t time) noexcept {
  const std::lock_guard lock(mutex_);
  for (const Visitor* const visitor : list_) {
    if (visitor->at_.load() < time) visitor->ask_to_leave_();
  }
}

}  // namespace emu::jit
