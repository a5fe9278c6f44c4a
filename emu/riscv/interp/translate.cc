#include "emu/riscv/interp/translate.h"

#include <array>
#include <cstring>
#include <span>

#include "emu/riscv/interp/handlers.h"
#include "emu/riscv/isa/table.h"
#include "emu/riscv/state.h"

namespace emu::riscv::interp {

static_assert(kSinkRegister == HartState::kSink);

namespace {

using emu::interp::Block;
using emu::interp::BlockCache;

uint16_t read_half(const std::byte* host) noexcept {
  uint16_t half;
  std::memcpy(&half, host, sizeof half);
  return half;
}

size_t offset_in_page(const std::byte* host) noexcept {
  return reinterpret_cast<uintptr_t>(host) & (hv::kGuestPageSize - 1);
}

/// The instructions of a block as it grows.
class Draft {
 public:
  bool is_full() const noexcept { return count_ == BlockCache::kMaxInsns; }
  bool is_empty() const noexcept { return count_ == 0; }

  /// Appends the instruction with the encoding `raw`; its length, and whether the block ends with it.
  struct Added {
    unsigned length;
    bool ends;
  };
  Added add(uint32_t raw, size_t page_offset) noexcept {
    Insn& insn = place(page_offset);
    const Row* const row = decode(raw, insn);
    insn.handler = row != nullptr ? kHandlers[static_cast<size_t>(row->op)] : illegal;
    return {insn.length, row == nullptr || row->flow != Flow::next};
  }
  void add_continuation(size_t page_offset) noexcept { place(page_offset).handler = continuation; }

  std::span<const Insn> insns() const noexcept { return std::span(insns_).first(count_); }

 private:
  Insn& place(size_t page_offset) noexcept {
    Insn& insn = insns_[count_];
    insn = Insn{};
    insn.pc_offset = static_cast<uint16_t>(page_offset);
    insn.index = static_cast<uint8_t>(count_++);
    return insn;
  }

  std::array<Insn, BlockCache::kMaxInsns + 1> insns_;
  size_t count_ = 0;
};

}  // namespace

Block* translate(BlockCache& blocks, const std::byte* host) noexcept {
  Draft draft;
  const std::byte* at = host;
  size_t offset = offset_in_page(host);
  for (bool ended = false; !ended;) {
    if (draft.is_full() || offset == hv::kGuestPageSize || (!draft.is_empty() && crosses_page(at))) {
      draft.add_continuation(offset);
      break;
    }
    uint32_t raw = read_half(at);
    if (length_of(raw) == 4) raw |= uint32_t{read_half(at + 2)} << 16;
    const auto added = draft.add(raw, offset);
    at += added.length;
    offset += added.length;
    ended = added.ends;
  }
  Block* const block = blocks.add(host, draft.insns());
  block->bytes = static_cast<uint16_t>(at - host);
  return block;
}

bool crosses_page(const std::byte* host) noexcept {
  return offset_in_page(host) == hv::kGuestPageSize - 2 && is_long(host);
}

bool is_long(const std::byte* host) noexcept { return length_of(read_half(host)) == 4; }

uint32_t short_insn(const std::byte* host) noexcept { return read_half(host); }

uint32_t crossing_insn(const std::byte* host, const std::byte* second_half) noexcept {
  return read_half(host) | uint32_t{read_half(second_half)} << 16;
}

Block* translate_crossing(BlockCache& blocks, const std::byte* host, uint32_t raw) noexcept {
  Draft draft;
  const size_t offset = offset_in_page(host);
  const auto added = draft.add(raw, offset);
  if (!added.ends) draft.add_continuation(offset + added.length);
  Block* const block = blocks.add(host, draft.insns());
  block->bytes = static_cast<uint16_t>(added.length);
  block->crosses_page = true;
  return block;
}

bool is_unchanged(const Block& block) noexcept {
  const Insn* insn = block.insns();
  for (size_t done = 0; done < block.bytes; done += insn->length, ++insn) {
    uint32_t raw = read_half(block.host + done);
    if (insn->length == 4) raw |= uint32_t{read_half(block.host + done + 2)} << 16;
    if (raw != insn->raw) return false;
  }
  return true;
}

}  // namespace emu::riscv::interp
