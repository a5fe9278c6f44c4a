#include "emu/riscv/jit/access_log.h"

#include <memory>

#include "emu/riscv/jit/layout.h"

namespace emu::riscv::jit {
namespace {

using Kind = AccessLog::Kind;

thread_local AccessLog* current = nullptr;

struct NoTables {
  std::vector<mmu::TlbEntry> pages = std::vector<mmu::TlbEntry>(mmu::Tlb::kEntries);
  mmu::JumpCache jumps;
};
NoTables& no_tables() noexcept {
  thread_local const auto tables = std::make_unique<NoTables>();
  return *tables;
}

/// Carries an access out by `function` of the plain layout, and notes it.
bool record(HartState& state, uint64_t packed, Kind kind, emu::jit::Layout::Access function) noexcept {
  const emu::jit::AccessInfo info = emu::jit::unpack(packed);
  AccessLog::Event& event = current->add(kind);
  event.size = static_cast<uint8_t>(info.size);
  event.index = info.index;
  event.operation = info.operation;
  event.address = state.jit.slow_address;
  event.operand = state.jit.slow_value;
  event.expected = state.jit.slow_expected;
  event.trapped = !function(&state, packed);
  event.result = state.jit.slow_value;
  event.reservation_host = state.reservation_host;
  event.reservation_value = state.reservation_value;
  if (event.trapped) current->keep_trap(event, RegisterImage::of(state));
  use_no_tables(state);
  return !event.trapped;
}

const emu::jit::Layout& plain() noexcept {
  static const emu::jit::Layout layout = jit::layout();
  return layout;
}

template <Kind kind, auto function>
bool access(void* state, uint64_t packed) noexcept {
  return record(*static_cast<HartState*>(state), packed, kind, plain().*function);
}

bool call(void* opaque, const void* insn, uint64_t helper) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  AccessLog::Event& event = current->add(Kind::call);
  event.index = static_cast<const Insn*>(insn)->index;
  const RegisterImage before = RegisterImage::of(state);
  event.trapped = !plain().call(opaque, insn, helper);
  current->keep(event, before, RegisterImage::of(state));
  use_no_tables(state);
  return !event.trapped;
}

}  // namespace

const char* name_of(AccessLog::Kind kind) noexcept {
  switch (kind) {
    case Kind::load:
      return "load";
    case Kind::store:
      return "store";
    case Kind::read_modify_write:
      return "read-modify-write";
    case Kind::compare_and_swap:
      return "compare-and-swap";
    case Kind::load_reserved:
      return "load-reserved";
    case Kind::store_conditional:
      return "store-conditional";
    case Kind::zero_block:
      return "zeroing of a block";
    case Kind::call:
      return "helper";
  }
  return "";
}

emu::jit::Layout recording_layout() noexcept {
  using emu::jit::Layout;
  Layout layout = jit::layout();
  layout.load = access<Kind::load, &Layout::load>;
  layout.store = access<Kind::store, &Layout::store>;
  layout.read_modify_write = access<Kind::read_modify_write, &Layout::read_modify_write>;
  layout.compare_and_swap = access<Kind::compare_and_swap, &Layout::compare_and_swap>;
  layout.load_reserved = access<Kind::load_reserved, &Layout::load_reserved>;
  layout.store_conditional = access<Kind::store_conditional, &Layout::store_conditional>;
  layout.zero_block = access<Kind::zero_block, &Layout::zero_block>;
  layout.call = call;
  return layout;
}

void record_into(AccessLog* log) noexcept { current = log; }

void use_no_tables(HartState& state) noexcept {
  NoTables& tables = no_tables();
  state.data_tlb = state.fetch_tlb = tables.pages.data();
  state.jit.jumps = &tables.jumps;
  state.jit.refill = {};
}

}  // namespace emu::riscv::jit
