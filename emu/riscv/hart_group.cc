#include "emu/riscv/hart_group.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "emu/jit/engine.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/jit/access_log.h"
#include "emu/riscv/jit/layout.h"

namespace emu::riscv {

namespace {

/// Harts share what a machine may spend on decoded instructions. A guest that runs much code gets slower below the
/// least, and no faster above the most.
size_t decoded_per_hart(size_t harts) {
  constexpr size_t kMebibyte = size_t{1} << 20;
  constexpr size_t kForAll = 6 * kMebibyte;
  return std::clamp(kForAll / harts, kMebibyte * 3 / 2, kForAll);
}

}  // namespace

HartGroup::HartGroup(size_t harts, Firmware firmware, const HartEnvironment& environment, const EngineConfig& engine)
    : firmware_(firmware),
      environment_(environment),
      engine_(engine),
      decoded_per_hart_(riscv::decoded_per_hart(harts)),
      code_pages_(environment.memory) {
  environment_.memory.add_unmarked_writer(*this);
}
HartGroup::~HartGroup() { environment_.memory.remove_unmarked_writer(*this); }

hv::Result<std::unique_ptr<HartGroup>> HartGroup::create(size_t harts, Firmware firmware,
                                                         const HartEnvironment& environment,
                                                         const EngineConfig& engine) {
  if (harts == 0 || harts > kMaxHarts) return hv::error("a machine has 1 to {} harts, not {}", kMaxHarts, harts);
  std::unique_ptr<HartGroup> group(new HartGroup(harts, firmware, environment, engine));
  if (engine.kind != EngineKind::interpreter) {
    auto layout = engine.kind == EngineKind::lockstep ? jit::recording_layout() : jit::layout();
    layout.counts = engine.counts;
    group->jit_ = TRY(emu::jit::Engine::create(layout, engine.jit_cache));
    group->jit_->set_observer(engine.observer);
    group->code_pages_.set_listener([&group = *group](const std::byte* page) {
      if (!group.jit_->has_blocks(page)) return;
      group.code_pages_.add(page);
      group.jit_->revalidate_page(page);
    });
  }
  for (size_t id = 0; id < harts; ++id)
    group->harts_.push_back(std::make_unique<Hart>(*group, static_cast<unsigned>(id)));
  return group;
}

void HartGroup::reset(Entry entry) noexcept {
  for (const auto& hart : harts_) hart->reset(entry, firmware_ == Firmware::guest || hart->id() == 0);
}

void HartGroup::clock_changed() noexcept {
  for (const auto& hart : harts_) hart->clock_changed();
}

// The harts' inline TLBs write without marking. Each drops its permissions between two blocks.
void HartGroup::stop_unmarked_writes() noexcept {
  std::array<uint64_t, kMaxHarts> tickets{};
  for (const auto& hart : harts_) tickets[hart->id()] = hart->request_write_fence();
  for (const auto& hart : harts_) {
    while (!hart->write_fence_done(tickets[hart->id()])) std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
}

// While a hart waits for another it drops its own permissions to write when asked: the other may be waiting for it.
void HartGroup::synchronize_code(Hart& hart) noexcept {
  constexpr unsigned kSpins = 64;
  const auto wait_until = [&hart](auto&& done) {
    for (unsigned tries = 0; !done(); ++tries) {
      hart.serve_write_fences();
      if (tries > kSpins) std::this_thread::sleep_for(std::chrono::microseconds(10));
    }
  };
  if (!code_pages_.may_have_changed()) return;
  std::unique_lock lock(synchronization_, std::defer_lock);
  wait_until([&lock] { return lock.try_lock(); });
  const std::vector<const std::byte*> pages = code_pages_.take();
  if (!pages.empty()) {
    hart.drop_writes();
    std::array<uint64_t, kMaxHarts> tickets{};
    for (const auto& other : harts_) {
      if (other.get() != &hart) tickets[other->id()] = other->request_write_fence();
    }
    for (const auto& other : harts_) {
      if (other.get() != &hart) wait_until([&] { return other->write_fence_done(tickets[other->id()]); });
    }
  }
  code_pages_.finish(pages);
}

}  // namespace emu::riscv
