#include <array>
#include <chrono>
#include <thread>

#include "emu/riscv/csr/bits.h"
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

/// The addresses that a call names by start and size (§8, both functions): 0 and 0, or a size of all ones, for all.
mmu::VirtualRange range_of(uint64_t start, uint64_t size) noexcept {
  const bool all = (start == 0 && size == 0) || size > ~uint64_t{0} - start;
  return all ? TranslationFence::kAllAddresses : mmu::VirtualRange{start, size == 0 ? start : start + (size - 1)};
}

}  // namespace

// §8
Reply remote_fence(Hart& hart, const Call& call) noexcept {
  const auto function = static_cast<Function>(call.function);
  if (function > Function::sfence_vma_asid) return {.error = Error::not_supported};
  TranslationFence fence{.range = range_of(call.argument[2], call.argument[3])};
  if (function == Function::sfence_vma_asid) fence.asid = csr::satp::asid(call.argument[4] << csr::satp::kAsidShift);

  HartGroup& group = hart.group();
  const HartMask targets(call.argument[0], call.argument[1], group.size());
  if (!targets.is_valid()) return {.error = Error::invalid_parameter};
  std::array<uint64_t, HartGroup::kMaxHarts> tickets{};
  for (size_t id = 0; id < group.size(); ++id) {
    if (!targets.contains(id)) continue;
    Hart& target = group.hart(id);
    tickets[id] = function == Function::fence_i ? target.request_instruction_fence() : target.request_fence(fence);
  }
  hart.serve_fences();
  for (size_t id = 0; id < group.size(); ++id) {
    if (targets.contains(id) && id != hart.id()) wait_for(hart, group.hart(id), tickets[id]);
  }
  return {};
}

}  // namespace emu::riscv::sbi
