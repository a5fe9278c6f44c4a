#pragma once

#include <cstdint>

/// What the registers of a random program are for.
namespace tests::diff {

inline constexpr uint8_t kSlot = 4;      ///< the program's Slot; no random instruction names it
inline constexpr uint8_t kCounter = 28;  ///< of loops
/// Hold the middle of the data area, and are not written: sp, gp, and s0 for compressed instructions.
inline constexpr uint32_t kPointers = 1u << 2 | 1u << 3 | 1u << 8;
inline constexpr uint32_t kReserved = 1u << kSlot;
inline constexpr uint32_t kWritable = ~(kPointers | kReserved | 1u << kCounter);
/// The largest distance of an access from the middle, bytes.
inline constexpr int32_t kReach = 256;

}  // namespace tests::diff
