#pragma once

/// The host's back end by one name, `backend`: what turns the IR into host code. A host that has none of its own gets
/// one that says so and is never asked again.
#if defined(__x86_64__)
#include "emu/jit/x64/code_buffer.h"
#include "emu/jit/x64/disassembler.h"
#include "emu/jit/x64/emitter.h"
#include "emu/jit/x64/processor.h"
#include "emu/jit/x64/thunks.h"
namespace emu::jit {
namespace backend = x64;
}
#else
#include "emu/jit/none/backend.h"
namespace emu::jit {
namespace backend = none;
}
#endif
