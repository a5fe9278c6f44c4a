#pragma once

#include <string>

#include "tests/insn/rows.h"

/// Rows as assembler code, for programs that run them themselves.
namespace tests::insn {

/// Whether a program needs no more than the row's registers, memory and fcsr to run it and to tell whether it is right.
bool needs_no_csr(const InsnRow& row);

/// Sets up the row's state and runs it, as label 1. s1 is the address of the test memory; s3 is then 1 if execution
/// went on behind the instruction, 2 if it went on 16 bytes from it, where it goes on in both cases. Uses t0 to t2,
/// too.
std::string code_of(const InsnRow& row);

}  // namespace tests::insn
