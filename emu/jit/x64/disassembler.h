#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace emu::jit::x64 {

/// Host code for people, one line per instruction, by Zydis; where Vireo was built without it, one line per 16 bytes.
std::string disassemble(std::span<const std::byte> code);

}  // namespace emu::jit::x64
