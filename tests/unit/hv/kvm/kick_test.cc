#include <chrono>
#include <csignal>

#include "tests/unit/hv/kvm/guest.h"
#include "tests/unit/hv/kvm/programs.h"

namespace hv::kvm::test {
namespace {

using namespace std::chrono_literals;

TEST_F(KvmGuest, ARequestBeforeRunEndsTheNextRun) {
  start(spin());
  vcpu().request_exit();
  run_to_end();
}

TEST_F(KvmGuest, ARequestEndsALoopAndAWait) {
  for (const auto& program : {spin(), wait()}) {
    make();
    start(program);
    std::thread other([this] {
      std::this_thread::sleep_for(20ms);
      vcpu().request_exit();
    });
    run_to_end();
    other.join();
  }
}

/// Each request is answered, however it falls together with the vCPU's way in and out.
TEST_F(KvmGuest, NoRequestOfAStormIsLost) {
  device_.on_write = [this](const Access&) { device_.writes.clear(); };
  start(ring());
  constexpr int kRounds = 300;
  std::atomic<int> asked{0}, answered{0};
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (answered.load() != i) std::this_thread::yield();
      for (int spin = 0; spin < (i * 7) % 300; ++spin) asm volatile("");
      asked.fetch_add(1);
      vcpu().request_exit();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    run_to_end();
    EXPECT_EQ(asked.load(), i + 1);
    answered.fetch_add(1);
  }
  other.join();
}

/// Also from a signal handler on the vCPU's own thread.
TEST_F(KvmGuest, ASignalHandlerMayRequest) {
  static Vcpu* target = nullptr;
  target = &vcpu();
  struct sigaction action {};
  action.sa_handler = [](int) { target->request_exit(); };
  struct sigaction before {};
  ::sigaction(SIGUSR2, &action, &before);
  start(spin());
  const pthread_t self = ::pthread_self();
  std::thread other([&] {
    std::this_thread::sleep_for(10ms);
    ::pthread_kill(self, SIGUSR2);
  });
  run_to_end();
  other.join();
  ::sigaction(SIGUSR2, &before, nullptr);
}

}  // namespace
}  // namespace hv::kvm::test
