#include "emu/jit/x64/values.h"

#include <bit>

#include "hv/base/check.h"

namespace emu::jit::x64 {

using asmjit::Operand;
using namespace asmjit::x86;
using ir::kNone;
using ir::Op;
using ir::Ref;

namespace {

bool fits_imm32(int64_t value) { return value == static_cast<int32_t>(value); }

Mem slot_of(int slot, unsigned bytes = 8) { return Mem(rsp, slot * 8, bytes); }

/// A 4-byte floating-point value, above which a floating-point register may have anything.
bool is_single(const ir::Node& node) {
  return node.size == 4 && node.op != Op::box && ir::info(node.op).result == ir::Result::floating;
}

}  // namespace

Values::Values(Assembler& a, const Layout& layout) : a_(a), layout_(layout) {
  for (auto& bank : pinned_) bank.fill(kNowhere);
  for (size_t i = 0; i < kIntegerBank.pinned_count; ++i)
    pinned_[0][layout.hot_x[i]] = static_cast<int8_t>(kIntegerBank.pinned[i]);
  for (size_t i = 0; i < kFloatBank.pinned_count; ++i)
    pinned_[1][layout.hot_f[i]] = static_cast<int8_t>(kFloatBank.pinned[i]);
}

void Values::begin(const ir::Block& block, const std::vector<bool>& fused) {
  block_ = &block;
  const size_t count = block.nodes.size();
  last_use_.assign(count, 0);
  uses_.assign(count, 0);
  where_.assign(count, {});
  for (auto& owners : owner_) owners.fill(kNone);
  for (auto& guests : guest_) guests.fill(kNone);
  locked_ = {};
  free_slots_ = ~uint64_t{0};
  for (size_t i = count; i-- > 0;) {
    const ir::Node& node = block.nodes[i];
    // A fused node's operands are used where its user is.
    const Ref user = fused[i] ? last_use_[i] : static_cast<Ref>(i);
    const std::array<Ref, 3> operands = {node.a, node.b, node.c};
    for (size_t k = 0; k < ir::info(node.op).operands; ++k) {
      last_use_[operands[k]] = std::max(last_use_[operands[k]], user);
      ++uses_[operands[k]];
    }
  }
}

void Values::begin_node(Ref at) { now_ = at; }

void Values::end_node() {
  release_operands();
  locked_ = {};
  moves_nothing_ = false;
}

void Values::release_operands() {
  for (const Class c : {Class::integer, Class::floating}) {
    for (size_t i = 0; i < bank(c).temporary_count; ++i) {
      const uint32_t reg = bank(c).temporaries[i];
      const Ref value = owner_[index(c)][reg];
      if (value == kNone || last_use_[value] > now_ || value == now_) continue;
      owner_[index(c)][reg] = kNone;
      where_[value].reg[index(c)] = kNowhere;
      locked_[index(c)] &= ~(1u << reg);
      if (where_[value].slot >= 0) {
        free_slots_ |= uint64_t{1} << where_[value].slot;
        where_[value].slot = kNowhere;
      }
    }
  }
}

bool Values::has_other_place(Class c, Ref value) const {
  const Where& where = where_[value];
  return is_constant(value) || where.home >= 0 || where.slot >= 0 || where.reg[1 - index(c)] >= 0;
}

void Values::put(Class c, uint32_t reg, Ref value) {
  owner_[index(c)][reg] = value;
  where_[value].reg[index(c)] = static_cast<int8_t>(reg);
}

void Values::spill(Class c, uint32_t reg, Ref value) {
  CHECK(!moves_nothing_ && free_slots_ != 0);
  const int slot = std::countr_zero(free_slots_);
  free_slots_ &= free_slots_ - 1;
  where_[value].slot = static_cast<int8_t>(slot);
  if (c == Class::integer)
    a_.mov(slot_of(slot), gpq(reg));
  else
    a_.vmovq(slot_of(slot), asmjit::x86::xmm(reg));
}

void Values::evict(Class c, uint32_t reg) {
  const Ref value = owner_[index(c)][reg];
  if (value == kNone) return;
  if (last_use_[value] >= now_ && !has_other_place(c, value)) spill(c, reg, value);
  owner_[index(c)][reg] = kNone;
  where_[value].reg[index(c)] = kNowhere;
}

uint32_t Values::fresh(Class c) {
  const Bank& b = bank(c);
  uint32_t best = 0;
  int best_cost = 4;
  for (size_t i = 0; i < b.temporary_count; ++i) {
    const uint32_t reg = b.temporaries[i];
    if (is_locked(c, reg)) continue;
    const Ref value = owner_[index(c)][reg];
    const int cost = value == kNone ? 0 : last_use_[value] < now_ ? 1 : has_other_place(c, value) ? 2 : 3;
    if (cost < best_cost) {
      best = reg;
      best_cost = cost;
    }
  }
  CHECK(best_cost < 4);
  evict(c, best);
  lock(c, best);
  return best;
}

Gp Values::take(uint32_t id) {
  const Ref value = owner_[0][id];
  lock(Class::integer, id);
  if (value != kNone) {
    // Rather to another temporary than to memory: it is about to be used.
    if (last_use_[value] >= now_ && !has_other_place(Class::integer, value)) {
      const uint32_t other = fresh(Class::integer);
      locked_[0] &= ~(1u << other);
      a_.mov(gpq(other), gpq(id));
      owner_[0][id] = kNone;
      put(Class::integer, other, value);
    } else {
      evict(Class::integer, id);
    }
  }
  return gpq(id);
}

/// Loads `value` from wherever it is.
void Values::copy(Class c, uint32_t to, Ref value) {
  CHECK(!moves_nothing_);
  const Where& where = where_[value];
  const ir::Node& node = (*block_)[value];
  if (c == Class::integer) {
    const Gp reg = gpq(to);
    if (is_constant(value)) {
      if (node.imm == 0)
        a_.mov(reg.r32(), 0);
      else if (static_cast<uint64_t>(node.imm) <= UINT32_MAX)
        a_.mov(reg.r32(), static_cast<uint32_t>(node.imm));
      else
        a_.mov(reg, node.imm);
    } else if (where.reg[0] >= 0) {
      a_.mov(reg, gpq(static_cast<uint32_t>(where.reg[0])));
    } else if (where.reg[1] >= 0) {
      const Xmm from = asmjit::x86::xmm(static_cast<uint32_t>(where.reg[1]));
      if (is_single(node))
        a_.vmovd(reg.r32(), from);
      else
        a_.vmovq(reg, from);
    } else if (where.home >= 0) {
      a_.mov(reg, home(where.home_class, static_cast<unsigned>(where.home)));
    } else {
      CHECK(where.slot >= 0);
      if (is_single(node))
        a_.mov(reg.r32(), slot_of(where.slot, 4));
      else
        a_.mov(reg, slot_of(where.slot));
    }
    return;
  }
  const Xmm reg = asmjit::x86::xmm(to);
  if (where.reg[1] >= 0) {
    a_.vmovaps(reg, asmjit::x86::xmm(static_cast<uint32_t>(where.reg[1])));
  } else if (where.reg[0] >= 0) {
    a_.vmovq(reg, gpq(static_cast<uint32_t>(where.reg[0])));
  } else if (where.home >= 0) {
    a_.vmovq(reg, home(where.home_class, static_cast<unsigned>(where.home)));
  } else if (where.slot >= 0) {
    a_.vmovq(reg, slot_of(where.slot));
  } else {
    CHECK(is_constant(value));
    if (node.imm == 0) {
      a_.vxorps(reg, reg, reg);
    } else {
      a_.vmovq(reg, gp(value));
    }
  }
}

uint32_t Values::reg(Class c, Ref value) {
  int at = where_[value].reg[index(c)];
  if (at < 0) {
    const uint32_t to = fresh(c);
    copy(c, to, value);
    put(c, to, value);
    at = static_cast<int>(to);
  }
  lock(c, static_cast<uint32_t>(at));
  return static_cast<uint32_t>(at);
}

Operand Values::any(Ref value, unsigned bytes) {
  const Where& where = where_[value];
  if (is_constant(value)) {
    const int64_t constant = (*block_)[value].imm;
    if (bytes == 4) return asmjit::imm(static_cast<int32_t>(constant));
    if (fits_imm32(constant)) return asmjit::imm(constant);
  } else if (where.reg[0] < 0 && where.reg[1] < 0 && where.home >= 0 && is_last_use(value)) {
    Mem at = home(where.home_class, static_cast<unsigned>(where.home));
    at.setSize(bytes);
    return at;
  }
  const Gp at = gp(value);
  return bytes == 4 ? Operand(at.r32()) : Operand(at);
}

/// Straight into the guest register that gets it next, if what is there is not needed any more.
std::optional<uint32_t> Values::define_in_guest(Class c, Ref value) {
  const size_t next = value + size_t{1};
  if (next >= block_->nodes.size()) return std::nullopt;
  const ir::Node& user = block_->nodes[next];
  const bool is_set = (user.op == Op::set_x && c == Class::integer) || (user.op == Op::set_f && c == Class::floating);
  if (!is_set || user.a != value) return std::nullopt;
  const int to = pinned(c, user.reg);
  if (to < 0) return std::nullopt;
  const auto host = static_cast<uint32_t>(to);
  const Ref old = owner_[index(c)][host];
  if (old != kNone && last_use_[old] > now_) return std::nullopt;
  if (old != kNone) where_[old].reg[index(c)] = kNowhere;
  put(c, host, value);
  lock(c, host);
  return host;
}

std::optional<Gp> Values::define_in_guest_gp(Ref value) {
  const auto host = define_in_guest(Class::integer, value);
  return host ? std::optional(gpq(*host)) : std::nullopt;
}

uint32_t Values::define(Class c, Ref value) {
  if (const auto host = define_in_guest(c, value)) return *host;
  const uint32_t to = fresh(c);
  put(c, to, value);
  return to;
}

void Values::get_guest(Class c, uint8_t guest, Ref value) {
  guest_[index(c)][guest] = value;
  if (const int host = pinned(c, guest); host >= 0) {
    put(c, static_cast<uint32_t>(host), value);
  } else {
    where_[value].home = guest;
    where_[value].home_class = c;
  }
}

void Values::save_from_guest(Class c, uint8_t guest) {
  const Ref old = guest_[index(c)][guest];
  if (old == kNone) return;
  guest_[index(c)][guest] = kNone;
  const int host = pinned(c, guest);
  Where& where = where_[old];
  const bool is_here = host >= 0 ? where.reg[index(c)] == host : where.home == guest && where.home_class == c;
  if (!is_here) return;
  // Another guest register may have the same value.
  for (uint8_t other = 0; other < kGuestRegisters; ++other) {
    if (guest_[index(c)][other] != old) continue;
    if (const int other_host = pinned(c, other); host >= 0 && other_host >= 0) {
      owner_[index(c)][static_cast<size_t>(host)] = kNone;
      return put(c, static_cast<uint32_t>(other_host), old);
    } else if (other_host < 0) {
      where.home = other;
      where.home_class = c;
      if (host >= 0) {
        where.reg[index(c)] = kNowhere;
        owner_[index(c)][static_cast<size_t>(host)] = kNone;
      }
      return;
    }
  }
  const bool is_needed = last_use_[old] > now_;
  if (host >= 0) {
    if (is_needed && !has_other_place(c, old)) {
      const uint32_t to = fresh(c);
      copy(c, to, old);
      owner_[index(c)][static_cast<size_t>(host)] = kNone;
      put(c, to, old);
    } else {
      owner_[index(c)][static_cast<size_t>(host)] = kNone;
      where.reg[index(c)] = kNowhere;
    }
  } else {
    if (is_needed && where.reg[0] < 0 && where.reg[1] < 0 && where.slot < 0) reg(c, old);
    where.home = kNowhere;
  }
}

void Values::set_guest(Class c, uint8_t guest, Ref value) {
  if (guest_[index(c)][guest] == value) return;
  const int host = pinned(c, guest);
  if (host >= 0) {
    const auto to = static_cast<uint32_t>(host);
    const bool is_there = owner_[index(c)][to] == value;
    if (!is_there) {
      save_from_guest(c, guest);
      if (const Ref stale = owner_[index(c)][to]; stale != kNone) {
        where_[stale].reg[index(c)] = kNowhere;
        owner_[index(c)][to] = kNone;
      }
      copy(c, to, value);
      if (!is_constant(value)) {
        const int from = where_[value].reg[index(c)];
        // The guest register is the better place unless the value is in another one.
        bool from_guest = false;
        for (size_t i = 0; i < bank(c).pinned_count; ++i) from_guest |= from == bank(c).pinned[i];
        if (!from_guest) {
          if (from >= 0) owner_[index(c)][static_cast<size_t>(from)] = kNone;
          put(c, to, value);
        }
      }
    }
  } else {
    save_from_guest(c, guest);
    const Where& where = where_[value];
    if (is_constant(value) && fits_imm32((*block_)[value].imm)) {
      a_.mov(home(c, guest), asmjit::imm((*block_)[value].imm));
    } else if (where.reg[1] >= 0 && where.reg[0] < 0) {
      a_.vmovq(home(c, guest), asmjit::x86::xmm(static_cast<uint32_t>(where.reg[1])));
    } else {
      a_.mov(home(c, guest), gp(value));
    }
    if (!is_constant(value) && where_[value].home < 0) {
      where_[value].home = guest;
      where_[value].home_class = c;
    }
  }
  guest_[index(c)][guest] = value;
}

void Values::forget_all() {
  for (auto& owners : owner_) owners.fill(kNone);
  for (auto& guests : guest_) guests.fill(kNone);
  for (Where& where : where_) where.reg = {kNowhere, kNowhere};
}

}  // namespace emu::jit::x64
