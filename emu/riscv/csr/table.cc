#include "emu/riscv/csr/table.h"

#include <array>
#include <iterator>

#include "emu/riscv/csr/bits.h"
#include "hv/base/bits.h"

namespace emu::riscv::csr {
namespace {

/// A row, or a run of equal ones.
struct Row {
  unsigned first;
  unsigned last;
  Register shape;
};

constexpr Row kRows[] = {
#define CSR(number, name, guard, read, write) {number, number, {number, #name, guard, read, write}},
#define CSR_FIELD(number, name, writable)                                                      \
  {number,                                                                                     \
   number,                                                                                     \
   {number, #name, always, [](HartState& state, unsigned) noexcept { return state.csr.name; }, \
    [](HartState& state, unsigned, uint64_t value) noexcept {                                  \
      state.csr.name = hv::with_bits(state.csr.name, writable, value);                         \
    }}},
#define CSR_CONSTANT(number, name, value) \
  {number, number, {number, #name, always, [](HartState&, unsigned) noexcept { return uint64_t{value}; }, no_write}},
#define CSR_RANGE(first, last, name, guard, value) \
  {first, last, {first, #name, guard, [](HartState&, unsigned) noexcept { return uint64_t{value}; }, no_write}},
#include "emu/riscv/csr/csr.def"
};

constexpr size_t kNumbers = 4096;
constexpr uint8_t kNone = 0xff;
static_assert(std::size(kRows) < kNone);

constexpr std::array<uint8_t, kNumbers> kIndex = [] {
  std::array<uint8_t, kNumbers> index{};
  index.fill(kNone);
  for (size_t row = 0; row < std::size(kRows); ++row) {
    for (unsigned number = kRows[row].first; number <= kRows[row].last; ++number)
      index[number] = static_cast<uint8_t>(row);
  }
  return index;
}();

}  // namespace

const Register* find(unsigned number) noexcept {
  const uint8_t row = kIndex[number % kNumbers];
  return row == kNone ? nullptr : &kRows[row].shape;
}

}  // namespace emu::riscv::csr
