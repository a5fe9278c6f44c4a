#pragma once

#include "emu/fp/env.h"
#include "emu/fp/format.h"

/// IEEE 754-2019 §5.4.1 arithmetic for F16, F32 and F64. Flags go to `env.flags`. A NaN result is the canonical one.
namespace emu::fp::soft {

template <class F>
typename F::Bits add(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits sub(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits mul(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits div(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits sqrt(Env& env, Rounding rounding, typename F::Bits a) noexcept;
/// a * b + c, rounded once.
template <class F>
typename F::Bits fma(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b, typename F::Bits c) noexcept;

}  // namespace emu::fp::soft
