#pragma once

#include <chrono>
#include <condition_variable>
#include <initializer_list>
#include <mutex>

#include "tests/unit/hv/kvm/guest.h"

namespace hv::kvm::test {

inline constexpr GuestRange kPorts{{0x500}, 0x10};

/// Has a device on ports 0x500 to 0x50f, of which a write to the last ends `run`.
class X86Guest : public KvmGuest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ports_.add(kPorts, port_, "port"));
    port_.on_write = [this](const Access& access) {
      if (access.offset == 0xf) vcpu().request_exit();
    };
    KvmGuest::SetUp();
  }

  void store(GuestAddress address, std::initializer_list<int> code) {
    std::vector<std::byte> bytes;
    for (const int byte : code) bytes.push_back(static_cast<std::byte>(byte));
    ASSERT_TRUE(memory_->write(address, bytes));
  }
  void start_real(std::initializer_list<int> code) {
    store(kCode, code);
    must(machine_->start_real());
  }

  /// Ends the run after so long, if the guest does not.
  Result<Exit> run_for(KvmVcpu& vcpu, std::chrono::milliseconds longest) {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::thread other([&] {
      std::unique_lock lock(mutex);
      if (!changed.wait_for(lock, longest, [&] { return ended; })) vcpu.request_exit();
    });
    auto exit = vcpu.run();
    {
      const std::lock_guard lock(mutex);
      ended = true;
    }
    changed.notify_all();
    other.join();
    return exit;
  }

  Recorder port_;
};

}  // namespace hv::kvm::test
