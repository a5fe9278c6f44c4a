#pragma once

#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "emu/riscv/hart.h"
#include "emu/riscv/hart_group.h"
#include "emu/riscv/isa/encoder.h"

namespace emu::riscv::test {

inline constexpr uint64_t kRam = 0x8000'0000;
inline constexpr uint64_t kRamSize = 16 << 20;
/// A store here ends the run of every hart.
inline constexpr uint64_t kStopDevice = 0x10'0000;

/// One instruction, checked: the test fails if the row cannot have the operands.
inline uint32_t insn(Op op, const Operands& operands) {
  const auto encoded = encode(row_of(op), operands);
  EXPECT_TRUE(encoded.has_value()) << row_of(op).name;
  return encoded.value_or(0);
}

/// The least that the JIT can do with, bytes.
inline constexpr size_t kSmallCache = size_t{256} << 10;

/// The interpreter; with VIREO_TEST_ENGINE in the environment translated code, from the first time on: "jit",
/// "small-cache", "lockstep".
inline EngineConfig default_engine() {
  const char* const variable = std::getenv("VIREO_TEST_ENGINE");
  const std::string_view wanted = variable == nullptr ? "" : variable;
  if (wanted == "jit") return {.kind = EngineKind::jit, .jit_cache = size_t{4} << 20, .hot_after = 1};
  if (wanted == "small-cache") return {.kind = EngineKind::jit, .jit_cache = kSmallCache, .hot_after = 1};
  if (wanted == "lockstep") return {.kind = EngineKind::lockstep, .jit_cache = size_t{4} << 20};
  return {};
}

/// RAM, harts and a device that stops them: the least that a program runs on.
class Board : public hv::MachineControl {
 public:
  explicit Board(size_t harts = 1, Firmware firmware = Firmware::guest, sbi::Console* console = nullptr,
                 const EngineConfig& engine = default_engine()) {
    const hv::RegionConfig region{.base = {kRam}, .size = kRamSize, .huge_pages = hv::HugePages::off, .numa = {}};
    memory = hv::GuestMemory::create({&region, 1}).value();
    EXPECT_TRUE(bus.add({{kStopDevice}, 8}, stop_device_, "stop").has_value());
    group = HartGroup::create(harts, firmware, {*memory, bus, clock, alarms, *this, console}, engine).value();
    group->reset({.pc = kRam, .argument = 0});
  }

  void power_off(int code) noexcept override {
    power_off_code = code;
    stop_all();
  }
  void reboot() noexcept override { stop_all(); }

  Hart& hart(size_t id = 0) { return group->hart(id); }
  HartState& state(size_t id = 0) { return hart(id).state(); }

  void put(uint64_t address, std::initializer_list<uint32_t> code) {
    for (const uint32_t word : code) {
      EXPECT_TRUE(memory->store(hv::GuestAddress{address}, word).has_value());
      address += 4;
    }
  }
  void put64(uint64_t address, uint64_t value) {
    EXPECT_TRUE(memory->store(hv::GuestAddress{address}, value).has_value());
  }
  uint64_t get64(uint64_t address) { return memory->load<uint64_t>(hv::GuestAddress{address}).value(); }

  /// Runs every hart until one stores to kStopDevice, or finds that the engines differ.
  void run() {
    std::vector<std::thread> threads;
    for (size_t id = 0; id < group->size(); ++id) {
      threads.emplace_back([this, id] {
        const std::string difference = hart(id).run().value().detail;
        EXPECT_EQ(difference, "");
        if (!difference.empty()) stop_all();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void stop_all() noexcept {
    for (size_t id = 0; id < group->size(); ++id) hart(id).request_exit();
  }

  std::unique_ptr<hv::GuestMemory> memory;
  hv::Bus bus{hv::Bus::Unclaimed::zeros};
  hv::GuestClock clock{10'000'000};
  hv::AlarmService alarms;
  std::unique_ptr<HartGroup> group;
  std::atomic<int> power_off_code = -1;

 private:
  class StopDevice final : public hv::BusDevice {
   public:
    explicit StopDevice(Board& board) : board_(board) {}
    uint64_t bus_read(uint64_t, unsigned) noexcept override { return 0; }
    void bus_write(uint64_t, unsigned, uint64_t) noexcept override { board_.stop_all(); }

   private:
    Board& board_;
  };
  StopDevice stop_device_{*this};
};

/// Code that stores to kStopDevice with t0 = x5 and then spins.
inline void put_stop(Board& board, uint64_t address) {
  board.put(address,
            {insn(Op::lui, {.rd = 5, .imm = kStopDevice}), insn(Op::sd, {.rs1 = 5}), insn(Op::jal, {.imm = 0})});
}

}  // namespace emu::riscv::test
