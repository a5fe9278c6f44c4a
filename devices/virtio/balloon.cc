#include "devices/virtio/balloon.h"

#include <algorithm>
#include <limits>

#include "devices/virtio/device_id.h"

namespace devices::virtio {
namespace {

// §5.5.3
constexpr uint64_t kFeatureStatistics = uint64_t{1} << 1;
constexpr uint64_t kFeatureDeflateOnOom = uint64_t{1} << 2;
constexpr uint64_t kFeatureReporting = uint64_t{1} << 5;

// §5.5.4
constexpr uint32_t kTarget = 0;  // pages
constexpr uint32_t kActual = 4;  // pages, written by the driver
constexpr uint32_t kConfigSize = 16;

// §5.5.2
constexpr unsigned kInflateQueue = 0;
constexpr unsigned kDeflateQueue = 1;
constexpr unsigned kFirstOptionalQueue = 2;
constexpr unsigned kReportingQueue = 4;
constexpr uint16_t kQueueSize = 128;

// What is done before other devices of the loop have their turn.
constexpr size_t kPagesPerTurn = 4096;
constexpr uint64_t kBytesPerTurn = 64 << 20;

// §5.5.6.3: a tag (u16) and a value (u64), packed.
constexpr uint64_t kStatisticSize = 10;

}  // namespace

Balloon::Balloon(EventLoop& loop)
    : VirtioDevice(loop, {.name = "virtio-balloon",
                          .device_id = static_cast<uint32_t>(DeviceId::balloon),
                          .features = kFeatureStatistics | kFeatureDeflateOnOom | kFeatureReporting,
                          .queue_sizes = {kQueueSize, kQueueSize, kQueueSize, kQueueSize, kQueueSize},
                          .config_size = kConfigSize,
                          .writable_config = {{kActual, sizeof(uint32_t)}}}) {}

void Balloon::set_target(uint64_t bytes) {
  const uint64_t pages = std::min<uint64_t>(bytes >> hv::kGuestPageShift, std::numeric_limits<uint32_t>::max());
  set_config(kTarget, static_cast<uint32_t>(pages));
  on_loop([this] { notify_config_changed(); });
}

uint64_t Balloon::actual() const { return uint64_t{config<uint32_t>(kActual)} << hv::kGuestPageShift; }

void Balloon::request_statistics() {
  on_loop([this] {
    if (statistics_buffer_) std::exchange(statistics_buffer_, std::nullopt)->complete(0);
  });
}

Balloon::Statistics Balloon::statistics() const {
  const std::lock_guard lock(statistics_mutex_);
  return statistics_;
}

// §5.5.2 gives each queue a number; Linux closes the gaps that features which were not agreed on leave. What is where
// tells the two apart: the specification's reporting queue is the last one, and no feature makes Linux reach it.
Balloon::Role Balloon::role_of(unsigned queue) const noexcept {
  if (queue == kInflateQueue) return Role::inflate;
  if (queue == kDeflateQueue) return Role::deflate;
  unsigned next = kFirstOptionalQueue;
  if (has_feature(kFeatureStatistics) && queue == next++) return Role::statistics;
  if (has_feature(kFeatureReporting) && (queue == next || queue == kReportingQueue)) return Role::reporting;
  return Role::none;
}

void Balloon::on_kick(unsigned queue) {
  bool more = false;
  switch (role_of(queue)) {
    case Role::inflate:
      more = inflate(queue);
      break;
    case Role::reporting:
      more = report(queue);
      break;
    case Role::statistics:
      more = take_statistics(queue);
      break;
    case Role::deflate:
    case Role::none:
      // §5.5.6: pages that leave the balloon need nothing from the host, which has them again when they are touched.
      for (unsigned i = 0; !more && pop(queue); ++i) more = i >= kQueueSize;
      break;
  }
  if (more) kick(queue);
}

void Balloon::give_back(hv::GuestAddress address, uint64_t length) {
  if (!memory().discard(address, length)) {
    bad_page_.report("{}: {:#x} is not memory", name(), address.value);
    return;
  }
  given_back_.fetch_add(length, std::memory_order_relaxed);
}

// §5.5.6: a buffer is an array of page numbers (le32). Runs of pages go back in one piece. True when more is to be
// done.
bool Balloon::inflate(unsigned queue) {
  std::array<uint32_t, 1024> pages;
  for (size_t done = 0; done < kPagesPerTurn;) {
    if (!inflating_) {
      inflating_ = pop(queue);
      if (!inflating_) return false;
    }
    const size_t count = inflating_->read(inflated_, std::as_writable_bytes(std::span(pages))) / sizeof(uint32_t);
    std::sort(pages.begin(), pages.begin() + static_cast<ptrdiff_t>(count));
    for (size_t first = 0; first < count;) {
      size_t end = first + 1;
      while (end < count && uint64_t{pages[end]} == uint64_t{pages[end - 1]} + 1) ++end;
      give_back({uint64_t{pages[first]} << hv::kGuestPageShift}, (end - first) << hv::kGuestPageShift);
      first = end;
    }
    done += count + 1;
    inflated_ += count * sizeof(uint32_t);
    if (count < pages.size()) {
      inflated_ = 0;
      std::exchange(inflating_, std::nullopt)->complete(0);
    }
  }
  return true;
}

// §5.5.6.5: the writable part of a buffer is the free pages themselves.
bool Balloon::report(unsigned queue) {
  for (uint64_t done = 0; done < kBytesPerTurn;) {
    std::optional<DescriptorChain> chain = pop(queue);
    if (!chain) return false;
    for (const Segment& segment : chain->writable()) give_back(segment.address, segment.length);
    done += chain->writable_size() + hv::kGuestPageSize;
    chain->complete(0);
  }
  return true;
}

// §5.5.6.3: the buffer stays here until the next statistics are wanted.
bool Balloon::take_statistics(unsigned queue) {
  for (unsigned count = 0; count < kQueueSize; ++count) {
    std::optional<DescriptorChain> chain = pop(queue);
    if (!chain) return false;
    const std::lock_guard lock(statistics_mutex_);
    for (uint64_t i = 0; i < 2 * kStatisticCount; ++i) {
      const auto tag = chain->read_object<uint16_t>(i * kStatisticSize);
      const auto value = chain->read_object<uint64_t>(i * kStatisticSize + sizeof(uint16_t));
      if (tag && value && *tag < kStatisticCount) statistics_[*tag] = *value;
    }
    statistics_buffer_ = std::move(*chain);
  }
  return true;
}

void Balloon::on_reset() {
  inflating_.reset();
  inflated_ = 0;
  statistics_buffer_.reset();
  set_config(kActual, uint32_t{0});
}

void Balloon::save_state(hv::StateWriter& writer) const { writer.value(given_back_.load()); }
void Balloon::load_state(hv::StateReader& reader) { given_back_ = reader.value<uint64_t>(); }

}  // namespace devices::virtio
