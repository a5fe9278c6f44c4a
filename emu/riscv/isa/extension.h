#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace emu::riscv {

/// The extensions that the instruction tables name. `Privileged` is the M- and S-mode instructions that have no name of
/// their own.
// clang-format off
#define VIREO_RISCV_EXTENSIONS(X) \
  X(I) X(M) X(A) X(F) X(D) X(C) X(Zicsr) X(Zifencei) X(Zihintpause) X(Zicond) X(Zicbom) X(Zicbop) X(Zicboz) X(Zimop) \
  X(Zcmop) X(Zawrs) X(Zacas) X(Zabha) X(Zfh) X(Zfa) X(Zba) X(Zbb) X(Zbc) X(Zbs) X(Zcb) X(Privileged) X(Svinval)
// clang-format on

enum class Extension : uint8_t {
#define VIREO_EXTENSION_NAME(name) name,
  VIREO_RISCV_EXTENSIONS(VIREO_EXTENSION_NAME)
#undef VIREO_EXTENSION_NAME
};

inline constexpr std::array kExtensionNames = {
#define VIREO_EXTENSION_NAME(name) std::string_view{#name},
    VIREO_RISCV_EXTENSIONS(VIREO_EXTENSION_NAME)
#undef VIREO_EXTENSION_NAME
};
inline constexpr size_t kExtensions = kExtensionNames.size();

constexpr std::string_view name_of(Extension extension) { return kExtensionNames[static_cast<size_t>(extension)]; }

}  // namespace emu::riscv
