#pragma once

#include <array>
#include <cstdint>

/// What generated code has to know of a guest: where its state holds what, and whom to call.
namespace emu::jit {

/// Offsets are from the begin of the vCPU's state, in bytes.
struct Layout {
  int32_t x = 0;  ///< integer registers, 8 bytes each
  int32_t f = 0;  ///< floating-point registers, 8 bytes each
  int32_t pc = 0;
  int32_t pc_page = 0;
  int32_t data_tlb = 0;
  int32_t fetch_tlb = 0;
  int32_t pending = 0;  ///< 32 bits; not 0: leave generated code
  int32_t retired = 0;
  int32_t fp_dirty = 0;  ///< one byte
  int32_t reservation_host = 0;
  int32_t reservation_value = 0;
  int32_t zero_enabled = 0;   ///< one byte; 0: `zero_block` has to be asked
  int32_t scratch = 0;        ///< a Scratch
  uint8_t stack_pointer = 0;  ///< the integer register that addresses the stack by convention
  uint8_t read_flag = 0;      ///< of the pages in the second-level TLB
  uint8_t write_flag = 0;
  bool counts = false;  ///< generated code counts its look-ups (Counters::LookUps), which takes time

  /// Guest registers that live in host registers, most used first; as many are taken as the host has to spare.
  std::array<uint8_t, 12> hot_x{};
  std::array<uint8_t, 12> hot_f{};

  /// Slow paths. `info` says which instruction of the block asks: see access_info. They return false after an
  /// exception; the state is then that of its handler.
  using Access = bool (*)(void* state, uint64_t info) noexcept;
  Access load = nullptr;  ///< Scratch::slow_value = what is at Scratch::slow_address
  Access store = nullptr;
  /// An Rmw (AccessInfo::operation) of Scratch::slow_value; it gets what was there, sign-extended.
  Access read_modify_write = nullptr;
  /// Stores Scratch::slow_value if Scratch::slow_expected is there; it gets what was there, sign-extended.
  Access compare_and_swap = nullptr;
  Access load_reserved = nullptr;
  /// Of Scratch::slow_value, which gets 0 if it was stored, else 1.
  Access store_conditional = nullptr;
  /// Zeroes the block that Scratch::slow_address lies in for the instruction Scratch::slow_value, as it is encoded.
  Access zero_block = nullptr;
  /// Carries out one whole instruction by a helper (Node::imm).
  using Call = bool (*)(void* state, const void* insn, uint64_t helper) noexcept;
  Call call = nullptr;

  /// A value made of two others: floating point that the host has no instruction for. Raises no exception.
  using Evaluate = uint64_t (*)(void* state, uint64_t a, uint64_t b) noexcept;
};

/// What a slow path is told: the access's size, and the instruction's place in page and block.
struct AccessInfo {
  unsigned size;
  uint16_t pc_offset;
  uint8_t index;
  uint8_t operation = 0;  ///< an Rmw
};
constexpr uint32_t pack(AccessInfo info) noexcept {
  return info.size | uint32_t{info.operation} << 4 | uint32_t{info.index} << 8 | uint32_t{info.pc_offset} << 16;
}
constexpr AccessInfo unpack(uint64_t packed) noexcept {
  return {static_cast<unsigned>(packed & 0xf), static_cast<uint16_t>(packed >> 16), static_cast<uint8_t>(packed >> 8),
          static_cast<uint8_t>(packed >> 4 & 0xf)};
}

}  // namespace emu::jit
