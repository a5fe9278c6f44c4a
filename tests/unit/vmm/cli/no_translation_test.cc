#include <array>
#include <cstddef>
#include <string_view>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "emu/jit/backend.h"
#include "tests/unit/vmm/boot/test_files.h"
#include "tests/unit/vmm/machine/bare_programs.h"
#include "vmm/cli/cli.h"

namespace vmm {
namespace {

/// From now on this process gets no executable memory that it shares, as some sandboxes have it. Its libraries are
/// private mappings. Leaves a status that no test expects where filters are not to be had.
void refuse_shared_code() {
  constexpr uint32_t kProtection = offsetof(seccomp_data, args[2]);
  constexpr uint32_t kFlags = offsetof(seccomp_data, args[3]);
  std::array<sock_filter, 8> filter = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kProtection),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFlags),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {.len = filter.size(), .filter = filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    std::exit(99);
}

/// Where the host maps no memory for translated code.
class WithoutTranslation : public ::testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // whether there is such memory is tried once in a process
    if (!std::string_view(emu::jit::backend::processor_obstacle()).empty())
      GTEST_SKIP() << "the JIT is for other processors anyway";
    program_ = folder_.write("program.elf", testing::riscv_program(testing::program::kExitWith5));
  }

  [[noreturn]] void run_with(const char* accel) const {
    refuse_shared_code();
    const std::array words = {"vireo",          "run",      "--arch", "riscv64", "--bare",
                              program_.c_str(), "--memory", "16MiB",  "--accel", accel};
    std::exit(run_cli(words.size(), words.data()));
  }

  testing::TemporaryFolder folder_;
  std::string program_;
};

TEST_F(WithoutTranslation, AutoInterpretsAndSaysWhy) {
  EXPECT_EXIT(run_with("auto"), ::testing::ExitedWithCode(5),
              "guests are interpreted, several times slower: the JIT cannot be used: cannot map [0-9]+ bytes of memory "
              "for translated code: Operation not permitted");
}

TEST_F(WithoutTranslation, AskedForItIsAnErrorOfOneLine) {
  EXPECT_EXIT(run_with("jit"), ::testing::ExitedWithCode(125),
              "^[^\n]*the JIT cannot be used: cannot map [0-9]+ bytes of memory for translated code: Operation not "
              "permitted\n$");
}

}  // namespace
}  // namespace vmm
