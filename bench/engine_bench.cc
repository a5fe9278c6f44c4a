// How many million guest instructions a second an engine carries out, by kind of work. Bare-metal loops in M-mode on
// one hart; what they are is in guest_loops.cc.

#include <string>

#include <benchmark/benchmark.h>

#include "bench/bench_machine.h"
#include "bench/guest_program.h"

namespace {

using namespace bench;
using emu::riscv::Op;

constexpr uint64_t kBuffer = kRam + 0x10'0000;
constexpr uint64_t kStack = kRam + 0x20'0000;

void run_once(BenchMachine& machine, uint64_t times) {
  emu::riscv::HartState& state = machine.state();
  state.pc = kRam;
  state.x[10] = times;
  CHECK(machine.hart().run());
}

struct EngineRow {
  const char* name;
  emu::riscv::EngineKind kind;
};
constexpr EngineRow kEngines[] = {{"interp", emu::riscv::EngineKind::interpreter},
                                  {"jit", emu::riscv::EngineKind::jit}};

void measure(benchmark::State& bench, const EngineRow& engine, const GuestLoop& loop) {
  GuestProgram program;
  loop.write(program);
  program.op(Op::lui, {.rd = 5, .imm = kStopDevice});
  program.op(Op::sd, {.rs1 = 5});
  program.op(Op::jal, {.imm = 0});
  BenchMachine machine(emu::riscv::Firmware::guest, {.kind = engine.kind});
  CHECK(machine.memory().write({kRam}, std::as_bytes(std::span(program.bytes()))));
  machine.state().x[2] = kStack;
  machine.state().x[11] = kBuffer;

  run_once(machine, loop.times / 10);  // so that what is measured is the engine at work, not its start
  const uint64_t before = machine.state().retired;
  for (auto _ : bench) run_once(machine, loop.times);

  const uint64_t retired = machine.state().retired - before;
  if (retired < loop.times) bench.SkipWithError("the program did not run");
  bench.SetItemsProcessed(static_cast<int64_t>(retired));
  bench.counters["MIPS"] = benchmark::Counter(static_cast<double>(retired) / 1e6, benchmark::Counter::kIsRate);
}

const bool registered = [] {
  for (const EngineRow& engine : kEngines) {
    for (const GuestLoop& loop : guest_loops()) {
      benchmark::RegisterBenchmark((std::string(engine.name) + "/" + loop.name).c_str(), [&engine, &loop](
                                                                                             benchmark::State& bench) {
        measure(bench, engine, loop);
      })->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

}  // namespace
