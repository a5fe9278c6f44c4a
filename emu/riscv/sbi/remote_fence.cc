#include <array>
#include <chrono>
#include <thread>

#include "emu/riscv/hart.h"
#include "emu/riscv/sbi/hart_mask.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

// Functions 3 to 6 are for hypervisors.
enum class Function : uint64_t { fence_i = 0, sfence_vma = 1, sfence_vma_asid = 2 };

/// Waits for the fence on `target`. Two harts may wait for each other, so this one serves its own meanwhile. It sleeps:
/// the target may need this very processor to get there.
void wait_for(Hart& hart, const Hart& target, uint64_t ticket) noexcept {
  for (unsigned tries = 0; !target.fence_done(ticket); ++tries) {
    hart.serve_fences();
    constexpr unsigned kSpins = 64;
    if (tries > kSpins) std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
}

}  // namespace

// §8. Whatever range and ASID the call names, all of the target's translations go.
Reply remote_fence(Hart& hart, const Call& call) noexcept {
  uint32_t bits = 0;
  switch (static_cast<Function>(call.function)) {
    case Function::fence_i:
      bits = fence_request::kInstructions;
      break;
    case Function::sfence_vma:
    case Function::sfence_vma_asid:
      bits = fence_request::kTranslations;
      break;
    default:
      return {.error = Error::not_supported};
  }
  HartGroup& group = hart.group();
  const HartMask targets(call.argument[0], call.argument[1], group.size());
  if (!targets.is_valid()) return {.error = Error::invalid_parameter};
  std::array<uint64_t, HartGroup::kMaxHarts> tickets{};
  for (size_t id = 0; id < group.size(); ++id) {
    if (targets.contains(id)) tickets[id] = group.hart(id).request_fence(bits);
  }
  hart.serve_fences();
  for (size_t id = 0; id < group.size(); ++id) {
    if (targets.contains(id) && id != hart.id()) wait_for(hart, group.hart(id), tickets[id]);
  }
  return {};
}

}  // namespace emu::riscv::sbi
