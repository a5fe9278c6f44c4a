#include <algorithm>
#include <array>

#include "emu/riscv/hart.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

enum class Function : uint64_t { write = 0, read = 1, write_byte = 2 };

/// A call transfers at most this much; the caller asks again for the rest (§12.1).
constexpr uint64_t kMostBytes = 4096;

/// The guest names a buffer by its size and the two halves of its physical address, of which the upper one must be 0.
bool is_addressable(const Call& call) noexcept { return call.argument[2] == 0; }
size_t size_of(const Call& call) noexcept { return static_cast<size_t>(std::min(call.argument[0], kMostBytes)); }

Reply write(const HartEnvironment& environment, const Call& call) noexcept {
  if (!is_addressable(call)) return {.error = Error::invalid_parameter};
  std::array<std::byte, kMostBytes> buffer;
  const auto bytes = std::span(buffer).first(size_of(call));
  if (!environment.memory.read({call.argument[1]}, bytes)) return {.error = Error::invalid_parameter};
  return {.value = environment.console->write(bytes)};
}

Reply read(const HartEnvironment& environment, const Call& call) noexcept {
  if (!is_addressable(call)) return {.error = Error::invalid_parameter};
  std::array<std::byte, kMostBytes> buffer;
  const auto bytes = std::span(buffer).first(size_of(call));
  // The buffer is checked first: input that was taken must not be lost.
  if (!environment.memory.read({call.argument[1]}, bytes)) return {.error = Error::invalid_parameter};
  const size_t count = environment.console->read(bytes);
  if (!environment.memory.write({call.argument[1]}, bytes.first(count))) return {.error = Error::failed};
  return {.value = count};
}

}  // namespace

// §12
Reply debug_console(Hart& hart, const Call& call) noexcept {
  const HartEnvironment& environment = hart.environment();
  if (environment.console == nullptr) return {.error = Error::not_supported};
  switch (static_cast<Function>(call.function)) {
    case Function::write:
      return write(environment, call);
    case Function::read:
      return read(environment, call);
    case Function::write_byte: {
      const std::byte byte{static_cast<uint8_t>(call.argument[0])};
      return {.error = environment.console->write({&byte, 1}) == 1 ? Error::success : Error::failed};
    }
  }
  return {.error = Error::not_supported};
}

}  // namespace emu::riscv::sbi
