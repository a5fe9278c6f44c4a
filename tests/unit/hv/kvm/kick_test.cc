#include <chrono>
#include <csignal>

#include "tests/unit/hv/kvm/kvm_guest.h"

namespace hv::kvm::test {
namespace {

using namespace std::chrono_literals;

TEST_F(KvmGuest, ARequestBeforeRunEndsTheNextRun) {
  load({0xeb, 0xfe});  // jmp self
  start_real();
  vcpu_->request_exit();
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->reason, Exit::Reason::requested);
}

TEST_F(KvmGuest, ARequestEndsALoopAndAHalt) {
  for (const auto& program : {std::initializer_list<int>{0xeb, 0xfe}, std::initializer_list<int>{0xfa, 0xf4}}) {
    load(program);
    start_real();
    std::thread other([this] {
      std::this_thread::sleep_for(20ms);
      vcpu_->request_exit();
    });
    const auto exit = vcpu_->run();
    other.join();
    ASSERT_TRUE(exit) << exit.error().message;
    EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  }
}

/// Each request is answered, however it falls together with the vCPU's way in and out.
TEST_F(KvmGuest, NoRequestOfAStormIsLost) {
  load({0xba, 0x00, 0x05, 0xee, 0xeb, 0xfd});  // mov dx, 0x500; out dx, al; jmp back to out
  port_.on_write = [this](const Access&) { port_.writes.clear(); };
  start_real();
  constexpr int kRounds = 300;
  std::atomic<int> asked{0}, answered{0};
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (answered.load() != i) std::this_thread::yield();
      for (int spin = 0; spin < (i * 7) % 300; ++spin) asm volatile("pause");
      asked.fetch_add(1);
      vcpu_->request_exit();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    const auto exit = vcpu_->run();
    ASSERT_TRUE(exit) << exit.error().message;
    ASSERT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
    ASSERT_EQ(asked.load(), i + 1);
    answered.fetch_add(1);
  }
  other.join();
}

/// Also from a signal handler on the vCPU's own thread.
TEST_F(KvmGuest, ASignalHandlerMayRequest) {
  static x86::X86Vcpu* target = nullptr;
  target = vcpu_.get();
  struct sigaction action {};
  action.sa_handler = [](int) { target->request_exit(); };
  struct sigaction before {};
  ::sigaction(SIGUSR2, &action, &before);
  load({0xeb, 0xfe});
  start_real();
  const pthread_t self = ::pthread_self();
  std::thread other([&] {
    std::this_thread::sleep_for(10ms);
    ::pthread_kill(self, SIGUSR2);
  });
  const auto exit = vcpu_->run();
  other.join();
  ::sigaction(SIGUSR2, &before, nullptr);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->reason, Exit::Reason::requested);
}

}  // namespace
}  // namespace hv::kvm::test
