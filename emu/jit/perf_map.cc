#include "emu/jit/perf_map.h"

#include <cstdint>
#include <unistd.h>

#include <fmt/format.h>

#include "emu/jit/block.h"

namespace emu::jit {

std::string symbol_of(const Block& block) { return fmt::format("guest:{:#x}/{}", block.pc, block.mode); }

hv::Result<std::unique_ptr<PerfMap>> PerfMap::create(const std::string& folder) {
  const std::string path = fmt::format("{}/perf-{}.map", folder, ::getpid());
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return hv::os_error("cannot write to {}", path);
  return std::unique_ptr<PerfMap>(new PerfMap(file));
}

// A name stands for whatever is at its address last: perf cannot tell what was evicted.
void PerfMap::translated(const ir::Block&, const Block& block) noexcept {
  const std::string line =
      fmt::format("{:x} {:x} {}\n", reinterpret_cast<uintptr_t>(block.entry), block.host_bytes, symbol_of(block));
  std::fputs(line.c_str(), file_.get());
  std::fflush(file_.get());
}

}  // namespace emu::jit
