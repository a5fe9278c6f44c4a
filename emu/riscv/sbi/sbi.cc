#include "emu/riscv/sbi/sbi.h"

#include <algorithm>
#include <iterator>

#include "emu/riscv/hart.h"

namespace emu::riscv::sbi {
namespace {

struct Extension {
  uint64_t first;
  uint64_t last;
  Reply (*handle)(Hart& hart, const Call& call) noexcept;
};

constexpr Extension kExtensions[] = {
    {0, 8, legacy},
    {0x10, 0x10, base},
    {0x54494d45, 0x54494d45, timer},          // "TIME"
    {0x735049, 0x735049, ipi},                // "sPI"
    {0x52464e43, 0x52464e43, remote_fence},   // "RFNC"
    {0x48534d, 0x48534d, hart_state},         // "HSM"
    {0x53525354, 0x53525354, system_reset},   // "SRST"
    {0x504d55, 0x504d55, performance},        // "PMU"
    {0x4442434e, 0x4442434e, debug_console},  // "DBCN"
};

const Extension* find(uint64_t id) noexcept {
  const auto* const found = std::find_if(std::begin(kExtensions), std::end(kExtensions),
                                         [id](const Extension& e) { return id >= e.first && id <= e.last; });
  return found == std::end(kExtensions) ? nullptr : found;
}

}  // namespace

bool has_extension(uint64_t id) noexcept { return find(id) != nullptr; }

void call(Hart& hart) noexcept {
  auto& x = hart.state().x;
  Call call{.extension = x[17], .function = x[16]};
  std::copy_n(&x[10], std::size(call.argument), call.argument);
  const Extension* const extension = find(call.extension);
  const Reply reply = extension != nullptr ? extension->handle(hart, call) : Reply{.error = Error::not_supported};
  if (reply.keeps_registers) return;
  x[10] = static_cast<uint64_t>(reply.error);
  x[11] = reply.value;
}

}  // namespace emu::riscv::sbi
