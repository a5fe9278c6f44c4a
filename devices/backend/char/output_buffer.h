#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace devices {

/// What devices wrote and the event loop has not yet taken: the loop is woken once for many small writes.
///
/// Any thread pushes; one drainer, on the loop, takes. The mutex is held for a copy or a swap.
class OutputBuffer {
 public:
  static constexpr size_t kCapacity = size_t{64} << 10;

  struct Pushed {
    size_t taken;
    bool wake;  ///< the drainer sleeps and will not look by itself (soon enough)
  };
  Pushed push(std::span<const std::byte> data);

  /// Moves everything to `out`, which is empty. False if there was nothing: the drainer then sleeps until it is woken.
  bool take(std::vector<std::byte>& out);
  /// The drainer comes back by itself after a short while; until then only a buffer half full wakes it.
  void linger();
  /// Whether a push was cut short since the last call.
  bool was_short();
  void clear();

 private:
  enum class Drainer { asleep, lingering, awake };

  std::mutex mutex_;
  std::vector<std::byte> data_;
  Drainer drainer_ = Drainer::asleep;
  bool short_ = false;
};

}  // namespace devices
