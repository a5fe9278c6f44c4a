#pragma once

namespace emu::ir {
struct Block;
}

namespace emu::jit {

struct Block;

/// Is told of each translation, one after the other, on the thread that translated.
class Observer {
 public:
  virtual ~Observer() = default;
  /// `block` can be entered from now on.
  virtual void translated(const ir::Block& ir, const Block& block) noexcept = 0;
};

}  // namespace emu::jit
