#include "vmm/machine/engines.h"

#include "emu/jit/engine.h"

namespace vmm {

std::string engines() { return emu::jit::Engine::is_supported() ? "interp, jit" : "interp"; }

}  // namespace vmm
