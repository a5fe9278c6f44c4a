#include "vmm/machine/riscv64/jit_report.h"

#include <algorithm>

#include "emu/jit/counters.h"
#include "emu/jit/engine.h"
#include "emu/riscv/hart.h"

namespace vmm::riscv64 {
namespace {

using emu::jit::Counters;
using emu::jit::Exit;

/// Of all harts.
struct Sum {
  Counters jit;
  emu::mmu::AddressSpaces::Counters mmu;
};

void add(Counters& sum, const Counters& more) {
  for (size_t i = 0; i < Exit::kKinds; ++i) sum.exits[i] += more.exits[i];
  sum.returns += more.returns;
  sum.exceptions += more.exceptions;
  sum.interpreted += more.interpreted;
  sum.helper_calls += more.helper_calls;
  sum.loads += more.loads;
  sum.stores += more.stores;
  sum.refills += more.refills;
  sum.atomics += more.atomics;
  sum.translation_ns += more.translation_ns;
  for (const auto table : {&Counters::windows, &Counters::tlb, &Counters::jumps}) {
    (sum.*table).all += (more.*table).all;
    (sum.*table).missed += (more.*table).missed;
  }
}

Sum sum_of(emu::riscv::HartGroup& harts) {
  Sum sum;
  for (size_t i = 0; i < harts.size(); ++i) {
    emu::riscv::Hart& hart = harts.hart(i);
    add(sum.jit, hart.state().jit.counters);
    const auto& mmu = hart.spaces().counters();
    sum.mmu.second_level_hits += mmu.second_level_hits + hart.state().jit.counters.refills;
    sum.mmu.walks += mmu.walks;
    sum.mmu.changes += mmu.changes;
    sum.mmu.flushes += mmu.flushes;
  }
  return sum;
}

Report::Figure count(const char* key, const char* text, uint64_t value) {
  return {key, text, static_cast<double>(value), {}};
}
Report::Figure bytes(const char* key, const char* text, uint64_t value) {
  return {key, text, static_cast<double>(value), "bytes"};
}

double percent(uint64_t part, uint64_t all) {
  return all == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(all);
}
Report::Figure hits(const char* key, const char* text, const Counters::LookUps& table) {
  return {key, text, percent(table.all - std::min(table.missed, table.all), table.all), "%"};
}

}  // namespace

Report jit_report(emu::riscv::HartGroup& harts) {
  Report report;
  if (harts.jit() == nullptr) return report;
  const emu::jit::Stats engine = harts.jit()->stats();
  const emu::jit::Arena& arena = harts.jit()->arena();
  const Sum sum = sum_of(harts);
  const auto exits = [&](Exit::Kind kind) { return sum.jit.exits[static_cast<size_t>(kind)]; };
  const double expansion =
      engine.guest_bytes == 0 ? 0 : static_cast<double>(engine.host_bytes) / static_cast<double>(engine.guest_bytes);
  constexpr double kNanosecond = 1e-9;

  report.groups = {
      {"translation",
       "translation",
       {count("blocks", "blocks translated", engine.blocks),
        bytes("guest_bytes", "guest code", engine.guest_bytes),
        bytes("host_bytes", "host code", engine.host_bytes),
        {"expansion", "host bytes for each guest byte", expansion, {}},
        {"seconds", "time in translation", static_cast<double>(sum.jit.translation_ns) * kNanosecond, "s"}}},
      {"cache",
       "cache",
       {bytes("size", "size", arena.size()), bytes("used", "used", arena.used()),
        count("invalidated", "blocks whose code was overwritten", engine.invalidated),
        count("evicted", "blocks that made room for others", engine.evicted)}},
      {"exits",
       "ways out of translated code",
       {count("lookup", "to a block that is not linked", exits(Exit::Kind::link)),
        count("jump", "a jump that no table knows", sum.jit.returns - sum.jit.exceptions),
        count("interrupt", "something was pending", exits(Exit::Kind::pending)),
        count("alone", "an instruction whose second half is elsewhere now", exits(Exit::Kind::alone)),
        count("system", "a system instruction", exits(Exit::Kind::system)),
        count("exception", "an exception in an access or a helper", sum.jit.exceptions)}},
      {"tables",
       "look-ups in translated code",
       {count("windows", "in the windows of user mode", sum.jit.windows.all),
        hits("window_hits", "  found there", sum.jit.windows),
        count("tlb", "in the inline TLB", sum.jit.tlb.all),
        hits("tlb_hits", "  found there", sum.jit.tlb),
        {"second_level_hits", "  what is not: found in the second level",
         percent(sum.mmu.second_level_hits, sum.mmu.second_level_hits + sum.mmu.walks), "%"},
        count("jumps", "in the jump cache", sum.jit.jumps.all),
        hits("jump_hits", "  found there", sum.jit.jumps),
        {"table_hits", "  what is not: found by its page and the table of blocks",
         percent(sum.jit.jumps.missed - std::min(sum.jit.jumps.missed, sum.jit.returns - sum.jit.exceptions),
                 sum.jit.jumps.missed),
         "%"}}},
      {"slow",
       "slow ways within translated code",
       {count("load", "loads that missed the inline TLB", sum.jit.loads),
        count("store", "stores that missed the inline TLB", sum.jit.stores),
        count("refill", "  of these, found in the second level without leaving it", sum.jit.refills),
        count("atomic", "atomic accesses that missed the inline TLB", sum.jit.atomics),
        count("helper", "instructions left to the interpreter", sum.jit.helper_calls)}},
      {"interpreter",
       "interpreter",
       {count("stretches", "stretches of code that is not translated", sum.jit.interpreted)}},
      {"tlb",
       "behind the inline TLB, in both engines",
       {count("second_level_hits", "hits in the second level", sum.mmu.second_level_hits),
        count("walks", "walks of the page table", sum.mmu.walks),
        count("space_changes", "changes of the address space", sum.mmu.changes),
        count("flushes", "flushes", sum.mmu.flushes)}},
  };
  return report;
}

}  // namespace vmm::riscv64
