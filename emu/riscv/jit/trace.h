#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "emu/jit/observer.h"
#include "hv/base/result.h"

namespace emu::riscv::jit {

/// A translation for people: guest instructions, IR, host code.
std::string describe(const emu::ir::Block& ir, const emu::jit::Block& block);

/// Writes each translation down.
class Trace final : public emu::jit::Observer {
 public:
  /// To a file, or for "-" to standard error.
  static hv::Result<std::unique_ptr<Trace>> create(const std::string& path);

  void translated(const emu::ir::Block& ir, const emu::jit::Block& block) noexcept override;

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept {
      if (file != stderr) std::fclose(file);
    }
  };
  explicit Trace(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace emu::riscv::jit
