#include "emu/riscv/jit/replay.h"

#include <fmt/format.h>

#include "emu/riscv/interp/builder.h"
#include "emu/riscv/isa/table.h"
#include "emu/riscv/jit/csr.h"
#include "emu/riscv/sem/all.h"

namespace emu::riscv::jit {
namespace {

using Kind = AccessLog::Kind;
using Event = AccessLog::Event;

uint64_t low(uint64_t value, unsigned bytes) { return bytes == 8 ? value : value & ((uint64_t{1} << 8 * bytes) - 1); }

/// The interpreter's builder, whose surroundings are a log.
class ReplayBuilder : public interp::InterpBuilder {
 public:
  ReplayBuilder(HartState& state, const Insn& insn, AccessLog& log)
      : InterpBuilder(state, insn), state_(state), insn_(insn), log_(log) {}

  /// The instruction went elsewhere, or was the last that the log knows of.
  bool left() const { return left_; }

  void set_x(unsigned number, Value value) {
    if (!left_) InterpBuilder::set_x(number, value);
  }
  template <class F>
  void set_f(unsigned number, Value value) {
    if (!left_) InterpBuilder::set_f<F>(number, value);
  }

  void branch(Value condition, int32_t offset) { go(condition != 0 ? offset : insn_.length); }
  void jump(int32_t offset) { go(offset); }
  void jump_register(Value target) {
    go(0);
    state_.pc = target;
  }
  template <void (*helper)(HartState&, const Insn&) noexcept>
  void system() {
    const CsrForm* const form = csr_form(helper);
    if (form == nullptr || state_.privilege == Privilege::user || !csr_has_ir(insn_))
      return differ("a system instruction");
    if (!left_) access_csr_plainly(state_, *form, insn_);
  }
  template <void (*helper)(HartState&, const Insn&) noexcept>
  void call() {
    differ("a helper");
  }

  template <class T>
  Value load(Value address) {
    const Event* const event = expect(Kind::load, address, sizeof(T));
    return event == nullptr ? 0 : extended<T>(event->result);
  }
  template <class T>
  void store(Value address, Value value) {
    const Event* const event = expect(Kind::store, address, sizeof(T));
    if (event != nullptr) same("what is stored", event->operand, value, sizeof(T));
  }
  void zero_block(Value address) { (void)expect(Kind::zero_block, address, 0); }
  template <Rmw operation, class T>
  Value read_modify_write(Value address, Value operand) {
    const Event* const event = expect(Kind::read_modify_write, address, sizeof(T));
    if (event == nullptr) return 0;
    same("the operand", event->operand, operand, sizeof(T));
    same("the operation", event->operation, static_cast<uint64_t>(operation), 1);
    return event->result;
  }
  template <class T>
  Value compare_and_swap(Value address, Value expected, Value desired) {
    const Event* const event = expect(Kind::compare_and_swap, address, sizeof(T));
    if (event == nullptr) return 0;
    same("what is expected", event->expected, expected, sizeof(T));
    same("what is stored", event->operand, desired, sizeof(T));
    return event->result;
  }
  template <class T>
  Value load_reserved(Value address) {
    const Event* const event = expect(Kind::load_reserved, address, sizeof(T));
    if (event == nullptr) return 0;
    take_reservation(*event);
    return event->result;
  }
  template <class T>
  Value store_conditional(Value address, Value value) {
    const Event* const event = expect(Kind::store_conditional, address, sizeof(T));
    if (event == nullptr) return 0;
    same("what is stored", event->operand, value, sizeof(T));
    take_reservation(*event);
    return event->result;
  }

  bool enter_fp(const Insn&) {
    if (state_.fp_enabled) return true;
    differ("an illegal instruction");
    return false;
  }
  bool enter_fp_rounded(const Insn& insn) {
    constexpr unsigned kDynamic = 7;
    constexpr unsigned kLastDirection = 4;
    const unsigned field = insn.raw >> 12 & 7;
    if (state_.fp_enabled && (field == kDynamic ? state_.fp.frm : field) <= kLastDirection) return true;
    differ("an illegal instruction");
    return false;
  }

 private:
  template <class T>
  static Value extended(uint64_t value) {
    return static_cast<Value>(static_cast<int64_t>(static_cast<T>(value)));
  }
  void go(int32_t offset) {
    state_.retired += insn_.index + 1u;
    state_.pc = pc() + imm(offset);
    left_ = true;
  }
  void differ(const std::string& what) {
    log_.set_mismatch(
        fmt::format("instruction {}: the interpreter has {}, the translation has not", insn_.index, what));
    left_ = true;
  }
  void same(const char* what, uint64_t translated, uint64_t interpreted, unsigned bytes) {
    if (low(translated, bytes) == low(interpreted, bytes)) return;
    log_.set_mismatch(fmt::format("instruction {}: {} is {:#x} in the interpreter, {:#x} in the translation",
                                  insn_.index, what, low(interpreted, bytes), low(translated, bytes)));
  }
  /// What the translation did at this point; nullptr if that was something else, or ended in an exception.
  const Event* expect(Kind kind, Value address, unsigned size) {
    const Event* const event = log_.take();
    if (event == nullptr || event->kind != kind || event->index != insn_.index || event->size != size ||
        event->address != address) {
      const std::string other = event == nullptr
                                    ? "nothing"
                                    : fmt::format("a {} of {} bytes at {:#x} in instruction {}", name_of(event->kind),
                                                  event->size, event->address, event->index);
      log_.set_mismatch(
          fmt::format("instruction {}: a {} of {} bytes at {:#x} in the interpreter, {} in the translation",
                      insn_.index, name_of(kind), size, address, other));
      left_ = true;
      return nullptr;
    }
    if (!event->trapped) return event;
    enter_trap(*event);
    left_ = true;
    return nullptr;
  }
  void enter_trap(const Event& event) {
    const RegisterImage& after = log_.after(event);
    state_.retired += insn_.index;
    state_.pc = after.pc;
    state_.privilege = after.privilege;
    state_.fp_enabled = after.fp_enabled;
    state_.csr = after.csr;
  }
  void take_reservation(const Event& event) {
    state_.reservation_host = event.reservation_host;
    state_.reservation_value = event.reservation_value;
  }

 public:
  /// The registers must be those that the translation had before the event; they become those that it had after.
  void adopt(const Event& event) {
    RegisterImage now = RegisterImage::of(state_);
    RegisterImage before = log_.before(event);
    now.pc = before.pc = pc();
    if (const std::string text = differences(now, before); !text.empty())
      log_.set_mismatch(fmt::format("before instruction {}:\n{}", insn_.index, text));
    log_.after(event).put_into(state_);
  }

 private:
  HartState& state_;
  const Insn& insn_;
  AccessLog& log_;
  bool left_ = false;
};

template <auto semantics>
bool step(HartState& state, const Insn& insn, AccessLog& log) {
  ReplayBuilder builder(state, insn, log);
  semantics(builder, insn);
  return !builder.left();
}

bool illegal(HartState&, const Insn& insn, AccessLog& log) {
  log.set_mismatch(fmt::format("instruction {} is illegal", insn.index));
  return false;
}

constexpr std::array<ReplayStep, kOps> kSteps = {
#define INSN(op, extension, flow, pattern, text) step<sem::op<ReplayBuilder>>,
#include "emu/riscv/isa/all.def"
};

}  // namespace

std::vector<ReplayStep> replay_steps(std::span<const Insn> insns) {
  std::vector<ReplayStep> steps;
  for (const Insn& insn : insns) {
    Insn scratch;
    const Row* const row = decode(insn.raw, scratch);
    steps.push_back(row == nullptr ? illegal : kSteps[static_cast<size_t>(row->op)]);
  }
  return steps;
}

void replay(HartState& state, std::span<const Insn> insns, std::span<const ReplayStep> steps, size_t end,
            AccessLog& log) noexcept {
  for (const Insn& insn : insns.first(end)) {
    if (const Event* const event = log.peek();
        event != nullptr && event->kind == Kind::call && event->index == insn.index) {
      log.take();
      ReplayBuilder(state, insn, log).adopt(*event);
      if (event->trapped) return;
      continue;
    }
    if (!steps[insn.index](state, insn, log)) return;
  }
  state.retired += end;
  if (end == insns.size())
    state.pc = state.pc_of(insns.back().pc_offset) + insns.back().length;
  else
    state.pc = state.pc_of(insns[end].pc_offset);
}

}  // namespace emu::riscv::jit
