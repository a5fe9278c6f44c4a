#pragma once

namespace emu::riscv::jit {

class Lockstep {};

}  // namespace emu::riscv::jit
