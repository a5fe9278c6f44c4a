#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "hv/core/bus.h"
#include "tests/unit/hv/kvm/layout.h"
#if defined(__x86_64__)
#include "tests/unit/hv/kvm/x86/machine.h"
#elif defined(__aarch64__)
#include "tests/unit/hv/kvm/arm/machine.h"
#else
#include "tests/unit/hv/kvm/riscv/machine.h"
#endif

namespace hv::kvm::test {

struct Access {
  uint64_t offset;
  unsigned size;
  uint64_t value;
  friend bool operator==(const Access&, const Access&) = default;
};

/// A device that keeps what is written to it, and reads as the offset plus 0xa0 in each byte.
class Recorder : public BusDevice {
 public:
  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= (0xa0 + offset + i) << (8 * i);
    return value;
  }
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override {
    writes.push_back({offset, size, value});
    if (on_write) on_write(writes.back());
  }
  std::vector<Access> writes;
  std::function<void(const Access&)> on_write;
};

/// A machine of the host's architecture with one processor, 4 MiB of memory from address 0 on, and a device, of which a
/// write to kEnd ends `run`. Tests skip themselves where there is no KVM.
class KvmGuest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = System::open();
    if (!opened) GTEST_SKIP() << opened.error().message;
    system_ = *opened;
    const RegionConfig ram{{0}, kMemory, HugePages::off, {}};
    memory_ = must(GuestMemory::create({&ram, 1}));
    ASSERT_TRUE(bus_.add(kDevice, device_, "device"));
    device_.on_write = [this](const Access& access) {
      if (access.offset == kEnd) vcpu().request_exit();
    };
    make();
  }

  template <typename T>
  static T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }
  static void must(const Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().message);
  }

  /// A machine that never ran, in place of the one that there is.
  void make() {
    machine_.reset();
    machine_.emplace(Machine::Environment{system_, *memory_, bus_, ports_});
  }

  void load(std::span<const std::byte> program) { ASSERT_TRUE(memory_->write(kCode, program)); }
  /// The machine begins with `program` when it runs.
  void start(std::span<const std::byte> program) {
    load(program);
    must(machine_->start());
  }
  /// Until it ends, which must be because it was asked to.
  void run_to_end() {
    const auto exit = vcpu().run();
    ASSERT_TRUE(exit) << exit.error().message;
    ASSERT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  }
  /// What the guest wrote to the device, but where it ended.
  std::vector<Access> written() const {
    std::vector<Access> kept;
    for (const Access& access : device_.writes) {
      if (access.offset != kEnd) kept.push_back(access);
    }
    return kept;
  }

  Vm& vm() { return machine_->vm(); }
  KvmVcpu& vcpu() { return machine_->vcpu(); }

  std::shared_ptr<const System> system_;
  std::unique_ptr<GuestMemory> memory_;
  Bus bus_{Bus::Unclaimed::ones};
  Bus ports_{Bus::Unclaimed::ones};  ///< of architectures that have them
  Recorder device_;
  std::optional<Machine> machine_;
};

}  // namespace hv::kvm::test
