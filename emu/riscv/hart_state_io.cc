#include <array>

#include <fmt/format.h>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"

/// What a hart shows of its state, and how it is saved: section "hart", version 1.
namespace emu::riscv {
namespace {

constexpr std::array kIntegerNames = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                      "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                      "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

/// Calls `visit` with every field of the CSRs, in the order in which they are saved.
template <typename Csr, typename Visit>
void visit_csrs(Csr& csr, Visit&& visit) {
  for (auto* field : {&csr.mstatus, &csr.medeleg,       &csr.mideleg,    &csr.mie,     &csr.mtvec,    &csr.mcounteren,
                      &csr.menvcfg, &csr.mcountinhibit, &csr.mscratch,   &csr.mepc,    &csr.mcause,   &csr.mtval,
                      &csr.mseccfg, &csr.stvec,         &csr.scounteren, &csr.senvcfg, &csr.sscratch, &csr.sepc,
                      &csr.scause,  &csr.stval,         &csr.stimecmp,   &csr.satp}) {
    visit(*field);
  }
  for (auto& value : csr.mstateen) visit(value);
  for (auto& value : csr.sstateen) visit(value);
  for (auto& value : csr.pmpcfg) visit(value);
  for (auto& value : csr.pmpaddr) visit(value);
  visit(csr.cycle_offset);
  visit(csr.instret_offset);
}

bool is_privilege(uint8_t value) noexcept { return value == 0 || value == 1 || value == 3; }
bool is_status(uint64_t value) noexcept { return value == 0 || value == 1; }

}  // namespace

hv::Registers Hart::registers() const {
  hv::Registers registers{.pc = state_->pc, .values = {}};
  for (size_t i = 0; i < kIntegerNames.size(); ++i) registers.values.emplace_back(kIntegerNames[i], state_->x[i]);
  for (size_t i = 0; i < state_->f.size(); ++i) registers.values.emplace_back(fmt::format("f{}", i), state_->f[i]);
  const CsrState& csr = state_->csr;
  const std::pair<const char*, uint64_t> csrs[] = {
      {"privilege", static_cast<uint64_t>(state_->privilege)},
      {"mstatus", csr.mstatus},
      {"mcause", csr.mcause},
      {"mepc", csr.mepc},
      {"mtval", csr.mtval},
      {"mtvec", csr.mtvec},
      {"scause", csr.scause},
      {"sepc", csr.sepc},
      {"stval", csr.stval},
      {"stvec", csr.stvec},
      {"satp", csr.satp},
      {"mie", csr.mie},
      {"mip", csr::interrupt::effective(state_->mip.load())},
      {"fcsr", static_cast<uint64_t>(state_->fp.frm) << 5 | state_->fp.flags},
  };
  for (const auto& [name, value] : csrs) registers.values.emplace_back(name, value);
  return registers;
}

void Hart::save(hv::StateWriter& writer) const {
  writer.section("hart", 1, [&] {
    const HartState& state = *state_;
    for (size_t i = 0; i < HartState::kSink; ++i) writer.value(state.x[i]);
    for (const uint64_t value : state.f) writer.value(value);
    writer.value(state.fp.frm);
    writer.value(state.fp.flags);
    writer.value(state.pc);
    writer.value(static_cast<uint8_t>(state.privilege));
    writer.value(static_cast<uint8_t>(state.fp_dirty));
    writer.value(state.retired);
    writer.value(state.mip.load());
    writer.value(static_cast<uint64_t>(status_ == HartStatus::stopped ? HartStatus::stopped : HartStatus::started));
    writer.value(static_cast<uint8_t>(start_requested_));
    writer.value(start_entry_.pc);
    writer.value(start_entry_.argument);
    visit_csrs(state.csr, [&](const auto& value) { writer.value(value); });
  });
}

hv::Result<void> Hart::load(hv::StateReader& reader) {
  reader.section("hart", 1, [&](uint32_t) {
    HartState& state = *state_;
    for (size_t i = 0; i < HartState::kSink; ++i) reader.value(state.x[i]);
    for (uint64_t& value : state.f) reader.value(value);
    reader.value(state.fp.frm);
    reader.value(state.fp.flags);
    reader.value(state.pc);
    const auto privilege = reader.value<uint8_t>();
    state.fp_dirty = reader.value<uint8_t>() != 0;
    reader.value(state.retired);
    state.mip = reader.value<uint64_t>() & (csr::interrupt::kAll | csr::interrupt::kSoftwareSeip);
    const auto status = reader.value<uint64_t>();
    start_requested_ = reader.value<uint8_t>() != 0;
    reader.value(start_entry_.pc);
    reader.value(start_entry_.argument);
    visit_csrs(state.csr, [&](auto& value) { reader.value(value); });
    if (!is_privilege(privilege)) return reader.fail("a privilege level that does not exist");
    if (!is_status(status)) return reader.fail("a hart status that does not exist");
    if (!csr::satp::is_valid_mode(state.csr.satp))
      return reader.fail("an address translation mode that does not exist");
    if (state.fp.frm > 7 || state.fp.flags > 0x1f) return reader.fail("floating-point modes that do not exist");
    const uint64_t previous = (state.csr.mstatus & csr::mstatus::kMpp) >> csr::mstatus::kMppShift;
    if (!is_privilege(static_cast<uint8_t>(previous)))
      return reader.fail("a previous privilege level that does not exist");
    state.privilege = static_cast<Privilege>(privilege);
    status_ = static_cast<HartStatus>(status);
    state.csr.mstatus &= csr::mstatus::kWritable;
    state.csr.mstatus |= csr::mstatus::kUxl64 | csr::mstatus::kSxl64;
  });
  TRY(reader.status());
  HartState& state = *state_;
  state.x[0] = 0;
  state.reservation_host = 0;
  fence_instructions();
  enable_stimecmp((state.csr.menvcfg & csr::envcfg::kStce) != 0);
  pmp_.update(state.csr);
  flush_all();
  post(pending::kInterrupt);
  return {};
}

}  // namespace emu::riscv
