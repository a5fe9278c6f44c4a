#pragma once

#include "emu/isa/insn.h"

/// Threaded dispatch: a handler ends by jumping to the handler of the instruction that follows, so that the host
/// predicts each guest instruction's successor by itself. Where the compiler gives no tail call (no optimization,
/// sanitizers) the handler returns the next instruction to run_threaded instead.
#if defined(__clang__) && !defined(VIREO_SANITIZED)
#define VIREO_DISPATCH(state, next) [[clang::musttail]] return (next)->handler(state, next)
#elif defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(VIREO_SANITIZED)
#define VIREO_DISPATCH(state, next) return (next)->handler(state, next)
#else
#define VIREO_DISPATCH(state, next) return next
#endif

namespace emu::interp {

/// Runs from `insn` until a handler returns nullptr.
inline void run_threaded(void* state, const Insn* insn) noexcept {
  while (insn != nullptr) insn = insn->handler(state, insn);
}

}  // namespace emu::interp
