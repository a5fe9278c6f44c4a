#pragma once

#include "emu/isa/insn.h"
#include "emu/riscv/helpers.h"

/// System instructions, fences and hints: RISC-V Unprivileged ISA 20240411, chapters 2.7 to 2.8, 3 (Zifencei), 6
/// (Zicsr), 9 (Zihintpause), 19 (CMO), 31 (Zimop); Privileged 20240411, §3.3, §10.1, Svinval. What is not a plain
/// computation is one helper that every engine calls.
namespace emu::riscv::sem {

template <class B>
void ecall(B& b, const Insn&) {
  b.template system<riscv::ecall>();
}
template <class B>
void ebreak(B& b, const Insn&) {
  b.template system<riscv::ebreak>();
}
template <class B>
void mret(B& b, const Insn&) {
  b.template system<riscv::mret>();
}
template <class B>
void sret(B& b, const Insn&) {
  b.template system<riscv::sret>();
}
template <class B>
void wfi(B& b, const Insn&) {
  b.template system<riscv::wfi>();
}
template <class B>
void wrs_nto(B& b, const Insn&) {
  b.template system<riscv::wrs_nto>();
}
template <class B>
void wrs_sto(B& b, const Insn&) {
  b.template system<riscv::wrs_sto>();
}
template <class B>
void sfence_vma(B& b, const Insn&) {
  b.template system<riscv::sfence_vma>();
}
template <class B>
void sinval_vma(B& b, const Insn&) {
  b.template system<riscv::sinval_vma>();
}
template <class B>
void sfence_w_inval(B& b, const Insn&) {
  b.template system<riscv::sfence_w_inval>();
}
template <class B>
void sfence_inval_ir(B& b, const Insn&) {
  b.template system<riscv::sfence_inval_ir>();
}
template <class B>
void fence_i(B& b, const Insn&) {
  b.template system<riscv::fence_i>();
}
template <class B>
void csrrw(B& b, const Insn&) {
  b.template system<riscv::csrrw>();
}
template <class B>
void csrrs(B& b, const Insn&) {
  b.template system<riscv::csrrs>();
}
template <class B>
void csrrc(B& b, const Insn&) {
  b.template system<riscv::csrrc>();
}
template <class B>
void csrrwi(B& b, const Insn&) {
  b.template system<riscv::csrrwi>();
}
template <class B>
void csrrsi(B& b, const Insn&) {
  b.template system<riscv::csrrsi>();
}
template <class B>
void csrrci(B& b, const Insn&) {
  b.template system<riscv::csrrci>();
}

template <class B>
void cbo_zero(B& b, const Insn& i) {
  b.zero_block(b.x(i.rs1));
}
template <class B>
void cbo_inval(B& b, const Insn&) {
  b.template call<riscv::cbo_inval>();
}
template <class B>
void cbo_clean(B& b, const Insn&) {
  b.template call<riscv::cbo_clean>();
}
template <class B>
void cbo_flush(B& b, const Insn&) {
  b.template call<riscv::cbo_flush>();
}

// Prefetches and pause are hints: nothing need happen.
template <class B>
void prefetch_i(B&, const Insn&) {}
template <class B>
void prefetch_r(B&, const Insn&) {}
template <class B>
void prefetch_w(B&, const Insn&) {}
template <class B>
void pause(B& b, const Insn&) {
  b.pause();
}

/// Only a fence that orders earlier writes before later reads needs a fence of the host's, whose other accesses keep
/// their order (x86-TSO). pred is in bits 27..24, succ in 23..20: I, O, R, W from the top.
template <class B>
void fence(B& b, const Insn& i) {
  const bool writes_before = (i.raw >> 24 & 0b0101) != 0;
  const bool reads_after = (i.raw >> 20 & 0b1010) != 0;
  b.fence(writes_before && reads_after);
}
template <class B>
void fence_tso(B& b, const Insn&) {
  b.fence(false);
}

template <class B>
void mop_r(B& b, const Insn& i) {
  b.set_x(i.rd, b.imm(0));
}
template <class B>
void mop_rr(B& b, const Insn& i) {
  b.set_x(i.rd, b.imm(0));
}

}  // namespace emu::riscv::sem
