#include <gtest/gtest.h>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/csr/table.h"
#include "tests/insn/rows.h"
#include "tests/unit/emu/riscv/board.h"

namespace tests::insn {
namespace {

using namespace emu::riscv;
using emu::riscv::test::kRam;

constexpr uint64_t kInsn = kRam + 0x2000;
constexpr uint64_t kMemory = kRam + 0x8000;
constexpr uint64_t kTrapVector = kRam + 0x100;
/// No row uses it: the address that ends the run.
constexpr unsigned kStopRegister = 31;
constexpr uint16_t kFcsr = 3;

/// Ends the run, changing nothing; the hart then waits at the address behind `address`.
void end_run(emu::riscv::test::Board& board, uint64_t address) {
  for (const uint32_t word : {test::insn(Op::sd, {.rs1 = kStopRegister}), test::insn(Op::jal, {})}) {
    // Instructions may begin at every second byte.
    EXPECT_TRUE(board.memory->store(hv::GuestAddress{address}, word).has_value());
    address += 4;
  }
}

void set_csr(HartState& state, const CsrValue& csr) {
  if (csr.number == kFcsr) {
    state.fp.frm = static_cast<uint8_t>(csr.value >> 5);
    state.fp.flags = static_cast<uint8_t>(csr.value & 31);
    return;
  }
  const csr::Register* const known = csr::find(csr.number);
  ASSERT_NE(known, nullptr);
  known->write(state, csr.number, csr.value);
}

uint64_t get_csr(HartState& state, const CsrValue& csr) {
  if (csr.number == kFcsr) return uint64_t{state.fp.frm} << 5 | state.fp.flags;
  const csr::Register* const known = csr::find(csr.number);
  return known != nullptr ? known->read(state, csr.number) : 0;
}

void set_register(HartState& state, RegisterClass kind, unsigned number, uint64_t value) {
  if (kind == RegisterClass::floating_point) state.f[number] = value;
  if (kind == RegisterClass::integer && number != 0) state.x[number] = value;
}

class RowBoard : public emu::riscv::test::Board {
 public:
  RowBoard(const InsnRow& row, const EngineConfig& engine) : Board(1, Firmware::guest, nullptr, engine), row_(row) {
    HartState& s = state();
    s.csr.mstatus |= csr::mstatus::kFs;
    s.csr.pmpcfg[0] = 0x1f;
    s.csr.pmpaddr[0] = (uint64_t{1} << 54) - 1;
    s.csr.mtvec = kTrapVector;
    s.fp.frm = static_cast<uint8_t>(row.frm);
    for (const CsrValue& csr : row.csrs_before) set_csr(s, csr);
    hart().pmp().update(s.csr);
    s.privilege = row.mode == 'm' ? Privilege::machine : row.mode == 's' ? Privilege::supervisor : Privilege::user;
    hart().flush_all();
    hart().update_contexts();
    s.x[kStopRegister] = emu::riscv::test::kStopDevice;
    set_register(s, row.row->rd_class, row.operands.rd, row.rd_before);
    set_register(s, row.row->rs1_class, row.operands.rs1, row.rs1.resolve(kMemory, kInsn));
    set_register(s, row.row->rs2_class, row.operands.rs2, row.rs2.resolve(kMemory, kInsn));
    set_register(s, row.row->rs3_class, row.operands.rs3, row.rs3.resolve(kMemory, kInsn));
    if (row.rs2_high != 0) s.x[row.operands.rs2 + 1u] = row.rs2_high;
    if (row.rd_high_before != 0) s.x[row.operands.rd + 1u] = row.rd_high_before;
    for (size_t i = 0; i < row.memory.size(); ++i) put64(kMemory + 8 * i, row.memory[i]);
    s.pc = kInsn;
    if (row.is_reserved) {
      s.pc -= 4;
      put(s.pc, {test::insn(row.row->op == Op::sc_w ? Op::lr_w : Op::lr_d, {.rs1 = row.operands.rs1})});
    }
    end_run(*this, kTrapVector);
    end_run(*this, kInsn + row.row->length);
    if (!row.trap) end_run(*this, expected_pc());
    EXPECT_TRUE(memory->write(hv::GuestAddress{kInsn}, std::as_bytes(std::span(&row.raw, 1)).first(row.row->length))
                    .has_value());
  }

  uint64_t expected_pc() const { return row_.trap ? kTrapVector : row_.pc.resolve(kMemory, kInsn); }

  void expect_result() {
    HartState& s = state();
    EXPECT_EQ(s.pc - 4, expected_pc());
    for (const CsrValue& csr : row_.csrs_after) EXPECT_EQ(get_csr(s, csr), csr.value) << csr.number;
    if (row_.trap) {
      EXPECT_EQ(s.csr.mcause, *row_.trap);
      return;
    }
    const uint64_t rd = row_.writes_float() ? s.f[row_.operands.rd] : s.x[row_.operands.rd];
    EXPECT_EQ(rd, row_.rd ? row_.rd->resolve(kMemory, kInsn) : rd);
    const uint64_t rd_high = s.x[row_.operands.rd + 1u];
    EXPECT_EQ(rd_high, row_.rd_high.value_or(rd_high));
    EXPECT_EQ(s.fp.flags, row_.fflags);
    for (size_t i = 0; i < row_.memory_after.size(); ++i) EXPECT_EQ(get64(kMemory + 8 * i), row_.memory_after[i]) << i;
  }

 private:
  const InsnRow& row_;
};

struct EngineCase {
  const char* name;
  EngineConfig config;
};

class InsnRowsTest : public ::testing::TestWithParam<EngineCase> {};

TEST_P(InsnRowsTest, HaveTheExpectedResults) {
  const auto rows = all_rows();
  ASSERT_TRUE(rows) << rows.error().message;
  for (const InsnRow& row : *rows) {
    SCOPED_TRACE(row.origin + ": " + row.text);
    RowBoard board(row, GetParam().config);
    board.run();
    board.expect_result();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Engines, InsnRowsTest,
    ::testing::Values(EngineCase{"Interpreter", {}},
                      EngineCase{"Jit", {.kind = EngineKind::jit, .jit_cache = 1 << 20, .hot_after = 1}},
                      EngineCase{"Lockstep", {.kind = EngineKind::lockstep, .jit_cache = 1 << 20}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tests::insn
