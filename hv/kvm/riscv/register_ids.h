#pragma once

#include <cstddef>
#include <cstdint>

#include <linux/kvm.h>

/// Numbers of a RISC-V vCPU's registers for KVM_GET_ONE_REG.
namespace hv::kvm::riscv {

constexpr uint64_t register_id(uint64_t type, uint64_t index) {
  return KVM_REG_RISCV | KVM_REG_SIZE_U64 | type | index;
}

/// struct kvm_riscv_core: pc, x1 to x31, the mode.
constexpr uint64_t core_register(uint64_t index) { return register_id(KVM_REG_RISCV_CORE, index); }
inline constexpr uint64_t kPc = core_register(0);
constexpr uint64_t integer_register(unsigned number) { return core_register(number); }
inline constexpr uint64_t kMode = core_register(KVM_REG_RISCV_CORE_REG(mode));

/// struct kvm_riscv_csr, by its members' places.
constexpr uint64_t csr_register(uint64_t index) { return register_id(KVM_REG_RISCV_CSR, index); }

/// struct kvm_riscv_config
constexpr uint64_t config_register(uint64_t index) { return register_id(KVM_REG_RISCV_CONFIG, index); }

constexpr uint64_t isa_extension(uint64_t number) { return register_id(KVM_REG_RISCV_ISA_EXT, number); }

/// Of the kernel's ABI, whose header may be older.
constexpr uint64_t sbi_extension(uint64_t number) { return register_id(0x08u << KVM_REG_RISCV_TYPE_SHIFT, number); }

}  // namespace hv::kvm::riscv
