#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hv/core/guest_address.h"

/// Where a test's guest has what, on every architecture.
namespace hv::kvm::test {

inline constexpr uint64_t kMemory = 4u << 20;  ///< bytes
inline constexpr GuestAddress kCode{0x1000};
inline constexpr GuestAddress kData{0x2000};
inline constexpr GuestAddress kHandlers{0x3000};
inline constexpr GuestAddress kFirstPage{0x5000};
inline constexpr GuestAddress kSecondPage{0x6000};
inline constexpr GuestRange kDevice{{0xd000'0000}, 0x1000};
inline constexpr uint64_t kDoorbell = 0x50;  ///< of the device
inline constexpr uint64_t kEnd = 0x7f0;      ///< of the device: a write ends the test
inline constexpr GuestAddress kHole{0xc000'0000};
inline constexpr uint64_t kKept = 0x1122'3344'5566'7788;

}  // namespace hv::kvm::test
