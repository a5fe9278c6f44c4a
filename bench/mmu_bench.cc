// Loads through the MMU of a hart: a hit in the inline TLB, one in the second level behind it, a walk whose page-table
// entries are in the host's caches, and one whose entries are not. Mean, and the 99th percentile over batches.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "hv/base/check.h"

namespace {

using namespace emu::riscv;

constexpr uint64_t kRam = 0x8000'0000;
constexpr uint64_t kRamSize = 128 << 20;
constexpr uint64_t kPage = hv::kGuestPageSize;
constexpr uint64_t kLeaf = 0xcf;     // V R W X A D
constexpr uint64_t kPointer = 0x01;  // V
constexpr size_t kBatch = 64;

class NoControl final : public hv::MachineControl {
 public:
  void power_off(int) noexcept override {}
  void reboot() noexcept override {}
};

/// A hart in S-mode with `levels` levels of page tables that map what `map` is told to.
class Machine {
 public:
  explicit Machine(unsigned levels) : levels_(levels) {
    const hv::RegionConfig region{.base = {kRam}, .size = kRamSize, .huge_pages = hv::HugePages::automatic, .numa = {}};
    memory_ = hv::GuestMemory::create({&region, 1}).value();
    group_ = HartGroup::create(1, Firmware::built_in, {*memory_, bus_, clock_, alarms_, control_, nullptr}).value();
    group_->reset({.pc = kRam, .argument = 0});
    state().csr.satp = uint64_t{levels + 5} << 60 | kRam >> 12;
    group_->hart(0).flush_all();
  }

  HartState& state() { return group_->hart(0).state(); }

  void map(uint64_t address) {
    uint64_t table = kRam;
    for (unsigned level = levels_ - 1; level > 0; --level) {
      const uint64_t slot = slot_of(table, address, level);
      if (load(slot) == 0) store(slot, entry(next_table_ += kPage, kPointer));
      table = load(slot) >> 10 << 12;
    }
    store(slot_of(table, address, 0), entry(kRam + kRamSize - kPage, kLeaf));
  }

 private:
  static uint64_t slot_of(uint64_t table, uint64_t address, unsigned level) {
    return table + (address >> (12 + 9 * level) & 511) * 8;
  }
  static uint64_t entry(uint64_t physical, uint64_t flags) { return physical >> 12 << 10 | flags; }
  uint64_t load(uint64_t address) { return memory_->load<uint64_t>({address}).value(); }
  void store(uint64_t address, uint64_t value) { CHECK(memory_->store(hv::GuestAddress{address}, value)); }

  unsigned levels_;
  std::unique_ptr<hv::GuestMemory> memory_;
  hv::Bus bus_{hv::Bus::Unclaimed::zeros};
  hv::GuestClock clock_{10'000'000};
  hv::AlarmService alarms_;
  NoControl control_;
  std::unique_ptr<HartGroup> group_;
  uint64_t next_table_ = kRam;
};

/// Loads from `addresses` in turn, as an instruction does.
void measure(benchmark::State& bench, HartState& hart, const std::vector<uint64_t>& addresses) {
  std::vector<double> batches;
  size_t next = 0;
  for (auto _ : bench) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < kBatch; ++i) {
      const uint64_t address = addresses[next];
      next = next + 1 == addresses.size() ? 0 : next + 1;
      const emu::mmu::TlbEntry& entry = hart.data_tlb[emu::mmu::Tlb::index(address)];
      const bool hit = entry.read == (address & ~(kPage - 1));
      benchmark::DoNotOptimize(hit ? *reinterpret_cast<const uint64_t*>(entry.addend + address)
                                   : load_slow(hart, address, 8));
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    batches.push_back(took.count() / kBatch);
  }
  const auto last = batches.begin() + static_cast<std::ptrdiff_t>(batches.size() * 99 / 100);
  std::nth_element(batches.begin(), last, batches.end());
  const auto loads = static_cast<double>(bench.iterations()) * kBatch;
  bench.counters["mean"] = benchmark::Counter(loads, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  bench.counters["p99_ns"] = *last;
  bench.SetItemsProcessed(bench.iterations() * static_cast<int64_t>(kBatch));
}

void run(benchmark::State& bench, const std::vector<uint64_t>& addresses) {
  Machine machine(static_cast<unsigned>(bench.range(0)));
  for (const uint64_t address : addresses) machine.map(address);
  measure(bench, machine.state(), addresses);
  if (machine.state().trapped) bench.SkipWithError("a load trapped");
}

/// `count` pages `stride` apart.
void run(benchmark::State& bench, uint64_t count, uint64_t stride) {
  std::vector<uint64_t> addresses;
  for (uint64_t i = 0; i < count; ++i) addresses.push_back(i * stride);
  run(bench, addresses);
}

void tlb_hit(benchmark::State& bench) { run(bench, 16, kPage); }
/// Two pages that share an entry of the inline TLB.
void second_level_hit(benchmark::State& bench) {
  const auto index = emu::mmu::Tlb::index;
  uint64_t other = kPage;
  while (index(other) != index(0)) other += kPage;
  run(bench, {0, other});
}
/// More pages in turn than the second level has.
constexpr uint64_t kTooMany = 2 * emu::mmu::SecondLevelTlb::kSets * emu::mmu::SecondLevelTlb::kWays;
void walk(benchmark::State& bench) { run(bench, kTooMany, kPage); }
/// Each in a table of its own: 64 MiB of page tables.
void walk_uncached(benchmark::State& bench) { run(bench, kTooMany, 2 << 20); }

BENCHMARK(tlb_hit)->Arg(3)->ArgName("levels");
BENCHMARK(second_level_hit)->Arg(3)->ArgName("levels");
BENCHMARK(walk)->Arg(3)->Arg(4)->Arg(5)->ArgName("levels");
BENCHMARK(walk_uncached)->Arg(3)->Arg(4)->Arg(5)->ArgName("levels");

/// A switch to another address space, known from before, and the first load there.
void address_space_switch(benchmark::State& bench) {
  Machine machine(3);
  machine.map(0);
  HartState& hart = machine.state();
  const uint64_t satp = hart.csr.satp;
  uint64_t asid = 0;
  for (auto _ : bench) {
    hart.x[11] = satp | (++asid & 1) << 44;
    csrrw(hart, {.imm = 0x180, .rd = HartState::kSink, .rs1 = 11, .length = 4});
    benchmark::DoNotOptimize(load_slow(hart, 0, 8));
  }
}
BENCHMARK(address_space_switch);

/// Forgetting one page, and everything, with a load that fills the TLBs again.
void fence(benchmark::State& bench, emu::riscv::TranslationFence what) {
  Machine machine(3);
  machine.map(0);
  HartState& hart = machine.state();
  for (auto _ : bench) {
    hart.hart->fence(what);
    benchmark::DoNotOptimize(load_slow(hart, 0, 8));
  }
}
void fence_of_a_page(benchmark::State& bench) { fence(bench, {.range = {0, 0}, .asid = 0}); }
void fence_of_everything(benchmark::State& bench) { fence(bench, {}); }
BENCHMARK(fence_of_a_page);
BENCHMARK(fence_of_everything);

}  // namespace
