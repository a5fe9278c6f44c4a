#include "emu/riscv/jit/registers.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace emu::riscv::jit {

RegisterImage RegisterImage::of(HartState& state) noexcept {
  RegisterImage image;
  std::copy_n(state.x.begin(), image.x.size(), image.x.begin());
  image.f = state.f;
  image.pc = state.pc;
  image.retired = state.retired;
  image.reservation_host = state.reservation_host;
  image.reservation_value = state.reservation_value;
  image.frm = state.fp.frm;
  image.flags = fp::read_flags(state.fp);
  image.privilege = state.privilege;
  image.fp_enabled = state.fp_enabled;
  image.fp_dirty = state.fp_dirty;
  image.csr = state.csr;
  return image;
}

void RegisterImage::put_into(HartState& state) const noexcept {
  std::copy(x.begin(), x.end(), state.x.begin());
  state.f = f;
  state.pc = pc;
  state.retired = retired;
  state.reservation_host = reservation_host;
  state.reservation_value = reservation_value;
  fp::write_frm(state.fp, frm);
  fp::write_flags(state.fp, flags);
  state.privilege = privilege;
  state.fp_enabled = fp_enabled;
  state.fp_dirty = fp_dirty;
  state.csr = csr;
}

void copy_registers(HartState& from, HartState& to) noexcept {
  std::copy_n(from.x.begin(), HartState::kSink, to.x.begin());
  to.f = from.f;
  to.pc = from.pc;
  to.retired = from.retired;
  to.reservation_host = from.reservation_host;
  to.reservation_value = from.reservation_value;
  to.fp.flags = fp::read_flags(from.fp);
  to.fp.frm = from.fp.frm;
  to.privilege = from.privilege;
  to.fp_enabled = from.fp_enabled;
  to.fp_dirty = from.fp_dirty;
  to.csr = from.csr;
}

bool same_registers(const HartState& a, const HartState& b) noexcept {
  return std::equal(a.x.begin(), a.x.begin() + HartState::kSink, b.x.begin()) && a.f == b.f && a.pc == b.pc &&
         a.retired == b.retired && a.reservation_host == b.reservation_host &&
         a.reservation_value == b.reservation_value && a.fp.flags == b.fp.flags && a.fp.frm == b.fp.frm &&
         a.privilege == b.privilege && a.fp_enabled == b.fp_enabled && a.fp_dirty == b.fp_dirty && a.csr == b.csr;
}

std::string differences(const RegisterImage& interpreted, const RegisterImage& translated) {
  if (interpreted == translated) return {};
  std::string text;
  const auto compare = [&text](const std::string& name, uint64_t a, uint64_t b) {
    if (a != b) text += fmt::format("  {:<18} interpreter {:#018x}, translated {:#018x}\n", name, a, b);
  };
  for (unsigned i = 1; i < interpreted.x.size(); ++i) compare(fmt::format("x{}", i), interpreted.x[i], translated.x[i]);
  for (unsigned i = 0; i < interpreted.f.size(); ++i) compare(fmt::format("f{}", i), interpreted.f[i], translated.f[i]);
  compare("pc", interpreted.pc, translated.pc);
  compare("retired", interpreted.retired, translated.retired);
  compare("reservation", interpreted.reservation_host, translated.reservation_host);
  compare("reserved value", interpreted.reservation_value, translated.reservation_value);
  compare("frm", interpreted.frm, translated.frm);
  compare("fflags", interpreted.flags, translated.flags);
  compare("privilege", static_cast<uint64_t>(interpreted.privilege), static_cast<uint64_t>(translated.privilege));
  compare("fp enabled", interpreted.fp_enabled, translated.fp_enabled);
  compare("fp dirty", interpreted.fp_dirty, translated.fp_dirty);
  static_assert(std::is_trivially_copyable_v<CsrState> && sizeof(CsrState) % sizeof(uint64_t) == 0);
  std::array<uint64_t, sizeof(CsrState) / sizeof(uint64_t)> a;
  std::array<uint64_t, a.size()> b;
  std::memcpy(a.data(), &interpreted.csr, sizeof a);
  std::memcpy(b.data(), &translated.csr, sizeof b);
  for (size_t i = 0; i < a.size(); ++i) compare(fmt::format("CsrState + {}", 8 * i), a[i], b[i]);
  return text;
}

}  // namespace emu::riscv::jit
