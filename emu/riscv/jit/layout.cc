#include "emu/riscv/jit/layout.h"

#include <cstddef>

#include "emu/isa/read_modify_write.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/pmp.h"
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
  ++state.jit.counters.exceptions;
  state.retired += index;
  return false;
}

bool load(void* opaque, uint64_t packed) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  ++state.jit.counters.loads;
  state.jit.slow_value = load_slow(state, state.jit.slow_address, info.size);
  return goes_on(state, info.index);
}

bool store(void* opaque, uint64_t packed) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  ++state.jit.counters.stores;
  store_slow(state, state.jit.slow_address, info.size, state.jit.slow_value);
  return goes_on(state, info.index);
}

template <class T>
uint64_t compare_exchange(T* place, uint64_t expected, uint64_t desired) noexcept {
  auto found = static_cast<T>(expected);
  __atomic_compare_exchange_n(place, &found, static_cast<T>(desired), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return static_cast<uint64_t>(int64_t{found});
}

/// `access` of a pointer to a signed integer of `size` bytes at `place`.
template <class Access>
uint64_t with_size(std::byte* place, unsigned size, Access access) noexcept {
  switch (size) {
    case 1:
      return access(reinterpret_cast<int8_t*>(place));
    case 2:
      return access(reinterpret_cast<int16_t*>(place));
    case 4:
      return access(reinterpret_cast<int32_t*>(place));
    default:
      return access(reinterpret_cast<int64_t*>(place));
  }
}

/// An atomic access, whose value `access` gives.
template <class Access>
bool atomic(void* opaque, uint64_t packed, bool is_store, Access access) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  ++state.jit.counters.atomics;
  std::byte* const place = atomic_address(state, state.jit.slow_address, info.size, is_store);
  if (place != nullptr) {
    state.jit.slow_value = with_size(
        place, info.size, [&](auto* typed) { return access(state, static_cast<Rmw>(info.operation), typed); });
  }
  return goes_on(state, info.index);
}

bool read_modify_write(void* opaque, uint64_t packed) noexcept {
  return atomic(opaque, packed, true, []<class T>(HartState& state, Rmw operation, T* place) {
    return static_cast<uint64_t>(int64_t{exchange(operation, place, static_cast<T>(state.jit.slow_value))});
  });
}

bool compare_and_swap(void* opaque, uint64_t packed) noexcept {
  return atomic(opaque, packed, true, [](HartState& state, Rmw, auto* place) {
    return compare_exchange(place, state.jit.slow_expected, state.jit.slow_value);
  });
}

/// As InterpBuilder has it.
uintptr_t reservation(const void* place, size_t size) noexcept {
  return reinterpret_cast<uintptr_t>(place) | (size == 8 ? 1u : 0u);
}

bool load_reserved(void* opaque, uint64_t packed) noexcept {
  return atomic(opaque, packed, false, []<class T>(HartState& state, Rmw, T* place) {
    state.reservation_host = reservation(place, sizeof(T));
    state.reservation_value = static_cast<uint64_t>(int64_t{__atomic_load_n(place, __ATOMIC_SEQ_CST)});
    return state.reservation_value;
  });
}

bool store_conditional(void* opaque, uint64_t packed) noexcept {
  return atomic(opaque, packed, true, []<class T>(HartState& state, Rmw, T* place) {
    const bool is_reserved = state.reservation_host == reservation(place, sizeof(T));
    state.reservation_host = 0;
    auto expected = static_cast<T>(state.reservation_value);
    const bool stored =
        is_reserved && __atomic_compare_exchange_n(place, &expected, static_cast<T>(state.jit.slow_value), false,
                                                   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return uint64_t{stored ? 0u : 1u};
  });
}

bool zero_block(void* opaque, uint64_t packed) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  set_pc(state, info);
  ++state.jit.counters.stores;
  riscv::zero_block(state, state.jit.slow_address, static_cast<uint32_t>(state.jit.slow_value));
  return goes_on(state, info.index);
}

bool call(void* opaque, const void* opaque_insn, uint64_t helper) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  const auto& insn = *static_cast<const Insn*>(opaque_insn);
  state.pc = state.pc_of(insn.pc_offset);
  ++state.jit.counters.helper_calls;
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
      .zero_enabled = AT(zero_enabled),
      .scratch = AT(jit),
      .stack_pointer = 2,
      .read_flag = permission::kRead,
      .write_flag = permission::kWrite,
      .hot_x = {15, 14, 10, 13, 8, 2, 11, 12, 9, 16, 1, 17},
      .hot_f = {15, 14, 10, 13, 11, 12, 8, 9, 0, 1, 2, 3},
      .load = load,
      .store = store,
      .read_modify_write = read_modify_write,
      .compare_and_swap = compare_and_swap,
      .load_reserved = load_reserved,
      .store_conditional = store_conditional,
      .zero_block = zero_block,
      .call = call,
  };
#undef AT
}

}  // namespace emu::riscv::jit
