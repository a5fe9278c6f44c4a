#include "bench/guest_program.h"

namespace bench {
namespace {

using emu::riscv::Op;
using Place = GuestProgram::Place;

constexpr uint8_t kCount = 10;
constexpr uint8_t kBuffer = 11;

void next_time(GuestProgram& p, Place loop) {
  p.op(Op::addi, {.rd = kCount, .rs1 = kCount, .imm = -1});
  p.to(loop, Op::bne, {.rs1 = kCount});
}

/// A generator of bits that a branch predictor cannot learn: x12 = x12 * x13 + x13.
void start_random(GuestProgram& p) {
  p.op(Op::lui, {.rd = 13, .imm = 0x2545f000});
  p.op(Op::addi, {.rd = 13, .rs1 = 13, .imm = 0x491});
}
void next_random(GuestProgram& p) {
  p.op(Op::mul, {.rd = 12, .rs1 = 12, .rs2 = 13});
  p.op(Op::add, {.rd = 12, .rs1 = 12, .rs2 = 13});
}

void integer(GuestProgram& p) {
  const Place loop = p.here();
  p.op(Op::add, {.rd = 12, .rs1 = 12, .rs2 = kCount});
  p.op(Op::xor_, {.rd = 13, .rs1 = 13, .rs2 = 12});
  p.op(Op::slli, {.rd = 14, .rs1 = 12, .imm = 7});
  p.op(Op::sub, {.rd = 15, .rs1 = 14, .rs2 = 13});
  p.op(Op::srli, {.rd = 16, .rs1 = 15, .imm = 3});
  p.op(Op::or_, {.rd = 17, .rs1 = 16, .rs2 = 12});
  p.op(Op::sltu, {.rd = 28, .rs1 = 17, .rs2 = 13});
  p.op(Op::addw, {.rd = 12, .rs1 = 12, .rs2 = 28});
  next_time(p, loop);
}

void multiply_divide(GuestProgram& p) {
  p.op(Op::addi, {.rd = 12, .imm = 1234});
  const Place loop = p.here();
  p.op(Op::mul, {.rd = 13, .rs1 = 12, .rs2 = kCount});
  p.op(Op::mulhu, {.rd = 14, .rs1 = 13, .rs2 = 13});
  p.op(Op::divu, {.rd = 15, .rs1 = 13, .rs2 = kCount});
  p.op(Op::remu, {.rd = 16, .rs1 = 13, .rs2 = kCount});
  p.op(Op::mulw, {.rd = 17, .rs1 = 15, .rs2 = 16});
  p.op(Op::add, {.rd = 12, .rs1 = 12, .rs2 = 14});
  next_time(p, loop);
}

/// Loads and stores of every size over the buffer.
void memory(GuestProgram& p) {
  const Place loop = p.here();
  p.op(Op::andi, {.rd = 14, .rs1 = kCount, .imm = 0x7f8});
  p.op(Op::add, {.rd = 14, .rs1 = 14, .rs2 = kBuffer});
  p.op(Op::ld, {.rd = 12, .rs1 = 14, .imm = 0});
  p.op(Op::lw, {.rd = 13, .rs1 = 14, .imm = 8});
  p.op(Op::lbu, {.rd = 15, .rs1 = 14, .imm = 13});
  p.op(Op::add, {.rd = 12, .rs1 = 12, .rs2 = 13});
  p.op(Op::sd, {.rs1 = 14, .rs2 = 12, .imm = 0});
  p.op(Op::sw, {.rs1 = 14, .rs2 = 15, .imm = 8});
  p.op(Op::sb, {.rs1 = 14, .rs2 = 12, .imm = 13});
  next_time(p, loop);
}

/// One branch in three goes either way at random.
void branches(GuestProgram& p) {
  start_random(p);
  const Place loop = p.here();
  next_random(p);
  const Place skip = p.forward();
  p.op(Op::addi, {.rd = 14, .rs1 = 14, .imm = 1});
  p.land(skip, Op::blt, {.rs1 = 12});
  const Place never = p.forward();
  p.op(Op::addi, {.rd = 15, .rs1 = 15, .imm = 1});
  p.land(never, Op::beq, {.rs1 = kCount});
  next_time(p, loop);
}

/// Calls through one of four pointers, chosen at random.
void indirect_calls(GuestProgram& p) {
  constexpr Place kFunctionSize = 8;
  const Place over = p.forward();
  const Place functions = p.here();
  for (int i = 0; i < 4; ++i) {
    p.op(Op::addi, {.rd = 14, .rs1 = 14, .imm = i});
    p.op(Op::jalr, {.rs1 = 1});
  }
  p.land(over, Op::jal, {});
  start_random(p);
  const Place base = p.here();
  p.op(Op::auipc, {.rd = 15});
  p.op(Op::addi, {.rd = 15, .rs1 = 15, .imm = functions - base});
  const Place loop = p.here();
  next_random(p);
  p.op(Op::srli, {.rd = 16, .rs1 = 12, .imm = 40});
  p.op(Op::andi, {.rd = 16, .rs1 = 16, .imm = 3 * kFunctionSize});
  p.op(Op::add, {.rd = 16, .rs1 = 16, .rs2 = 15});
  p.op(Op::jalr, {.rd = 1, .rs1 = 16});
  next_time(p, loop);
}

/// Fibonacci's number 15, the slow way.
void recursion(GuestProgram& p) {
  const Place over = p.forward();
  const Place fib = p.here();
  p.op(Op::addi, {.rd = 5, .imm = 2});
  const Place more = p.forward();
  p.op(Op::jalr, {.rs1 = 1});
  p.land(more, Op::bge, {.rs1 = 12, .rs2 = 5});
  p.op(Op::addi, {.rd = 2, .rs1 = 2, .imm = -32});
  p.op(Op::sd, {.rs1 = 2, .rs2 = 1, .imm = 0});
  p.op(Op::sd, {.rs1 = 2, .rs2 = 12, .imm = 8});
  p.op(Op::addi, {.rd = 12, .rs1 = 12, .imm = -1});
  p.to(fib, Op::jal, {.rd = 1});
  p.op(Op::ld, {.rd = 13, .rs1 = 2, .imm = 8});
  p.op(Op::sd, {.rs1 = 2, .rs2 = 12, .imm = 8});
  p.op(Op::addi, {.rd = 12, .rs1 = 13, .imm = -2});
  p.to(fib, Op::jal, {.rd = 1});
  p.op(Op::ld, {.rd = 13, .rs1 = 2, .imm = 8});
  p.op(Op::add, {.rd = 12, .rs1 = 12, .rs2 = 13});
  p.op(Op::ld, {.rd = 1, .rs1 = 2, .imm = 0});
  p.op(Op::addi, {.rd = 2, .rs1 = 2, .imm = 32});
  p.op(Op::jalr, {.rs1 = 1});
  p.land(over, Op::jal, {});
  const Place loop = p.here();
  p.op(Op::addi, {.rd = 12, .imm = 15});
  p.to(fib, Op::jal, {.rd = 1});
  next_time(p, loop);
}

void start_floats(GuestProgram& p) {
  p.op(Op::lui, {.rd = 5, .imm = 0x6000});  // mstatus.FS = Dirty
  p.op(Op::csrrs, {.rd = 0, .rs1 = 5, .imm = 0x300});
  p.op(Op::addi, {.rd = 5, .imm = 3});
  p.op(Op::fcvt_d_l, {.rd = 1, .rs1 = 5});
  p.op(Op::addi, {.rd = 5, .imm = 7});
  p.op(Op::fcvt_d_l, {.rd = 2, .rs1 = 5});
  p.op(Op::fdiv_d, {.rd = 3, .rs1 = 1, .rs2 = 2});
}

constexpr uint32_t kDynamicRounding = 7;

void floating_point(GuestProgram& p) {
  start_floats(p);
  const Place loop = p.here();
  p.op(Op::fadd_d, {.rd = 4, .rs1 = 1, .rs2 = 3, .other = kDynamicRounding});
  p.op(Op::fmul_d, {.rd = 5, .rs1 = 4, .rs2 = 3, .other = kDynamicRounding});
  p.op(Op::fmadd_d, {.rd = 6, .rs1 = 4, .rs2 = 3, .rs3 = 5, .other = kDynamicRounding});
  p.op(Op::fsub_d, {.rd = 7, .rs1 = 6, .rs2 = 2, .other = kDynamicRounding});
  p.op(Op::fsgnjx_d, {.rd = 8, .rs1 = 7, .rs2 = 7});
  p.op(Op::flt_d, {.rd = 12, .rs1 = 8, .rs2 = 1});
  p.op(Op::fmul_d, {.rd = 1, .rs1 = 1, .rs2 = 3, .other = kDynamicRounding});
  p.op(Op::fadd_d, {.rd = 1, .rs1 = 1, .rs2 = 2, .other = kDynamicRounding});
  next_time(p, loop);
}

void divide_and_root(GuestProgram& p) {
  start_floats(p);
  const Place loop = p.here();
  p.op(Op::fdiv_d, {.rd = 4, .rs1 = 2, .rs2 = 1, .other = kDynamicRounding});
  p.op(Op::fsqrt_d, {.rd = 5, .rs1 = 4, .other = kDynamicRounding});
  p.op(Op::fcvt_d_l, {.rd = 6, .rs1 = kCount, .other = kDynamicRounding});
  p.op(Op::fadd_d, {.rd = 1, .rs1 = 5, .rs2 = 6, .other = kDynamicRounding});
  next_time(p, loop);
}

/// What compilers emit with C: most instructions are 16 bits long.
void compressed(GuestProgram& p) {
  const Place loop = p.here();
  p.short_op(Op::add, {.rd = 12, .rs1 = 12, .rs2 = kCount});
  p.short_op(Op::add, {.rd = 13, .rs2 = 12});
  p.short_op(Op::slli, {.rd = 13, .rs1 = 13, .imm = 3});
  p.short_op(Op::xor_, {.rd = 14, .rs1 = 14, .rs2 = 13});
  p.short_op(Op::ld, {.rd = 15, .rs1 = kBuffer, .imm = 8});
  p.short_op(Op::addi, {.rd = 15, .rs1 = 15, .imm = 1});
  p.short_op(Op::sd, {.rs1 = kBuffer, .rs2 = 15, .imm = 8});
  p.short_op(Op::andi, {.rd = 14, .rs1 = 14, .imm = 15});
  p.short_op(Op::addi, {.rd = kCount, .rs1 = kCount, .imm = -1});
  p.to(loop, Op::bne, {.rs1 = kCount});
}

void atomics(GuestProgram& p) {
  p.op(Op::addi, {.rd = 12, .imm = 1});
  const Place loop = p.here();
  p.op(Op::amoadd_d, {.rd = 13, .rs1 = kBuffer, .rs2 = 12});
  p.op(Op::lr_d, {.rd = 14, .rs1 = kBuffer});
  p.op(Op::sc_d, {.rd = 15, .rs1 = kBuffer, .rs2 = 14});
  next_time(p, loop);
}

}  // namespace

const std::vector<GuestLoop>& guest_loops() {
  static const std::vector<GuestLoop> loops = {
      {"integer", integer, 1'000'000},
      {"multiply_divide", multiply_divide, 1'000'000},
      {"memory", memory, 900'000},
      {"branches", branches, 1'200'000},
      {"indirect_calls", indirect_calls, 1'000'000},
      {"recursion", recursion, 500},
      {"floating_point", floating_point, 1'000'000},
      {"divide_and_root", divide_and_root, 1'000'000},
      {"compressed", compressed, 1'000'000},
      {"atomics", atomics, 1'000'000},
  };
  return loops;
}

}  // namespace bench
