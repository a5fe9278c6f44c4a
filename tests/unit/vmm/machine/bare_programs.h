#pragma once

#include <array>
#include <cstdint>

/// Bare-metal programs, assembled; t0 is `tohost` or a device.
namespace vmm::testing::program {

/// tohost = 5 << 1 | 1, forever.
inline constexpr std::array<uint32_t, 6> kExitWith5 = {
    0x00b00593,  // li   a1, 11
    0x800012b7,  // lui  t0, 0x80001
    0x02029293,  // slli t0, t0, 32
    0x0202d293,  // srli t0, t0, 32
    0x00b2b023,  // sd   a1, 0(t0)
    0x0000006f,  // j    .
};

/// Prints "hi" through HTIF's console, waiting for tohost to be taken each time, then passes.
inline constexpr std::array<uint32_t, 16> kPrint = {
    0x800012b7,  // lui   t0, 0x80001
    0x02029293,  // slli  t0, t0, 32
    0x0202d293,  // srli  t0, t0, 32
    0x1010059b,  // li    a1, 0x101 << 48 | 'h'
    0x03059593,  //
    0x06858593,  //
    0x00b2b023,  // sd    a1, 0(t0)
    0x0002b303,  // ld    t1, 0(t0)
    0xfe031ee3,  // bnez  t1, .-4
    0x00158593,  // addi  a1, a1, 1
    0x00b2b023,  // sd    a1, 0(t0)
    0x0002b303,  // ld    t1, 0(t0)
    0xfe031ee3,  // bnez  t1, .-4
    0x00100593,  // li    a1, 1
    0x00b2b023,  // sd    a1, 0(t0)
    0x0000006f,  // j     .
};

/// write(1, "hi!\n", 4) through the proxy, answered in fromhost; exits with what it returned.
inline constexpr std::array<uint32_t, 23> kSystemCall = {
    0x800012b7,  // lui   t0, 0x80001
    0x02029293,  // slli  t0, t0, 32
    0x0202d293,  // srli  t0, t0, 32
    0x08028513,  // addi  a0, t0, 128
    0x04000593,  // li    a1, 64
    0x00b53023,  // sd    a1, 0(a0)
    0x00100593,  // li    a1, 1
    0x00b53423,  // sd    a1, 8(a0)
    0x04050593,  // addi  a1, a0, 64
    0x00b53823,  // sd    a1, 16(a0)
    0x0a217637,  // li    a2, 0x0a216968
    0x9686061b,  //
    0x00c5a023,  // sw    a2, 0(a1)
    0x00400593,  // li    a1, 4
    0x00b53c23,  // sd    a1, 24(a0)
    0x00a2b023,  // sd    a0, 0(t0)
    0x0082b303,  // ld    t1, 8(t0)
    0xfe030ee3,  // beqz  t1, .-4
    0x00053583,  // ld    a1, 0(a0)
    0x00159593,  // slli  a1, a1, 1
    0x0015e593,  // ori   a1, a1, 1
    0x00b2b023,  // sd    a1, 0(t0)
    0x0000006f,  // j     .
};

/// Tells the syscon that it failed with 7.
inline constexpr std::array<uint32_t, 6> kFailWith7 = {
    0x001002b7,  // lui   t0, 0x100
    0x000735b7,  // li    a1, 0x73333
    0x3335859b,  //
    0x00b2a023,  // sw    a1, 0(t0)
    0x10500073,  // wfi
    0xffdff06f,  // j     .-4
};

/// Writes "x" to the serial port and reboots.
inline constexpr std::array<uint32_t, 9> kReboot = {
    0x100002b7,  // lui   t0, 0x10000
    0x07800593,  // li    a1, 'x'
    0x00b28023,  // sb    a1, 0(t0)
    0x001002b7,  // lui   t0, 0x100
    0x000075b7,  // li    a1, 0x7777
    0x7775859b,  //
    0x00b2a023,  // sw    a1, 0(t0)
    0x10500073,  // wfi
    0xffdff06f,  // j     .-4
};

/// Sleeps for good.
inline constexpr std::array<uint32_t, 2> kSleep = {
    0x10500073,  // wfi
    0xffdff06f,  // j     .-4
};

}  // namespace vmm::testing::program
