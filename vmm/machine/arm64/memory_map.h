#pragma once

#include <cstdint>
#include <vector>

#include "hv/core/guest_address.h"

/// The arm64 machine's addresses and interrupts, laid out like QEMU's `virt` machine but for the VIRTIO slots, which
/// are a page each. Interrupts are shared peripheral interrupts: number 0 is the GIC's 32.
namespace vmm::arm64 {

inline constexpr hv::GuestRange kDistributor{{0x800'0000}, 0x1'0000};
inline constexpr hv::GuestRange kRedistributors{{0x80a'0000}, 0x2'0000};  ///< processor 0's; the others follow
inline constexpr hv::GuestRange kUart{{0x900'0000}, 0x1000};
inline constexpr hv::GuestRange kRtc{{0x901'0000}, 0x1000};
inline constexpr hv::GuestRange kVirtio{{0xa00'0000}, 0x1000};  ///< the first slot; the others follow
inline constexpr hv::GuestAddress kRam{0x4000'0000};

inline constexpr unsigned kVirtioSlots = 24;
inline constexpr uint32_t kUartInterrupt = 1;
inline constexpr uint32_t kRtcInterrupt = 2;
inline constexpr uint32_t kFirstVirtioInterrupt = 16;
inline constexpr uint32_t kInterrupts = 64;

// Each processor's own interrupts, of its timer (Arm Base System Architecture, table 7): from 16 on in the GIC's count.
inline constexpr uint32_t kSecureTimer = 13;
inline constexpr uint32_t kTimer = 14;
inline constexpr uint32_t kVirtualTimer = 11;
inline constexpr uint32_t kHypervisorTimer = 10;

inline constexpr uint32_t kPeripheralClock = 24'000'000;  ///< Hz

constexpr hv::GuestRange virtio_slot(unsigned slot) { return {kVirtio.base + slot * kVirtio.size, kVirtio.size}; }
constexpr uint32_t virtio_interrupt(unsigned slot) { return kFirstVirtioInterrupt + slot; }

}  // namespace vmm::arm64
