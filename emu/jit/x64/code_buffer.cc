#include "emu/jit/x64/code_buffer.h"

#include "hv/base/check.h"

namespace emu::jit::x64 {

CodeBuffer::CodeBuffer() = default;

void CodeBuffer::begin(uint64_t address) {
  code_.reset();
  CHECK(code_.init(asmjit::Environment::host(), address) == asmjit::kErrorOk);
  CHECK(code_.attach(&assembler_) == asmjit::kErrorOk);
}

size_t CodeBuffer::finish(std::byte* to) {
  CHECK(code_.flatten() == asmjit::kErrorOk);
  CHECK(code_.resolveUnresolvedLinks() == asmjit::kErrorOk);
  CHECK(code_.relocateToBase(code_.baseAddress()) == asmjit::kErrorOk);
  const size_t size = code_.codeSize();
  CHECK(code_.copyFlattenedData(to, size) == asmjit::kErrorOk);
  return size;
}

}  // namespace emu::jit::x64
