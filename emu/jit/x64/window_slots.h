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
/// which share them in turn, but only with their like: of the same kind, and with the same limit.
class WindowSlots {
 public:
  struct Slot {
    int32_t number;
    int32_t limit;  ///< when it is open; see mmu::Window::limit
  };

  /// For an access to `size` bytes.
  Slot next(unsigned size, bool stores) {
    const auto matches = [&](const Share& share) { return share.stores == stores && size <= share.bytes; };
    const auto share = std::find_if(kShares.begin(), kShares.end(), matches);
    CHECK(share != kShares.end());
    const uint32_t turn = turns_[static_cast<size_t>(share - kShares.begin())]++;
    const uint32_t group = turn / share->slots * kGroup % mmu::Windows::kCount;
    return {static_cast<int32_t>(group + share->first + turn % share->slots),
            static_cast<int32_t>(hv::kGuestPageSize) - share->bytes + 1};
  }

 private:
  /// Of each kGroup windows `slots` belong to accesses of up to `bytes`.
  struct Share {
    bool stores;
    uint16_t bytes;
    uint8_t first;
    uint8_t slots;
  };
  static constexpr uint32_t kGroup = 16;
  static constexpr std::array<Share, 6> kShares = {{
      {false, 8, 0, 7},
      {false, 64, 7, 3},
      {false, 256, 10, 1},
      {true, 8, 11, 3},
      {true, 64, 14, 1},
      {true, 256, 15, 1},
  }};
  static_assert(mmu::Windows::kCount % kGroup == 0);

  std::array<uint32_t, kShares.size()> turns_{};
};

}  // namespace emu::jit::x64
