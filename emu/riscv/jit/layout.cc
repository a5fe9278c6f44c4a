#include "emu/riscv/jit/layout.h"

#include <cstddef>

#include "emu/isa/read_modify_write.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/state.h"

namespace emu::riscv::jit {
namespace {

/// Notes which instruction of the present block asks.
void set_pc(HartState& state, emu::jit::AccessInfo info) noexcept { state.pc = state.pc_of(info.pc_offset); }

/// After the instruction with `index`: whether generated code goes on.
bool goes_on(HartState& state, uint8_t index) noexcept {
  if (!state.trapped) [[likely]]
    return true;
  state.trapped = false;
  state.retired += index;
  return false;
}

bool load(void* opaque, uint64_t packed) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  state.jit.slow_value = load_slow(state, state.jit.slow_address, info.size);
  return goes_on(state, info.index);
}

bool store(void* opaque, uint64_t packed) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  store_slow(state, state.jit.slow_address, info.size, state.jit.slow_value);
  return goes_on(state, info.index);
}

template <class T>
uint64_t exchange(Rmw operation, T* place, T operand) noexcept {
  const auto extend = [](T old) { return static_cast<uint64_t>(int64_t{old}); };
  switch (operation) {
    case Rmw::swap:
      return extend(__atomic_exchange_n(place, operand, __ATOMIC_SEQ_CST));
    case Rmw::add:
      return extend(__atomic_fetch_add(place, operand, __ATOMIC_SEQ_CST));
    case Rmw::bit_and:
      return extend(__atomic_fetch_and(place, operand, __ATOMIC_SEQ_CST));
    case Rmw::bit_or:
      return extend(__atomic_fetch_or(place, operand, __ATOMIC_SEQ_CST));
    default:
      return extend(__atomic_fetch_xor(place, operand, __ATOMIC_SEQ_CST));
  }
}

bool read_modify_write(void* opaque, uint64_t packed) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  uint64_t& value = state.jit.slow_value;
  if (std::byte* const place = atomic_address(state, state.jit.slow_address, info.size, true); place != nullptr) {
    const auto operation = static_cast<Rmw>(info.operation);
    value = info.size == 4 ? exchange(operation, reinterpret_cast<int32_t*>(place), static_cast<int32_t>(value))
                           : exchange(operation, reinterpret_cast<int64_t*>(place), static_cast<int64_t>(value));
  }
  return goes_on(state, info.index);
}

bool call(void* opaque, const void* opaque_insn, uint64_t helper) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const auto& insn = *static_cast<const Insn*>(opaque_insn);
  state.pc = state.pc_of(insn.pc_offset);
  reinterpret_cast<void (*)(HartState&, const Insn&) noexcept>(helper)(state, insn);
  return goes_on(state, insn.index);
}

constexpr int32_t offset_of_state(size_t offset) { return static_cast<int32_t>(offset); }

}  // namespace

emu::jit::Layout layout() noexcept {
#define AT(field) offset_of_state(offsetof(HartState, field))
  return {
      .x = AT(x),
      .f = AT(f),
      .pc = AT(pc),
      .pc_page = AT(pc_page),
      .data_tlb = AT(data_tlb),
      .fetch_tlb = AT(fetch_tlb),
      .pending = AT(pending),
      .retired = AT(retired),
      .fp_dirty = AT(fp_dirty),
      .reservation_host = AT(reservation_host),
      .reservation_value = AT(reservation_value),
      .scratch = AT(jit),
      .hot_x = {15, 14, 10, 13, 8, 2, 11, 12, 9, 16, 1, 17},
      .hot_f = {15, 14, 10, 13, 11, 12, 8, 9, 0, 1, 2, 3},
      .load = load,
      .store = store,
      .read_modify_write = read_modify_write,
      .call = call,
  };
#undef AT
}

}  // namespace emu::riscv::jit
