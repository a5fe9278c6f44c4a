#pragma once

// The semantics of every row in emu/riscv/isa/all.def.
#include "emu/riscv/sem/atomic.h"
#include "emu/riscv/sem/bitmanip.h"
#include "emu/riscv/sem/float_forms.h"
#include "emu/riscv/sem/int.h"
#include "emu/riscv/sem/system.h"
