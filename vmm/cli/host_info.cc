#include "vmm/cli/host_info.h"

#include <fstream>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include "devices/backend/disk/file_io.h"
#include "vmm/machine/engines.h"

namespace vmm {
namespace {

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream stream(path);
  std::string line;
  if (!std::getline(stream, line)) return std::nullopt;
  return line;
}

std::string io_uring() {
  const std::string obstacle = devices::io_uring_obstacle();
  return obstacle.empty() ? "yes" : "no: " + obstacle + "; disks use threads";
}

std::string transparent_huge_pages() {
  const auto line = first_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
  return line ? *line : "not known to the kernel";
}

std::string reserved_huge_pages() {
  const auto reserved = [](const char* kilobytes) {
    const std::string folder = fmt::format("/sys/kernel/mm/hugepages/hugepages-{}kB/", kilobytes);
    return first_line(folder + "free_hugepages").value_or("0");
  };
  return fmt::format("{} of 2MiB free, {} of 1GiB free", reserved("2048"), reserved("1048576"));
}

std::string processor() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

/// Features that make the emulator faster.
std::string features() {
#if defined(__x86_64__)
  std::vector<std::string_view> names;
  const auto note = [&](std::string_view name, bool present) {
    if (present) names.push_back(name);
  };
  note("bmi", __builtin_cpu_supports("bmi") != 0);
  note("bmi2", __builtin_cpu_supports("bmi2") != 0);
  note("popcnt", __builtin_cpu_supports("popcnt") != 0);
  note("pclmul", __builtin_cpu_supports("pclmul") != 0);
  note("fma", __builtin_cpu_supports("fma") != 0);
  note("avx2", __builtin_cpu_supports("avx2") != 0);
  note("avx512f", __builtin_cpu_supports("avx512f") != 0);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " "));
#else
  return "none";
#endif
}

/// What can be run here, and the engine that `accel: auto` takes for it.
std::string guests() {
  constexpr std::pair<Accel, std::string_view> kWords[] = {
      {Accel::kvm, "on KVM"}, {Accel::jit, "in the JIT"}, {Accel::interp, "in the interpreter"}};
  std::vector<std::string> names;
  for (const Arch arch : {Arch::riscv64, Arch::arm64, Arch::x86_64}) {
    MachineConfig config;
    config.arch = arch;
    if (!check_engine(config)) continue;
    for (const auto& [engine, words] : kWords) {
      if (engine == automatic_engine(config)) names.push_back(fmt::format("{} {}", arch_name(arch), words));
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string kernel() {
  utsname name{};
  ::uname(&name);
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

}  // namespace

std::vector<HostFact> host_facts() {
  return {
      {"kernel", "kernel", kernel()},
      {"processor", "processor", processor()},
      {"processors", "processors", std::to_string(std::thread::hardware_concurrency())},
      {"cpu_features", "CPU features", features()},
      {"kvm", "KVM", describe_kvm()},
      {"jit", "JIT", jit_obstacle().empty() ? "yes" : "no: " + jit_obstacle().substr(jit_obstacle().find(": ") + 2)},
      {"engines", "engines", engines()},
      {"guests", "guests", guests()},
      {"io_uring", "io_uring", io_uring()},
      {"transparent_huge_pages", "THP for memfd", transparent_huge_pages()},
      {"huge_pages", "huge pages", reserved_huge_pages()},
      {"numa_nodes", "NUMA nodes", first_line("/sys/devices/system/node/online").value_or("0")},
  };
}

}  // namespace vmm
