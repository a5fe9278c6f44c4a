#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "emu/jit/observer.h"
#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace emu::jit {

/// Keeps the code of every translation with the time when it was made, for `perf inject --jit`: jit-PID.dump
/// (tools/perf/Documentation/jitdump-specification.txt of Linux, version 1).
class JitDump final : public Observer {
 public:
  static hv::Result<std::unique_ptr<JitDump>> create(const std::string& folder);
  ~JitDump() override;

  void translated(const ir::Block& ir, const Block& block) noexcept override;

 private:
  JitDump() = default;
  void write(const std::string& bytes) noexcept;

  hv::UniqueFd fd_;
  void* marker_ = nullptr;
  size_t marker_size_ = 0;
  uint64_t next_index_ = 0;
};

}  // namespace emu::jit
