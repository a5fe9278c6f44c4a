#pragma once

#include <cstdint>

/// Fields of the control and status registers, RISC-V Privileged 1.13, chapters 3 and 12.
namespace emu::riscv::csr {

namespace mstatus {
inline constexpr uint64_t kSie = 1u << 1;
inline constexpr uint64_t kMie = 1u << 3;
inline constexpr uint64_t kSpie = 1u << 5;
inline constexpr uint64_t kMpie = 1u << 7;
inline constexpr uint64_t kSpp = 1u << 8;
inline constexpr unsigned kMppShift = 11;
inline constexpr uint64_t kMpp = 3u << kMppShift;
inline constexpr uint64_t kFs = 3u << 13;  ///< all ones: dirty
inline constexpr uint64_t kMprv = 1u << 17;
inline constexpr uint64_t kSum = 1u << 18;
inline constexpr uint64_t kMxr = 1u << 19;
inline constexpr uint64_t kTvm = 1u << 20;
inline constexpr uint64_t kTw = 1u << 21;
inline constexpr uint64_t kTsr = 1u << 22;
inline constexpr uint64_t kUxl64 = uint64_t{2} << 32;
inline constexpr uint64_t kSxl64 = uint64_t{2} << 34;
inline constexpr uint64_t kUxl = uint64_t{3} << 32;
inline constexpr uint64_t kSd = uint64_t{1} << 63;

inline constexpr uint64_t kWritable =
    kSie | kMie | kSpie | kMpie | kSpp | kMpp | kFs | kMprv | kSum | kMxr | kTvm | kTw | kTsr;
/// What sstatus shows of mstatus, and what may be written through it.
inline constexpr uint64_t kSupervisorWritable = kSie | kSpie | kSpp | kFs | kSum | kMxr;
inline constexpr uint64_t kSupervisorVisible = kSupervisorWritable | kUxl | kSd;
}  // namespace mstatus

/// Interrupt bits of mip, mie and mideleg.
namespace interrupt {
inline constexpr unsigned kSupervisorSoftware = 1;
inline constexpr unsigned kMachineSoftware = 3;
inline constexpr unsigned kSupervisorTimer = 5;
inline constexpr unsigned kMachineTimer = 7;
inline constexpr unsigned kSupervisorExternal = 9;
inline constexpr unsigned kMachineExternal = 11;

inline constexpr uint64_t kSsip = 1u << kSupervisorSoftware;
inline constexpr uint64_t kStip = 1u << kSupervisorTimer;
inline constexpr uint64_t kSeip = 1u << kSupervisorExternal;
inline constexpr uint64_t kSupervisor = kSsip | kStip | kSeip;
inline constexpr uint64_t kAll = kSupervisor | 1u << kMachineSoftware | 1u << kMachineTimer | 1u << kMachineExternal;

/// Where HartState::mip keeps the bit of SEIP that M-mode software writes; bit 9 itself is the wire (§3.1.9).
inline constexpr unsigned kSoftwareSeipShift = 32;
inline constexpr uint64_t kSoftwareSeip = kSeip << kSoftwareSeipShift;
inline constexpr uint64_t effective(uint64_t mip) { return (mip | mip >> kSoftwareSeipShift) & kAll; }
}  // namespace interrupt

namespace envcfg {
inline constexpr uint64_t kFiom = 1u << 0;
inline constexpr unsigned kCbieShift = 4;
inline constexpr uint64_t kCbie = 3u << kCbieShift;
inline constexpr uint64_t kCbcfe = 1u << 6;
inline constexpr uint64_t kCbze = 1u << 7;
inline constexpr uint64_t kAdue = uint64_t{1} << 61;
inline constexpr uint64_t kPbmte = uint64_t{1} << 62;
inline constexpr uint64_t kStce = uint64_t{1} << 63;
inline constexpr uint64_t kSupervisorWritable = kFiom | kCbie | kCbcfe | kCbze;
inline constexpr uint64_t kMachineWritable = kSupervisorWritable | kAdue | kPbmte | kStce;
}  // namespace envcfg

namespace stateen {
inline constexpr uint64_t kEnvcfg = uint64_t{1} << 62;
inline constexpr uint64_t kSupervisorStateen = uint64_t{1} << 63;
}  // namespace stateen

namespace satp {
enum class Mode : uint8_t { bare = 0, sv39 = 8, sv48 = 9, sv57 = 10 };
inline constexpr unsigned kModeShift = 60;
inline constexpr unsigned kAsidShift = 44;
inline constexpr uint64_t kPpn = (uint64_t{1} << kAsidShift) - 1;
inline constexpr uint64_t kAsid = uint64_t{0xffff} << kAsidShift;
inline uint32_t asid(uint64_t value) { return static_cast<uint32_t>((value & kAsid) >> kAsidShift); }
inline Mode mode(uint64_t value) { return static_cast<Mode>(value >> kModeShift); }
inline bool is_valid_mode(uint64_t value) {
  const Mode m = mode(value);
  return m == Mode::bare || (m >= Mode::sv39 && m <= Mode::sv57);
}
}  // namespace satp

/// Exceptions that medeleg may delegate: all but calls from M-mode.
inline constexpr uint64_t kDelegableExceptions = 0xb3ff;

/// mcounteren and scounteren have a bit for each of cycle, time, instret and hpmcounter3 to 31.
inline constexpr uint64_t kAllCounters = 0xffff'ffff;
/// Those that count.
inline constexpr uint64_t kCycle = 1u << 0;
inline constexpr uint64_t kTime = 1u << 1;
inline constexpr uint64_t kInstret = 1u << 2;

}  // namespace emu::riscv::csr
