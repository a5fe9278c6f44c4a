#include <array>
#include <concepts>
#include <cstdint>
#include <random>
#include <string>
#include <type_traits>

#include <benchmark/benchmark.h>

#include "emu/fp/ops.h"

/// Floating-point operations as an interpreter runs them, operands and results in memory: by the host's FPU where
/// emu::fp uses it, and in software. The time of an iteration is that of one operation.
namespace emu::fp {
namespace {

constexpr size_t kOperands = 1024;

/// Numbers of ordinary size, with full fractions and both signs; `positive` for square roots.
template <class F>
std::array<typename F::Bits, kOperands> operands(uint64_t seed, bool positive) {
  std::mt19937_64 random(seed);
  std::array<typename F::Bits, kOperands> values;
  for (auto& value : values) {
    const auto exponent = static_cast<typename F::Bits>(F::kBias - 4) + random() % 8;
    const auto kept = static_cast<typename F::Bits>(random() & (F::kFraction | (positive ? 0 : F::kSign)));
    value = static_cast<typename F::Bits>(kept | exponent << F::kFractionBits);
  }
  return values;
}

template <class F, class Operation>
void measure(benchmark::State& state, Operation operation, bool positive = false) {
  const auto a = operands<F>(1, positive);
  const auto b = operands<F>(2, positive);
  const auto c = operands<F>(3, positive);
  Env env;
  const HostFp host(env);
  uint64_t out = 0;
  size_t i = 0;
  for (auto _ : state) {
    out = static_cast<uint64_t>(operation(env, env.rounding(), a[i], b[i], c[i]));
    benchmark::DoNotOptimize(out);
    i = (i + 1) % kOperands;
  }
}

/// "fast" is what instructions call, "soft" the path without the host's FPU.
template <class F>
void register_format(const std::string& format) {
  const auto add_pair = [&](const std::string& name, auto fast, auto soft, bool positive = false) {
    benchmark::RegisterBenchmark((format + "/" + name + "/fast").c_str(), measure<F, decltype(fast)>, fast, positive);
    benchmark::RegisterBenchmark((format + "/" + name + "/soft").c_str(), measure<F, decltype(soft)>, soft, positive);
  };
  using B = typename F::Bits;
  using E = Env&;
  using R = Rounding;
  add_pair(
      "add", [](E e, R r, B a, B b, B) { return add<F>(e, r, a, b); },
      [](E e, R r, B a, B b, B) { return soft::add<F>(e, r, a, b); });
  add_pair(
      "mul", [](E e, R r, B a, B b, B) { return mul<F>(e, r, a, b); },
      [](E e, R r, B a, B b, B) { return soft::mul<F>(e, r, a, b); });
  add_pair(
      "div", [](E e, R r, B a, B b, B) { return div<F>(e, r, a, b); },
      [](E e, R r, B a, B b, B) { return soft::div<F>(e, r, a, b); });
  add_pair(
      "sqrt", [](E e, R r, B a, B, B) { return sqrt<F>(e, r, a); },
      [](E e, R r, B a, B, B) { return soft::sqrt<F>(e, r, a); }, true);
  add_pair(
      "fma", [](E e, R r, B a, B b, B c) { return fma<F>(e, r, a, b, c); },
      [](E e, R r, B a, B b, B c) { return soft::fma<F>(e, r, a, b, c); });
  add_pair(
      "less", [](E e, R, B a, B b, B) { return less<F>(e, a, b); },
      [](E e, R, B a, B b, B) { return soft::less<F>(e, a, b, true); });
  add_pair(
      "to_int32_rtz", [](E e, R, B a, B, B) { return to_int<int32_t, F>(e, R::to_zero, a); },
      [](E e, R, B a, B, B) { return soft::to_int<int32_t, F>(e, R::to_zero, a); });
  add_pair(
      "to_uint64", [](E e, R r, B a, B, B) { return to_int<uint64_t, F>(e, r, a); },
      [](E e, R r, B a, B, B) { return soft::to_int<uint64_t, F>(e, r, a); }, true);
  add_pair(
      "from_int64", [](E e, R r, B a, B, B) { return from_int<F>(e, r, static_cast<int64_t>(a)); },
      [](E e, R r, B a, B, B) { return soft::from_int<F>(e, r, static_cast<int64_t>(a)); });
  using Other = std::conditional_t<std::same_as<F, F32>, F64, F32>;
  add_pair(
      "convert", [](E e, R r, B a, B, B) { return convert<Other, F>(e, r, a); },
      [](E e, R r, B a, B, B) { return soft::convert<Other, F>(e, r, a); });

  const auto add_one = [&](const std::string& name, auto operation) {
    benchmark::RegisterBenchmark((format + "/" + name).c_str(), measure<F, decltype(operation)>, operation, false);
  };
  add_one("min", [](E e, R, B a, B b, B) { return min<F>(e, a, b); });
  add_one("round_to_integral", [](E e, R r, B a, B, B) { return round_to_integral<F>(e, r, a, true); });
  add_one("classify", [](E, R, B a, B, B) { return classify<F>(a); });
}

/// What comes between two readings of fflags: the cost of fetching the host's.
void read_and_clear_flags(benchmark::State& state) {
  Env env;
  const HostFp host(env);
  for (auto _ : state) {
    benchmark::DoNotOptimize(add<F64>(env, env.rounding(), F64::kOne, 1));
    benchmark::DoNotOptimize(read_flags(env));
    write_flags(env, 0);
  }
}

void write_frm_register(benchmark::State& state) {
  Env env;
  const HostFp host(env);
  uint8_t frm = 0;
  for (auto _ : state) write_frm(env, frm ^= 1);
}

const bool registered = [] {
  register_format<F64>("F64");
  register_format<F32>("F32");
  register_format<F16>("F16");
  benchmark::RegisterBenchmark("csr/add_then_read_and_clear_fflags", read_and_clear_flags);
  benchmark::RegisterBenchmark("csr/write_frm", write_frm_register);
  return true;
}();

}  // namespace
}  // namespace emu::fp
