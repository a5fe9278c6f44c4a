#pragma once

#include <cstddef>
#include <span>

/// A program in the host's assembly language, which is the guest's too; `name()` gives its bytes. It refers to itself
/// only relative to where it is. The labels are weak as headers may have programs, and since arm64's linker does not
/// tell labels of one file apart in its table of addresses.
#define GUEST_PROGRAM(name, text)                                                                                     \
  __asm__(".pushsection .rodata\n.balign 8\n.weak " #name "_begin, " #name "_end\n" #name "_begin:\n" text "\n" #name \
          "_end:\n.popsection");                                                                                      \
  extern "C" const std::byte name##_begin[], name##_end[];                                                            \
  inline std::span<const std::byte> name() { return {name##_begin, static_cast<size_t>(name##_end - name##_begin)}; }
