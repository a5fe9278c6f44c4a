#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

enum class Function : uint64_t {
  get_spec_version = 0,
  get_impl_id = 1,
  get_impl_version = 2,
  probe_extension = 3,
  get_mvendorid = 4,
  get_marchid = 5,
  get_mimpid = 6,
};

constexpr uint64_t kSpecificationVersion = 2u << 24;  // 2.0
constexpr uint64_t kImplementation = 0x56697265;      // "Vire": none of the numbers that §4.9 lists
constexpr uint64_t kImplementationVersion = 1;

}  // namespace

// §4
Reply base(Hart&, const Call& call) noexcept {
  switch (static_cast<Function>(call.function)) {
    case Function::get_spec_version:
      return {.value = kSpecificationVersion};
    case Function::get_impl_id:
      return {.value = kImplementation};
    case Function::get_impl_version:
      return {.value = kImplementationVersion};
    case Function::probe_extension:
      return {.value = has_extension(call.argument[0]) ? uint64_t{1} : 0};
    case Function::get_mvendorid:
    case Function::get_marchid:
    case Function::get_mimpid:
      return {.value = 0};
  }
  return {.error = Error::not_supported};
}

}  // namespace emu::riscv::sbi
