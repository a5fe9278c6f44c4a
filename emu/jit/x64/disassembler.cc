#include "emu/jit/x64/disassembler.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#ifdef VIREO_HAVE_ZYDIS
#include <Zydis/Zydis.h>
#endif

namespace emu::jit::x64 {
namespace {

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

constexpr size_t kLongest = 15;  ///< bytes of an instruction

}  // namespace

#ifdef VIREO_HAVE_ZYDIS

std::string disassemble(std::span<const std::byte> code) {
  std::string text;
  while (!code.empty()) {
    ZydisDisassembledInstruction instruction;
    const auto address = reinterpret_cast<uintptr_t>(code.data());
    const bool is_valid = ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, address, code.data(),
                                                             std::min(code.size(), kLongest), &instruction));
    const size_t length = is_valid ? instruction.info.length : 1;
    text += fmt::format("{:x}  {:<{}}  {}\n", address, hex(code.first(length)), 2 * kLongest,
                        is_valid ? instruction.text : "(bad)");
    code = code.subspan(length);
  }
  return text;
}

#else

std::string disassemble(std::span<const std::byte> code) {
  std::string text = "(built without libzydis-dev: no disassembly)\n";
  constexpr size_t kLine = kLongest + 1;
  while (!code.empty()) {
    const size_t length = std::min(code.size(), kLine);
    text += fmt::format("{:x}  {}\n", reinterpret_cast<uintptr_t>(code.data()), hex(code.first(length)));
    code = code.subspan(length);
  }
  return text;
}

#endif

}  // namespace emu::jit::x64
