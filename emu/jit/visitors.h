#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace emu::jit {

/// Tells when nobody can be in old code, or hold on to what belongs to it, any more.
///
/// There is a time, which goes forward whenever code was made impossible to find. Each vCPU is a visitor, who comes in
/// before it looks for code, at the time that it is then. What was unlinked before a time can be reused when every
/// visitor is outside or came in at that time or later.
class Visitors {
 public:
  /// Made before and destroyed after its vCPU's thread runs.
  class Visitor {
   public:
    /// `ask_to_leave`: makes the vCPU come out of translated code soon. Called by any thread.
    Visitor(Visitors& visitors, std::function<void()> ask_to_leave);
    ~Visitor();
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;

    /// Own thread: comes in, again if it was in. Returns whether time went forward since the last time: nothing that
    /// was found before is to be used.
    bool enter() noexcept {
      const uint64_t now = visitors_.now();
      if (at_.load(std::memory_order_relaxed) == now) [[likely]]
        return false;
      at_.store(now, std::memory_order_seq_cst);
      return std::exchange(last_, now) != now;
    }
    /// Own thread: goes out.
    void leave() noexcept { at_.store(kOutside, std::memory_order_release); }

   private:
    friend class Visitors;
    static constexpr uint64_t kOutside = ~uint64_t{0};

    Visitors& visitors_;
    const std::function<void()> ask_to_leave_;
    std::atomic<uint64_t> at_{kOutside};
    uint64_t last_ = 0;
  };

  uint64_t now() const noexcept { return now_.load(std::memory_order_seq_cst); }
  /// Goes forward and returns the new time. What was to be made impossible to find is so. Any thread.
  uint64_t advance() noexcept { return now_.fetch_add(1, std::memory_order_seq_cst) + 1; }

  /// Whether nobody is in who came before `time`. Any thread.
  bool all_reached(uint64_t time) const noexcept;
  /// Asks those who came before `time` to leave. Any thread.
  void ask_to_leave(uint64_t time) noexcept;

 private:
  std::atomic<uint64_t> now_{1};
  mutable std::mutex mutex_;  ///< guards the list
  std::vector<Visitor*> list_;
};

}  // namespace emu::jit
