#include <chrono>
#include <random>

#include "tests/unit/hv/kvm/guest.h"
#include "tests/unit/hv/kvm/programs.h"

namespace hv::kvm::test {
namespace {

using namespace std::chrono_literals;

/// Whatever a run ends with, it ends, and the next machine works.
TEST_F(KvmGuest, RandomProgramsEndNoMoreThanTheirMachine) {
  std::mt19937_64 random(2026);
  const auto end = std::chrono::steady_clock::now() + 2s;
  constexpr int kLeast = 4;
  for (int runs = 0; runs < kLeast || std::chrono::steady_clock::now() < end; ++runs) {
    device_.writes.clear();
    load(hostile_code(random));
    must(machine_->start_somehow(random));
    std::thread other([this] {
      std::this_thread::sleep_for(3ms);
      vcpu().request_exit();
    });
    const auto exit = vcpu().run();
    other.join();
    EXPECT_TRUE(exit) << exit.error().message;
    make();
  }
  device_.writes.clear();
  start(write_pages());
  run_to_end();
}

}  // namespace
}  // namespace hv::kvm::test
