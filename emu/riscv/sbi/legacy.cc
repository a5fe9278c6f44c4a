#include <optional>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

// §5: the extension's number is the function.
enum class Function : uint64_t {
  set_timer = 0,
  console_putchar = 1,
  console_getchar = 2,
  clear_ipi = 3,
  send_ipi = 4,
  remote_fence_i = 5,
  remote_sfence_vma = 6,
  remote_sfence_vma_asid = 7,
  shutdown = 8,
};

constexpr unsigned kEcallLength = 4;

/// The mask of harts at a virtual address of the caller's; address 0 stands for all. Nothing after raising: the fault
/// is that of the ecall.
std::optional<uint64_t> read_mask(Hart& hart, uint64_t address) noexcept {
  const uint64_t everyone = (uint64_t{1} << hart.group().size()) - 1;
  if (address == 0) return everyone;
  HartState& state = hart.state();
  const uint64_t next = state.pc;
  state.pc = next - kEcallLength;
  const uint64_t mask = load_slow(state, address, sizeof(uint64_t));
  if (state.trapped) return std::nullopt;
  state.pc = next;
  return mask & everyone;
}

/// A call of today's extensions that has a mask for its first argument: base 0, and the rest behind it.
Reply masked(Hart& hart, const Call& call, Reply (*extension)(Hart&, const Call&) noexcept,
             uint64_t function) noexcept {
  const auto mask = read_mask(hart, call.argument[0]);
  if (!mask) return {.keeps_registers = true};
  return extension(
      hart, {.function = function, .argument = {*mask, 0, call.argument[1], call.argument[2], call.argument[3]}});
}

uint64_t put(Hart& hart, uint64_t character) noexcept {
  Console* const console = hart.environment().console;
  const std::byte byte{static_cast<uint8_t>(character)};
  const bool taken = console != nullptr && console->write({&byte, 1}) == 1;
  return taken ? 0 : static_cast<uint64_t>(Error::failed);
}

uint64_t get(Hart& hart) noexcept {
  Console* const console = hart.environment().console;
  std::byte byte{};
  const bool taken = console != nullptr && console->read({&byte, 1}) == 1;
  return taken ? std::to_integer<uint64_t>(byte) : static_cast<uint64_t>(Error::failed);
}

uint64_t clear_ipi(Hart& hart) noexcept {
  const bool was_pending = (hart.state().mip.load() & csr::interrupt::kSsip) != 0;
  hart.lower_interrupt(csr::interrupt::kSupervisorSoftware);
  return was_pending ? 1 : 0;
}

Reply answer(Hart& hart, const Call& call) noexcept {
  switch (static_cast<Function>(call.extension)) {
    case Function::set_timer:
      return timer(hart, {.function = 0, .argument = {call.argument[0]}});
    case Function::console_putchar:
      return {.error = static_cast<Error>(put(hart, call.argument[0]))};
    case Function::console_getchar:
      return {.error = static_cast<Error>(get(hart))};
    case Function::clear_ipi:
      return {.error = static_cast<Error>(clear_ipi(hart))};
    case Function::send_ipi:
      return masked(hart, call, ipi, 0);
    case Function::remote_fence_i:
      return masked(hart, call, remote_fence, 0);
    case Function::remote_sfence_vma:
      return masked(hart, call, remote_fence, 1);
    case Function::remote_sfence_vma_asid:
      return masked(hart, call, remote_fence, 2);
    case Function::shutdown:
      return system_reset(hart, {.function = 0, .argument = {0, 0}});
  }
  return {.error = Error::not_supported};
}

}  // namespace

// §5: a0 becomes the answer; a1 stays as it is.
Reply legacy(Hart& hart, const Call& call) noexcept {
  Reply reply = answer(hart, call);
  reply.value = call.argument[1];
  return reply;
}

}  // namespace emu::riscv::sbi
