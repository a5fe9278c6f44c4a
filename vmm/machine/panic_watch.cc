#include "vmm/machine/panic_watch.h"

namespace vmm {
namespace {

constexpr std::string_view kPanic = "Kernel panic - not syncing: ";
constexpr size_t kLongestLine = 1024;

}  // namespace

size_t PanicWatch::write(std::span<const std::byte> data) noexcept {
  const size_t taken = backend_.write(data);
  const std::lock_guard lock(mutex_);
  for (const std::byte byte : data.first(taken)) {
    const char c = static_cast<char>(byte);
    if (c == '\n' || c == '\r') {
      end_line();
    } else if (line_.size() < kLongestLine) {
      line_.push_back(c);
    }
  }
  return taken;
}

void PanicWatch::end_line() noexcept {
  if (const size_t at = line_.find(kPanic); at != std::string::npos && !noticed_) {
    noticed_ = true;
    on_panic_(line_.substr(at));
  }
  line_.clear();
}

}  // namespace vmm
