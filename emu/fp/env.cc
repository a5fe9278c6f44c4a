#include "emu/fp/env.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace emu::fp {
namespace {

#if defined(__x86_64__)
// Intel SDM volume 1, §10.2.3: exceptions in bits 5..0 (IE DE ZE OE UE PE), masks in 12..7, rounding in 14..13.
constexpr uint32_t kMasked = 0x1f80;
constexpr uint32_t kExceptions = 0x3f;

uint32_t rounding_bits(uint8_t frm) noexcept {
  constexpr uint32_t kModes[8] = {0, 3, 1, 2, 0, 0, 0, 0};
  return kModes[frm & 7] << 13;
}

uint8_t flags_of(uint32_t mxcsr) noexcept {
  uint8_t flags = 0;
  if ((mxcsr & 0x01) != 0) flags |= flag::kInvalid;
  if ((mxcsr & 0x04) != 0) flags |= flag::kDivideByZero;
  if ((mxcsr & 0x08) != 0) flags |= flag::kOverflow;
  if ((mxcsr & 0x10) != 0) flags |= flag::kUnderflow;
  if ((mxcsr & 0x20) != 0) flags |= flag::kInexact;
  return flags;
}

/// Moves the host's exceptions into `env`.
void collect(Env& env) noexcept {
  const uint32_t mxcsr = _mm_getcsr();
  if ((mxcsr & kExceptions) == 0) return;
  env.flags = static_cast<uint8_t>(env.flags | flags_of(mxcsr));
  _mm_setcsr(mxcsr & ~kExceptions);
}

void load(const Env& env) noexcept { _mm_setcsr(kMasked | rounding_bits(env.frm)); }
uint32_t host_mode() noexcept { return _mm_getcsr(); }
void restore(uint32_t mode) noexcept { _mm_setcsr(mode); }
#else
void collect(Env&) noexcept {}
void load(const Env&) noexcept {}
uint32_t host_mode() noexcept { return 0; }
void restore(uint32_t) noexcept {}
#endif

}  // namespace

uint8_t read_flags(Env& env) noexcept {
  collect(env);
  return env.flags;
}

void write_flags(Env& env, uint8_t flags) noexcept {
  collect(env);
  env.flags = flags & 0x1f;
}

void write_frm(Env& env, uint8_t frm) noexcept {
  if (env.frm == (frm & 7)) return;
  collect(env);
  env.frm = frm & 7;
  load(env);
}

HostFp::HostFp(Env& env) noexcept : env_(env), saved_mxcsr_(host_mode()) { load(env); }

HostFp::~HostFp() {
  collect(env_);
  restore(saved_mxcsr_);
}

}  // namespace emu::fp
