#include "emu/riscv/jit/translate.h"

#include <cstring>

#include "emu/ir/ir.h"
#include "emu/riscv/interp/translate.h"
#include "emu/riscv/isa/table.h"
#include "emu/riscv/jit/builder.h"
#include "emu/riscv/jit/one_insn.h"
#include "emu/riscv/sem/all.h"

namespace emu::riscv::jit {
namespace {

constexpr size_t kMaxInsns = 64;

constexpr std::array<void (*)(IrBuilder&, const Insn&), kOps> kSemantics = {
#define INSN(op, extension, flow, pattern, text) sem::op<IrBuilder>,
#include "emu/riscv/isa/all.def"
};

uint32_t read_insn(const std::byte* host) noexcept {
  uint16_t half;
  std::memcpy(&half, host, sizeof half);
  if (length_of(half) == 2) return half;
  uint32_t raw;
  std::memcpy(&raw, host, sizeof raw);
  return raw;
}

/// Decodes until an instruction leaves the block, the page ends or the block is full.
void decode_block(emu::jit::Block& block, const NextPage& next_page) {
  const std::byte* at = block.host;
  size_t offset = reinterpret_cast<uintptr_t>(at) & (hv::kGuestPageSize - 1);
  for (bool ended = false; !ended && block.insns.size() < kMaxInsns && offset < hv::kGuestPageSize;) {
    const bool crosses = interp::crosses_page(at);
    if (crosses && (block.second_half = next_page()) == nullptr) break;
    Insn insn;
    const Row* const row = decode(crosses ? interp::crossing_insn(at, block.second_half) : read_insn(at), insn);
    insn.pc_offset = static_cast<uint16_t>(offset);
    insn.index = static_cast<uint8_t>(block.insns.size());
    block.insns.push_back(insn);
    ended = row == nullptr || row->flow != Flow::next;
    at += insn.length;
    offset += insn.length;
  }
  block.guest_bytes = static_cast<uint32_t>(at - block.host);
}

void note(IrBuilder& builder, const Insn& insn, const std::byte* second_half) {
  Insn scratch;
  builder.begin(insn);
  if (second_half != nullptr) builder.needs_next_page(second_half);
  const Row* const row = decode(insn.raw, scratch);
  if (row == nullptr) {
    builder.system<raise_illegal>();
    return;
  }
  const auto op = static_cast<size_t>(row->op);
  kSemantics[op](builder, insn);
  builder.end(kOneInsn[op]);
}

}  // namespace

Translation translate(const std::byte* host, Mode mode, const NextPage& next_page) {
  Translation result;
  auto block = std::make_unique<emu::jit::Block>();
  block->host = host;
  block->mode = static_cast<uint8_t>(mode.number());
  decode_block(*block, next_page);
  if (block->insns.empty()) return result;
  result.ir.insns = block->insns;
  result.ir.in_user_mode = mode.is_user();
  IrBuilder builder(result.ir, mode);
  for (const Insn& insn : block->insns) {
    const bool crosses = block->second_half != nullptr && &insn == &block->insns.back();
    note(builder, insn, crosses ? block->second_half : nullptr);
    if (builder.has_left()) break;
  }
  if (!builder.has_left()) builder.go_on();
  emu::ir::drop_dead_writes(result.ir);
  emu::ir::drop_extensions(result.ir);
  emu::ir::drop_dead_values(result.ir);
  emu::ir::share_checks(result.ir);
  result.block = std::move(block);
  return result;
}

bool has_ir(Op op) {
  constexpr uint32_t kDynamicRounding = 7 << 12;
  constexpr Mode kNearestEven(2);
  const Row& row = row_of(op);
  const Insn insn{.raw = row.match | (row.has_rounding_mode ? kDynamicRounding : 0),
                  .rd = 10,
                  .rs1 = 11,
                  .rs2 = 12,
                  .rs3 = 13,
                  .length = 4};
  emu::ir::Block ir;
  ir.insns = {&insn, 1};
  IrBuilder builder(ir, kNearestEven);
  builder.begin(insn);
  kSemantics[static_cast<size_t>(op)](builder, insn);
  return !builder.gave_up();
}

}  // namespace emu::riscv::jit
