#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/mmu/windows.h"
#include "hv/base/check.h"
#include "hv/core/guest_address.h"

namespace emu::jit::x64 {

/// Gives each access of translated code the number of a window (mmu::Windows). There are fewer windows than accesses,
/// which share them in turn, but only with their like. Accesses to the stack, which is one or two pages for long, share
/// few, which stay in the host's cache.
class WindowSlots {
 public:
  struct Slot {
    int32_t number;
    int32_t limit;  ///< when it is open to one page; see mmu::Window::limit
  };

  /// For an access to `size` bytes.
  Slot next(unsigned size, bool stores, bool on_stack) {
    using mmu::Windows;
    const auto matches = [&](const Windows::Kind& kind) { return kind.stores == stores && size <= kind.bytes; };
    const auto kind = std::find_if(Windows::kKinds.begin(), Windows::kKinds.end(), matches);
    CHECK(kind != Windows::kKinds.end());
    const size_t turn = turns_[on_stack ? 1 : 0][static_cast<size_t>(kind - Windows::kKinds.begin())]++;
    const size_t group = turn / kind->count;
    const size_t shared = on_stack ? group % kStackGroups : kStackGroups + group % (kGroups - kStackGroups);
    return {static_cast<int32_t>(shared * Windows::kGroup + kind->first + turn % kind->count),
            static_cast<int32_t>(hv::kGuestPageSize) - kind->bytes + 1};
  }

 private:
  static constexpr size_t kGroups = mmu::Windows::kCount / mmu::Windows::kGroup;
  static constexpr size_t kStackGroups = 4;
  static_assert(mmu::Windows::kCount % mmu::Windows::kGroup == 0 && kStackGroups < kGroups);

  std::array<std::array<size_t, mmu::Windows::kKinds.size()>, 2> turns_{};  ///< other accesses, those to the stack
};

}  // namespace emu::jit::x64
