#pragma once

#include <array>
#include <cstdint>

#include "hv/core/guest_address.h"

/// The x86-64 machine's addresses, ports and interrupt numbers. Interrupts are inputs of the IOAPIC.
namespace vmm::x86_64 {

inline constexpr uint64_t kLowRamEnd = 0xc000'0000;  ///< more RAM than this lies above 4 GiB
inline constexpr hv::GuestAddress kHighRam{0x1'0000'0000};

// What the loader leaves in low memory. The kernel has taken it over before it uses that memory itself.
inline constexpr hv::GuestRange kGdt{{0x6000}, 0x20};
inline constexpr hv::GuestRange kBootParameters{{0x7000}, 0x1000};
inline constexpr hv::GuestAddress kBootStack{0x9000};
inline constexpr hv::GuestRange kPageTables{{0xa000}, 0x6000};
inline constexpr hv::GuestRange kCmdline{{0x2'0000}, 0x1'0000};
inline constexpr hv::GuestAddress kLowEnd{0x9'fc00};                ///< of memory below 1 MiB that is the kernel's
inline constexpr hv::GuestRange kAcpiTables{{0xe'0000}, 0x1'0000};  ///< where a BIOS has them
inline constexpr hv::GuestAddress kResetVector{0xf'fff0};
inline constexpr hv::GuestAddress kHighMemory{0x10'0000};

inline constexpr hv::GuestRange kVirtio{{0xd000'0000}, 0x1000};  ///< the first slot; the others follow
inline constexpr hv::GuestAddress kIoApic{0xfec0'0000};
inline constexpr hv::GuestAddress kLocalApic{0xfee0'0000};

inline constexpr hv::GuestRange kKeyboardController{{0x60}, 5};
inline constexpr hv::GuestRange kClock{{0x70}, 2};
inline constexpr hv::GuestRange kSerial{{0x3f8}, 8};
inline constexpr hv::GuestRange kPower{{0x600}, 3};
inline constexpr hv::GuestRange kEvents{{0x604}, 1};

inline constexpr uint32_t kSerialInterrupt = 4;
inline constexpr uint32_t kEventInterrupt = 9;  ///< where a PC has its ACPI interrupt
/// Of virtio slots: first those that no PC ever had a use for.
inline constexpr std::array<uint32_t, 18> kVirtioInterrupts = {16, 17, 18, 19, 20, 21, 22, 23, 3,
                                                               5,  6,  7,  10, 11, 12, 13, 14, 15};
inline constexpr unsigned kVirtioSlots = kVirtioInterrupts.size();

constexpr hv::GuestRange virtio_slot(unsigned slot) { return {kVirtio.base + slot * kVirtio.size, kVirtio.size}; }

/// What a kernel looks for on a PC and does not find here, so that its looking is no mistake of its own: DMA
/// controllers, timer, POST and system control ports, other serial and parallel ports, disks, graphics, PCI
/// configuration.
inline constexpr std::array<hv::GuestRange, 15> kAbsentPorts = {{
    {{0x00}, 0x20},
    {{0x22}, 0x3e},
    {{0x65}, 0xb},
    {{0x72}, 0x2e},
    {{0xa2}, 0x5e},
    {{0x170}, 0x8},
    {{0x1f0}, 0x8},
    {{0x278}, 0x8},
    {{0x2e8}, 0x18},
    {{0x376}, 0x8},
    {{0x3b0}, 0x30},
    {{0x3e8}, 0x10},
    {{0x402}, 0x2},
    {{0x4d0}, 0x2},
    {{0xcf8}, 0x8},
}};

}  // namespace vmm::x86_64
