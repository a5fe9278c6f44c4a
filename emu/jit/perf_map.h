#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "emu/jit/observer.h"
#include "hv/base/result.h"

namespace emu::jit {

struct Block;

/// What a translation is called in profiles: its guest address and mode, "guest:0x80000000/0".
std::string symbol_of(const Block& block);

/// Tells perf the names of translations: /tmp/perf-PID.map, which perf reads when it reports (tools/perf/Documentation/
/// jit-interface.txt of Linux).
class PerfMap final : public Observer {
 public:
  /// In `folder`, where perf looks into /tmp alone.
  static hv::Result<std::unique_ptr<PerfMap>> create(const std::string& folder = "/tmp");

  void translated(const ir::Block& ir, const Block& block) noexcept override;

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  explicit PerfMap(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace emu::jit
