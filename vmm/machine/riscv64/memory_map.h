#pragma once

#include <cstdint>

#include "hv/core/guest_address.h"

/// The riscv64 machine's addresses and interrupt numbers, laid out like QEMU's `virt` machine, so that firmware built
/// for that runs too.
namespace vmm::riscv64 {

inline constexpr hv::GuestRange kSyscon{{0x10'0000}, 0x1000};
inline constexpr hv::GuestRange kRtc{{0x10'1000}, 0x1000};
inline constexpr hv::GuestRange kClint{{0x200'0000}, 0x1'0000};
inline constexpr hv::GuestRange kSswi{{0x2f0'0000}, 0x4000};
inline constexpr hv::GuestRange kPlic{{0xc00'0000}, 0x60'0000};
inline constexpr hv::GuestRange kUart{{0x1000'0000}, 0x100};
inline constexpr hv::GuestRange kVirtio{{0x1000'1000}, 0x1000};  ///< the first slot; the others follow
inline constexpr hv::GuestAddress kRam{0x8000'0000};

inline constexpr unsigned kVirtioSlots = 24;
inline constexpr uint32_t kUartInterrupt = 10;
inline constexpr uint32_t kRtcInterrupt = 11;
inline constexpr uint32_t kInterruptSources = 31;  ///< PLIC sources 1 to this

inline constexpr uint64_t kTimebaseFrequency = 10'000'000;  ///< Hz
inline constexpr uint32_t kUartClock = 3'686'400;           ///< Hz

/// What the syscon takes, as SiFive's test finisher does.
inline constexpr uint32_t kSysconPowerOff = 0x5555;
inline constexpr uint32_t kSysconReboot = 0x7777;

constexpr hv::GuestRange virtio_slot(unsigned slot) { return {kVirtio.base + slot * kVirtio.size, kVirtio.size}; }

/// Sources 1 to 8, then from 12 on: those between belong to the devices above.
constexpr uint32_t virtio_interrupt(unsigned slot) { return slot < 8 ? 1 + slot : 4 + slot; }

}  // namespace vmm::riscv64
