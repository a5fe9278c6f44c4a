#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

enum class Function : uint64_t {
  num_counters = 0,
  counter_get_info = 1,
  counter_config_matching = 2,
  counter_start = 3,
  counter_stop = 4
};

// §11.6: counters 0 to 2 are cycle, time and instret in the order of their CSRs; they count always and cannot be
// configured.
constexpr uint64_t kCounters = 3;
constexpr uint64_t kFirstCsr = 0xc00;
constexpr uint64_t kWidthShift = 12;
constexpr uint64_t kWidth = 63;  // bits, less one

}  // namespace

Reply performance(Hart&, const Call& call) noexcept {
  switch (static_cast<Function>(call.function)) {
    case Function::num_counters:
      return {.value = kCounters};
    case Function::counter_get_info:
      if (call.argument[0] >= kCounters) return {.error = Error::invalid_parameter};
      return {.value = (kFirstCsr + call.argument[0]) | kWidth << kWidthShift};
    case Function::counter_config_matching:
    case Function::counter_start:
    case Function::counter_stop:
      return {.error = Error::not_supported};
  }
  return {.error = Error::not_supported};
}

}  // namespace emu::riscv::sbi
