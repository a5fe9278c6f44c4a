#include "devices/irq/plic.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "hv/base/bits.h"
#include "hv/base/check.h"

namespace devices {
namespace {

// PLIC 1.0.0 §3, memory map.
enum class Region : uint64_t {
  priority = 0x00'0000,
  pending = 0x00'1000,
  enable = 0x00'2000,
  context = 0x20'0000,
};
constexpr uint64_t kEnableStride = 0x80;
constexpr uint64_t kContextStride = 0x1000;
enum class ContextRegister : uint64_t { threshold = 0, claim_complete = 4 };

constexpr uint64_t base(Region region) { return static_cast<uint64_t>(region); }

constexpr bool test(const auto& bitmap, uint32_t source) { return hv::bit(bitmap[source / 32], source % 32); }
constexpr void assign(auto& bitmap, uint32_t source, bool value) {
  const uint32_t mask = uint32_t{1} << (source % 32);
  bitmap[source / 32] = value ? bitmap[source / 32] | mask : bitmap[source / 32] & ~mask;
}

}  // namespace

Plic::Plic(unsigned sources, unsigned harts, Output output)
    : sources_(sources), output_(std::move(output)), contexts_(size_t{2} * harts) {
  CHECK(sources >= 1 && sources <= kMaxSources && harts >= 1 && harts <= kMaxHarts);
}

uint64_t Plic::size() const noexcept { return base(Region::context) + contexts_.size() * kContextStride; }

void Plic::set_line(uint32_t line, bool level) noexcept {
  CHECK(line >= 1 && line <= sources_);
  const std::lock_guard lock(mutex_);
  if (test(levels_, line) == level) return;
  assign(levels_, line, level);
  // PLIC 1.0.0 §5: a gateway forwards a level as one request, which stays when the level falls, and then waits for
  // its completion.
  if (!level || test(claimed_, line) || test(pending_, line)) return;
  assign(pending_, line, true);
  update_outputs();
}

uint64_t Plic::bus_read(uint64_t offset, unsigned size) noexcept {
  if (size != 4 || offset % 4 != 0) {
    bad_access_.report("plic: the guest read {} bytes at {:#x}; registers are 4 bytes", size, offset);
    return 0;
  }
  const std::lock_guard lock(mutex_);
  return read_register(offset);
}

void Plic::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  if (size != 4 || offset % 4 != 0) {
    bad_access_.report("plic: the guest wrote {} bytes at {:#x}; registers are 4 bytes", size, offset);
    return;
  }
  const std::lock_guard lock(mutex_);
  write_register(offset, static_cast<uint32_t>(value));
}

uint32_t Plic::read_register(uint64_t offset) noexcept {
  if (offset < base(Region::pending)) {
    return offset / 4 <= sources_ ? priorities_[offset / 4] : 0;
  }
  if (offset < base(Region::enable)) {
    const uint64_t word = (offset - base(Region::pending)) / 4;
    return word < kWords ? pending_[word] : 0;
  }
  if (offset < base(Region::context)) {
    const uint64_t context = (offset - base(Region::enable)) / kEnableStride;
    const uint64_t word = offset % kEnableStride / 4;
    return context < contexts_.size() && word < kWords ? contexts_[context].enabled[word] : 0;
  }
  const uint64_t context = (offset - base(Region::context)) / kContextStride;
  if (context >= contexts_.size()) return 0;
  switch (ContextRegister{offset % kContextStride}) {
    case ContextRegister::threshold:
      return contexts_[context].threshold;
    case ContextRegister::claim_complete:
      return claim(contexts_[context]);
  }
  return 0;
}

void Plic::write_register(uint64_t offset, uint32_t value) noexcept {
  if (offset < base(Region::pending)) {
    const uint64_t source = offset / 4;
    if (source == 0 || source > sources_) return;
    priorities_[source] = static_cast<uint8_t>(value & kMaxPriority);
  } else if (offset < base(Region::enable)) {
    return;  // pending bits are read-only
  } else if (offset < base(Region::context)) {
    const uint64_t context = (offset - base(Region::enable)) / kEnableStride;
    const uint64_t word = offset % kEnableStride / 4;
    if (context >= contexts_.size() || word >= kWords) return;
    contexts_[context].enabled[word] = value & valid_mask(static_cast<unsigned>(word));
  } else {
    const uint64_t index = (offset - base(Region::context)) / kContextStride;
    if (index >= contexts_.size()) return;
    Context& context = contexts_[index];
    switch (ContextRegister{offset % kContextStride}) {
      case ContextRegister::threshold:
        context.threshold = value & kMaxPriority;
        break;
      case ContextRegister::claim_complete:
        complete(context, value);
        break;
    }
  }
  update_outputs();
}

/// The pending and enabled source of the highest priority, the lowest number among equals; 0 if there is none. A source
/// of priority 0 never interrupts. PLIC 1.0.0 §4, §8
uint32_t Plic::best_source(const Context& context) const noexcept {
  uint32_t best = 0;
  for (unsigned word = 0; word < kWords; ++word) {
    for (uint32_t left = pending_[word] & context.enabled[word]; left != 0; left &= left - 1) {
      const uint32_t source = word * 32 + static_cast<uint32_t>(std::countr_zero(left));
      if (priorities_[source] > priorities_[best]) best = source;
    }
  }
  return best;
}

/// A claim does not look at the threshold. PLIC 1.0.0 §8
uint32_t Plic::claim(Context& context) noexcept {
  const uint32_t source = best_source(context);
  if (source == 0) return 0;
  assign(pending_, source, false);
  assign(claimed_, source, true);
  update_outputs();
  return source;
}

/// A completion is ignored unless the source is enabled for the context. PLIC 1.0.0 §9
void Plic::complete(Context& context, uint32_t source) noexcept {
  if (source == 0 || source > sources_ || !test(context.enabled, source) || !test(claimed_, source)) return;
  assign(claimed_, source, false);
  if (test(levels_, source)) assign(pending_, source, true);
}

void Plic::update_outputs() noexcept {
  for (size_t i = 0; i < contexts_.size(); ++i) {
    Context& context = contexts_[i];
    const bool level = priorities_[best_source(context)] > context.threshold;
    if (std::exchange(context.output, level) == level) continue;
    output_(static_cast<unsigned>(i / 2), i % 2 == 0, level);
  }
}

uint32_t Plic::valid_mask(unsigned word) const noexcept {
  const unsigned first = word * 32;
  if (first > sources_) return 0;
  const unsigned count = std::min(32u, sources_ + 1 - first);
  const uint32_t mask = count == 32 ? ~uint32_t{0} : (uint32_t{1} << count) - 1;
  return word == 0 ? mask & ~uint32_t{1} : mask;
}

void Plic::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("plic", 1, [&] {
    writer.value(uint32_t{sources_});
    writer.value(static_cast<uint32_t>(contexts_.size()));
    for (const uint8_t priority : priorities_) writer.value(priority);
    for (const Bitmap* bitmap : {&levels_, &pending_, &claimed_}) {
      for (const uint32_t word : *bitmap) writer.value(word);
    }
    for (const Context& context : contexts_) {
      for (const uint32_t word : context.enabled) writer.value(word);
      writer.value(context.threshold);
    }
  });
}

hv::Result<void> Plic::load(hv::StateReader& reader) {
  const std::lock_guard lock(mutex_);
  reader.section("plic", 1, [&](uint32_t) {
    if (reader.value<uint32_t>() != sources_ || reader.value<uint32_t>() != contexts_.size())
      return reader.fail("made for another number of interrupt sources or harts");
    for (size_t i = 0; i < priorities_.size(); ++i) {
      const auto priority = static_cast<uint8_t>(reader.value<uint8_t>() & kMaxPriority);
      priorities_[i] = i == 0 || i > sources_ ? uint8_t{0} : priority;
    }
    const auto read_bitmap = [&](Bitmap& bitmap) {
      for (unsigned word = 0; word < kWords; ++word) bitmap[word] = reader.value<uint32_t>() & valid_mask(word);
    };
    for (Bitmap* bitmap : {&levels_, &pending_, &claimed_}) read_bitmap(*bitmap);
    for (Context& context : contexts_) {
      read_bitmap(context.enabled);
      context.threshold = reader.value<uint32_t>() & kMaxPriority;
    }
  });
  TRY(reader.status());
  update_outputs();
  return {};
}

}  // namespace devices
