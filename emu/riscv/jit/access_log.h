#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "emu/isa/insn.h"
#include "emu/isa/read_modify_write.h"
#include "emu/jit/layout.h"
#include "emu/riscv/jit/registers.h"

namespace emu::riscv::jit {

/// All that one run of a translated block asked of its surroundings, in order. Written while the block runs; then the
/// interpreter's run of the same block is given the same answers, and must have asked the same.
class AccessLog {
 public:
  enum class Kind : uint8_t {
    load,
    store,
    read_modify_write,
    compare_and_swap,
    load_reserved,
    store_conditional,
    zero_block,
    call
  };

  struct Event {
    Kind kind;
    uint8_t size = 0;
    uint8_t index = 0;  ///< of the instruction
    uint8_t operation = 0;
    uint64_t address = 0;
    uint64_t operand = 0;   ///< what is stored, or combined
    uint64_t expected = 0;  ///< of a compare-and-swap
    uint64_t result = 0;
    bool trapped = false;
    uint64_t reservation_host = 0;  ///< after an LR or SC
    uint64_t reservation_value = 0;
    size_t images = 0;  ///< of a helper, and where it trapped: where `images_` has the registers before and after
  };

  void clear() noexcept {
    events_.clear();
    images_.clear();
    next_ = 0;
    mismatch_.clear();
  }
  Event& add(Kind kind) { return events_.emplace_back(Event{.kind = kind}); }
  /// Keeps the registers before and after a helper, which may change all of them.
  void keep(Event& event, const RegisterImage& before, const RegisterImage& after) {
    event.images = images_.size();
    images_.push_back(before);
    images_.push_back(after);
  }
  /// The registers in the trap handler. Of those that are not its own the access changed none.
  void keep_trap(Event& event, const RegisterImage& after) { keep(event, after, after); }
  const RegisterImage& before(const Event& event) const noexcept { return images_[event.images]; }
  const RegisterImage& after(const Event& event) const noexcept { return images_[event.images + 1]; }
  bool trapped() const noexcept { return !events_.empty() && events_.back().trapped; }

  // --- the interpreter's run ---

  /// The event that comes next, or nullptr.
  const Event* peek() const noexcept { return next_ < events_.size() ? &events_[next_] : nullptr; }
  const Event* take() noexcept { return next_ < events_.size() ? &events_[next_++] : nullptr; }
  /// What the interpreter asks that the translation did not ask, the first time; empty for none.
  const std::string& mismatch() const noexcept { return mismatch_; }
  void set_mismatch(std::string text) {
    if (mismatch_.empty()) mismatch_ = std::move(text);
  }
  bool is_done() const noexcept { return next_ == events_.size(); }

 private:
  std::vector<Event> events_;
  std::vector<RegisterImage> images_;
  size_t next_ = 0;
  std::string mismatch_;
};

const char* name_of(AccessLog::Kind kind) noexcept;

/// emu::riscv::jit::layout, whose slow ways write into the log of the thread, and whose accesses all take the slow ways
/// as long as the state's tables are those of `use_no_tables`.
emu::jit::Layout recording_layout() noexcept;

/// The log that the thread's translated code writes.
void record_into(AccessLog* log) noexcept;

/// Gives `state` TLBs and jump tables in which nothing is found. Hart::update_contexts gives it its own again.
void use_no_tables(HartState& state) noexcept;

}  // namespace emu::riscv::jit
