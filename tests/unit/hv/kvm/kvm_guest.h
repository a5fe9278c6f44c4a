#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "hv/core/bus.h"
#include "hv/kvm/vm.h"
#include "hv/kvm/x86/irqchip.h"
#include "hv/kvm/x86/x86_vcpu.h"

namespace hv::kvm::test {

inline constexpr GuestAddress kCode{0x1000};
inline constexpr GuestAddress kPageTable{0x8000};
inline constexpr GuestAddress kStack{0x7000};
inline constexpr GuestRange kDevice{{0xd000'0000}, 0x1000};
inline constexpr GuestRange kPorts{{0x500}, 0x10};
inline constexpr uint64_t kMemory = 4u << 20;
inline constexpr uint32_t kInterrupt = 5;

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
    count.fetch_add(1);
    if (on_write) on_write(writes.back());
  }
  std::vector<Access> writes;
  std::atomic<uint64_t> count{0};
  std::function<void(const Access&)> on_write;
};

/// A machine with one processor, 4 MiB of memory, a device in memory and one on ports 0x500 to 0x50f, of which a write
/// to the last ends `run`. Tests skip themselves where there is no KVM.
class KvmGuest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = System::open();
    if (!opened) GTEST_SKIP() << opened.error().message;
    system_ = *opened;
    const RegionConfig ram{{0}, kMemory, HugePages::off, {}};
    memory_ = std::move(GuestMemory::create({&ram, 1})).value();
    ASSERT_TRUE(bus_.add(kDevice, device_, "device"));
    ASSERT_TRUE(ports_.add(kPorts, port_, "port"));
    port_.on_write = [this](const Access& access) {
      if (access.offset == 0xf) vcpu_->request_exit();
    };
    make();
  }

  template <typename T>
  static T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }

  void make() {
    vm_ = must(Vm::create(system_, *memory_));
    irqchip_ = must(x86::Irqchip::create(*vm_, {kInterrupt}));
    const auto cpuid = x86::guest_cpuid(must(x86::supported_cpuid(*system_)), 0, 1, x86::CpuModel::host);
    vcpu_ = must(x86::X86Vcpu::create(*vm_, 0, {bus_, ports_}, cpuid));
  }

  void load(std::initializer_list<int> code) {
    std::vector<std::byte> bytes;
    for (const int byte : code) bytes.push_back(static_cast<std::byte>(byte));
    ASSERT_TRUE(memory_->write(kCode, bytes));
  }

  void start_real() {
    ASSERT_TRUE(vcpu_->start({.mode = x86::StartState::Mode::real, .entry = kCode.value, .stack = kStack.value}));
  }

  /// Ends the run after so long, if the guest does not.
  Result<Exit> run_for(std::chrono::milliseconds longest) {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::thread other([&] {
      std::unique_lock lock(mutex);
      if (!changed.wait_for(lock, longest, [&] { return ended; })) vcpu_->request_exit();
    });
    auto exit = vcpu_->run();
    {
      const std::lock_guard lock(mutex);
      ended = true;
    }
    changed.notify_all();
    other.join();
    return exit;
  }

  /// The first 4 GiB are mapped as they are, with pages of 2 MiB.
  void start_long() {
    constexpr uint64_t kPresentWritable = 3;
    constexpr uint64_t kLarge = 0x80;
    const uint64_t pdpt = kPageTable.value + 0x1000;
    ASSERT_TRUE(memory_->store(kPageTable, pdpt | kPresentWritable));
    for (uint64_t gib = 0; gib < 4; ++gib) {
      const uint64_t directory = pdpt + 0x1000 * (gib + 1);
      ASSERT_TRUE(memory_->store({pdpt + 8 * gib}, directory | kPresentWritable));
      for (uint64_t i = 0; i < 512; ++i)
        ASSERT_TRUE(memory_->store({directory + 8 * i}, (gib << 30) | (i << 21) | kPresentWritable | kLarge));
    }
    ASSERT_TRUE(vcpu_->start({.mode = x86::StartState::Mode::long64,
                              .entry = kCode.value,
                              .stack = kStack.value,
                              .page_table = kPageTable.value}));
  }

  std::shared_ptr<const System> system_;
  std::unique_ptr<GuestMemory> memory_;
  Bus bus_{Bus::Unclaimed::ones};
  Bus ports_{Bus::Unclaimed::ones};
  Recorder device_;
  Recorder port_;
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<x86::Irqchip> irqchip_;
  std::unique_ptr<x86::X86Vcpu> vcpu_;
};

}  // namespace hv::kvm::test
