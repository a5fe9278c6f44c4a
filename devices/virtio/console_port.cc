#include "devices/virtio/console_port.h"

#include <algorithm>
#include <utility>

namespace devices::virtio {
namespace {

constexpr size_t kInputSize = 16 << 10;

}  // namespace

ConsolePort::ConsolePort(CharBackend& backend, std::string name, bool is_console,
                         std::function<void(PortEvent)> on_event)
    : backend_(backend), name_(std::move(name)), is_console_(is_console), on_event_(std::move(on_event)) {
  input_.reserve(kInputSize);
  backend_.attach(this);
}

ConsolePort::~ConsolePort() { backend_.attach(nullptr); }

void ConsolePort::set_open(bool open) {
  bool waits = false;
  {
    const std::lock_guard lock(input_mutex_);
    open_ = open;
    if (open) waits = std::exchange(backend_waits_, false);
  }
  if (waits) backend_.input_ready();
}

bool ConsolePort::is_open() const {
  const std::lock_guard lock(input_mutex_);
  return open_;
}

size_t ConsolePort::can_accept() const noexcept {
  const std::lock_guard lock(input_mutex_);
  const size_t room = open_ ? kInputSize - input_.size() : 0;
  if (room == 0) backend_waits_ = true;
  return room;
}

void ConsolePort::receive(std::span<const std::byte> data) noexcept {
  {
    const std::lock_guard lock(input_mutex_);
    const size_t taken = std::min(data.size(), kInputSize - input_.size());
    input_.insert(input_.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(taken));
  }
  on_event_(PortEvent::input);
}

bool ConsolePort::has_input() const {
  const std::lock_guard lock(input_mutex_);
  return !input_.empty();
}

uint32_t ConsolePort::fill(DescriptorChain& chain) {
  size_t filled = 0;
  bool waits = false;
  {
    const std::lock_guard lock(input_mutex_);
    filled = chain.write(0, std::span(input_).subspan(input_start_));
    input_start_ += filled;
    if (input_start_ == input_.size()) {
      input_.clear();
      input_start_ = 0;
      waits = std::exchange(backend_waits_, false);
    }
  }
  if (waits) backend_.input_ready();
  return static_cast<uint32_t>(filled);
}

bool ConsolePort::send(DescriptorChain chain) {
  sending_ = std::move(chain);
  return send_rest();
}

bool ConsolePort::send_rest() {
  if (!sending_) return true;
  uint32_t skip = sent_;
  for (const Segment& segment : sending_->readable()) {
    const uint32_t skipped = std::min(skip, segment.length);
    skip -= skipped;
    const std::span<const std::byte> rest(segment.host + skipped, segment.length - skipped);
    if (rest.empty()) continue;
    const size_t taken = backend_.write(rest);
    sent_ += static_cast<uint32_t>(taken);
    if (taken != rest.size()) return false;
  }
  sent_ = 0;
  std::exchange(sending_, std::nullopt)->complete(0);
  return true;
}

void ConsolePort::reset() {
  {
    const std::lock_guard lock(input_mutex_);
    open_ = false;
    input_.clear();
    input_start_ = 0;
  }
  sending_.reset();
  sent_ = 0;
}

void ConsolePort::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(input_mutex_);
  writer.value(open_);
  writer.value(sent_);
  writer.bytes(std::span(input_).subspan(input_start_));
}

void ConsolePort::load(hv::StateReader& reader) {
  {
    const std::lock_guard lock(input_mutex_);
    reader.value(open_);
    reader.value(sent_);
    input_ = reader.bytes(kInputSize);
    input_start_ = 0;
  }
  backend_.input_ready();
}

}  // namespace devices::virtio
