#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "emu/fp/ops.h"
#include "emu/interp/block_cache.h"
#include "emu/interp/ops.h"
#include "emu/isa/read_modify_write.h"
#include "emu/mmu/tlb.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interp/run.h"
#include "emu/riscv/state.h"

namespace emu::riscv::interp {

/// The builder that carries an instruction out at once: its values are integers. One is made on the stack for each
/// instruction; all of it is inlined into the handler and nothing of it is left in memory.
///
/// After an exception `stopped_` is set: writes to registers have no effect, and the handler goes on in the trap
/// handler.
class InterpBuilder : public emu::interp::Ops {
 public:
  InterpBuilder(HartState& state, const Insn& insn) : state_(state), insn_(insn), next_(&insn + 1) {}

  /// What to run next.
  const Insn* finish() {
    if (stopped_) [[unlikely]]
      return after_trap(state_, insn_);
    return next_;
  }

  // --- registers ---

  Value x(unsigned number) const { return state_.x[number]; }
  void set_x(unsigned number, Value value) {
    if (!stopped_) [[likely]]
      state_.x[number] = value;
  }
  Value f_bits(unsigned number) const { return state_.f[number]; }

  /// A value that is not properly NaN-boxed reads as the canonical NaN.
  template <class F>
  Value f(unsigned number) const {
    constexpr uint64_t kBox = box<F>();
    const uint64_t bits = state_.f[number];
    if (kBox != 0 && (bits & kBox) != kBox) [[unlikely]]
      return F::kCanonicalNan;
    return static_cast<typename F::Bits>(bits);
  }
  template <class F>
  void set_f(unsigned number, Value value) {
    if (stopped_) [[unlikely]]
      return;
    state_.f[number] = box<F>() | static_cast<typename F::Bits>(value);
    state_.fp_dirty = true;
  }

  // --- control flow ---

  Value pc() const { return state_.pc_of(insn_.pc_offset); }
  Value next_pc() const { return pc() + insn_.length; }
  void branch(Value condition, int32_t offset) { next_ = condition != 0 ? follow(1, offset) : follow(0, insn_.length); }
  void jump(int32_t offset) { next_ = follow(0, offset); }
  void jump_register(Value target) {
    state_.retired += insn_.index + 1u;
    state_.pc = target;
    next_ = enter(state_);
  }

  /// A system instruction: `helper` sets pc.
  template <void (*helper)(HartState&, const Insn&) noexcept>
  void system() {
    state_.retired += insn_.index;
    state_.pc = pc();
    helper(state_, insn_);
    state_.retired += state_.trapped ? 0 : 1;
    state_.trapped = false;
    next_ = enter(state_);
  }
  /// An instruction that `helper` carries out; it may raise an exception.
  template <void (*helper)(HartState&, const Insn&) noexcept>
  void call() {
    state_.pc = pc();
    helper(state_, insn_);
    stopped_ = state_.trapped;
  }

  // --- memory ---

  // An aligned access is one access of the host's, whatever other harts do there meanwhile: relaxed atomics, which cost
  // nothing more.

  /// Sign- or zero-extends as `T` does.
  template <class T>
  Value load(Value address) {
    const mmu::TlbEntry& entry = state_.data_tlb[mmu::Tlb::index(address)];
    if (entry.read == page_if_aligned<T>(address)) [[likely]]
      return extend(__atomic_load_n(reinterpret_cast<T*>(host_address(entry, address)), __ATOMIC_RELAXED));
    state_.pc = pc();
    const auto value = static_cast<T>(load_slow(state_, address, sizeof(T)));
    stopped_ = state_.trapped;
    return extend(value);
  }
  template <class T>
  void store(Value address, Value value) {
    const mmu::TlbEntry& entry = state_.data_tlb[mmu::Tlb::index(address)];
    if (entry.write == page_if_aligned<T>(address)) [[likely]] {
      __atomic_store_n(reinterpret_cast<T*>(host_address(entry, address)), static_cast<T>(value), __ATOMIC_RELAXED);
      return;
    }
    state_.pc = pc();
    store_slow(state_, address, sizeof(T), value);
    stopped_ = state_.trapped;
  }

  void zero_block(Value address) {
    state_.pc = pc();
    riscv::zero_block(state_, address, insn_.raw);
    stopped_ = state_.trapped;
  }
  template <Rmw operation, class T>
  Value read_modify_write(Value address, Value operand) {
    T* const place = atomic_place<T>(address);
    if (place == nullptr) [[unlikely]]
      return 0;
    return extend(exchange(operation, place, static_cast<T>(operand)));
  }
  template <class T>
  Value compare_and_swap(Value address, Value expected, Value desired) {
    T* const place = atomic_place<T>(address);
    if (place == nullptr) [[unlikely]]
      return 0;
    auto found = static_cast<T>(expected);
    __atomic_compare_exchange_n(place, &found, static_cast<T>(desired), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return extend(found);
  }

  template <class T>
  Value load_reserved(Value address) {
    state_.pc = pc();
    std::byte* const host = atomic_address(state_, address, sizeof(T), false);
    stopped_ = host == nullptr;
    if (stopped_) return 0;
    const T value = __atomic_load_n(reinterpret_cast<T*>(host), __ATOMIC_SEQ_CST);
    state_.reservation_host = reservation<T>(host);
    state_.reservation_value = static_cast<uint64_t>(value);
    return extend(value);
  }
  /// 0 for success, as rd gets it.
  template <class T>
  Value store_conditional(Value address, Value value) {
    T* const place = atomic_place<T>(address);
    if (place == nullptr) [[unlikely]]
      return 0;
    auto expected = static_cast<T>(state_.reservation_value);
    const bool stored =
        state_.reservation_host == reservation<T>(reinterpret_cast<std::byte*>(place)) &&
        __atomic_compare_exchange_n(place, &expected, static_cast<T>(value), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    state_.reservation_host = 0;
    return stored ? 0 : 1;
  }

  void fence(bool stores_before_loads) {
    if (stores_before_loads)
      std::atomic_thread_fence(std::memory_order_seq_cst);
    else
      std::atomic_thread_fence(std::memory_order_acq_rel);
  }
  void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  // --- floating point: emu/fp/ops.h ---

  /// False after raising: floating point is off (mstatus.FS).
  bool enter_fp(const Insn& insn) {
    if (state_.fp_enabled) [[likely]]
      return true;
    return illegal(insn);
  }
  /// Also false if the instruction, or frm, asks for a rounding direction that does not exist.
  bool enter_fp_rounded(const Insn& insn) {
    const unsigned field = insn.raw >> 12 & 7;
    const unsigned direction = field == 7 ? state_.fp.frm : field;
    if (state_.fp_enabled && direction <= 4) [[likely]]
      return true;
    return illegal(insn);
  }

  template <class F>
  Value float_add(unsigned rm, Value x, Value y) {
    return fp::add<F>(env(), rounding(rm), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_sub(unsigned rm, Value x, Value y) {
    return fp::sub<F>(env(), rounding(rm), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_mul(unsigned rm, Value x, Value y) {
    return fp::mul<F>(env(), rounding(rm), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_div(unsigned rm, Value x, Value y) {
    return fp::div<F>(env(), rounding(rm), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_sqrt(unsigned rm, Value x) {
    return fp::sqrt<F>(env(), rounding(rm), bits<F>(x));
  }
  template <class F>
  Value float_fma(unsigned rm, Value x, Value y, Value z) {
    return fp::fma<F>(env(), rounding(rm), bits<F>(x), bits<F>(y), bits<F>(z));
  }
  template <class F>
  Value float_min(Value x, Value y) {
    return fp::min<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_max(Value x, Value y) {
    return fp::max<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_minimum(Value x, Value y) {
    return fp::minimum<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_maximum(Value x, Value y) {
    return fp::maximum<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_equal(Value x, Value y) {
    return fp::equal<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_less(Value x, Value y) {
    return fp::less<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_less_equal(Value x, Value y) {
    return fp::less_equal<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_less_quiet(Value x, Value y) {
    return fp::less_quiet<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_less_equal_quiet(Value x, Value y) {
    return fp::less_equal_quiet<F>(env(), bits<F>(x), bits<F>(y));
  }
  template <class F>
  Value float_classify(Value x) {
    return fp::classify<F>(bits<F>(x));
  }
  template <class Int, class F>
  Value float_to_int(unsigned rm, Value x) {
    return sign_extend_word(fp::to_int<Int, F>(env(), rounding(rm), bits<F>(x)));
  }
  template <class F, class Int>
  Value float_from_int(unsigned rm, Value x) {
    return fp::from_int<F, Int>(env(), rounding(rm), static_cast<Int>(x));
  }
  template <class To, class From>
  Value float_convert(unsigned rm, Value x) {
    return fp::convert<To, From>(env(), rounding(rm), bits<From>(x));
  }
  template <class F>
  Value float_round(unsigned rm, Value x, bool signal_inexact) {
    return fp::round_to_integral<F>(env(), rounding(rm), bits<F>(x), signal_inexact);
  }
  Value float_to_int32_modular(Value x) { return extend(fp::to_int32_modular(env(), x)); }

 private:
  template <class F>
  static constexpr uint64_t box() {
    return ~uint64_t{static_cast<typename F::Bits>(~typename F::Bits{0})};
  }
  template <class F>
  static typename F::Bits bits(Value value) {
    return static_cast<typename F::Bits>(value);
  }

  template <class T>
  static Value extend(T value) {
    if constexpr (std::is_signed_v<T>)
      return static_cast<Value>(static_cast<int64_t>(value));
    else
      return value;
  }
  template <class Int>
  static Value sign_extend_word(Int value) {
    return extend(static_cast<std::make_signed_t<Int>>(value));
  }

  /// The tag of the page if the access is aligned, which implies that it stays in the page; else no tag.
  template <class T>
  static uint64_t page_if_aligned(Value address) {
    return address & (~(hv::kGuestPageSize - 1) | (sizeof(T) - 1));
  }
  static std::byte* host_address(const mmu::TlbEntry& entry, Value address) {
    return reinterpret_cast<std::byte*>(entry.addend + address);
  }

  /// Where an atomic access that may write goes, or nullptr after raising.
  template <class T>
  T* atomic_place(Value address) {
    const mmu::TlbEntry& entry = state_.data_tlb[mmu::Tlb::index(address)];
    if (entry.write == page_if_aligned<T>(address)) [[likely]]
      return reinterpret_cast<T*>(host_address(entry, address));
    state_.pc = pc();
    std::byte* const host = atomic_address(state_, address, sizeof(T), true);
    stopped_ = host == nullptr;
    return reinterpret_cast<T*>(host);
  }
  /// Identifies a reservation: the place, and with the lowest bit whether it is a doubleword.
  template <class T>
  static uintptr_t reservation(const std::byte* host) {
    return reinterpret_cast<uintptr_t>(host) | (sizeof(T) == 8 ? 1u : 0u);
  }
  /// For an operation that may raise flags, which makes the floating-point state dirty.
  fp::Env& env() {
    state_.fp_dirty = true;
    return state_.fp;
  }
  fp::Rounding rounding(unsigned field) const {
    return field == 7 ? state_.fp.rounding() : static_cast<fp::Rounding>(field);
  }
  bool illegal(const Insn& insn) {
    state_.pc = pc();
    raise_illegal(state_, insn);
    stopped_ = true;
    return false;
  }

  /// Leaves the block for `offset` bytes from this instruction, by a link where there is one.
  const Insn* follow(size_t which, int32_t offset) {
    state_.retired += insn_.index + 1u;
    if (const Insn* const next = follow_link(state_, which); next != nullptr) [[likely]]
      return next;
    state_.pc = pc() + imm(offset);
    return enter_linked(state_, which);
  }

  HartState& state_;
  const Insn& insn_;
  const Insn* next_;
  bool stopped_ = false;
};

}  // namespace emu::riscv::interp
