#include "hv/kvm/riscv/riscv_vcpu.h"

#include <algorithm>
#include <array>

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"
#include "hv/kvm/one_reg.h"
#include "hv/kvm/riscv/register_ids.h"

namespace hv::kvm::riscv {
namespace {

constexpr unsigned kA0 = 10;
constexpr unsigned kA1 = 11;
constexpr uint64_t kDebugConsole = 9;  // enum KVM_RISCV_SBI_EXT_ID: off until it is asked for

// RISC-V SBI 2.0, chapters 3, 5 and 12.
constexpr unsigned long kPutchar = 0x01;
constexpr unsigned long kGetchar = 0x02;
constexpr unsigned long kDbcn = 0x4442'434e;
constexpr unsigned long kDbcnWrite = 0;
constexpr unsigned long kDbcnRead = 1;
constexpr unsigned long kDbcnWriteByte = 2;
constexpr long kSuccess = 0;
constexpr long kNotSupported = -2;
constexpr long kInvalidParameter = -3;

constexpr const char* kIntegerNames[32] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                           "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                           "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr const char* kCsrNames[] = {"sstatus", "sie", "stvec", "sscratch", "sepc", "scause", "stval", "sip", "satp"};

}  // namespace

Result<std::unique_ptr<RiscvVcpu>> RiscvVcpu::create(Vm& vm, unsigned id, Bus& bus, GuestMemory& memory, Print print,
                                                     bool advanced_interrupts) {
  Opened opened = TRY(open(vm, id));
  std::unique_ptr<RiscvVcpu> vcpu(new RiscvVcpu(vm, id, std::move(opened), bus, memory, std::move(print)));
  if (!advanced_interrupts) hide_advanced_interrupts(vcpu->fd());
  // A kernel that does not have it answers the guest itself.
  set_register(vcpu->fd(), sbi_extension(kDebugConsole), 1);
  return vcpu;
}

Result<void> RiscvVcpu::start(uint64_t entry, uint64_t argument) {
  const bool taken = set_register(fd(), kPc, entry) && set_register(fd(), integer_register(kA0), id()) &&
                     set_register(fd(), integer_register(kA1), argument) && set_register(fd(), kMode, KVM_RISCV_MODE_S);
  if (!taken) return os_error("KVM does not take the registers that a processor starts with");
  return {};
}

void RiscvVcpu::set_interrupt(IrqPin pin, bool level) noexcept {
  if (pin != kSupervisorExternal) return;
  kvm_interrupt argument{};
  argument.irq = static_cast<uint32_t>(level ? KVM_INTERRUPT_SET : KVM_INTERRUPT_UNSET);
  ioctl(fd(), KVM_INTERRUPT, &argument);
}

Registers RiscvVcpu::registers() const {
  Registers out;
  out.pc = get_register(fd(), kPc).value_or(0);
  for (unsigned number = 1; number < std::size(kIntegerNames); ++number)
    out.values.emplace_back(kIntegerNames[number], get_register(fd(), integer_register(number)).value_or(0));
  for (uint64_t index = 0; index < std::size(kCsrNames); ++index)
    out.values.emplace_back(kCsrNames[index], get_register(fd(), csr_register(index)).value_or(0));
  out.values.emplace_back("mode", get_register(fd(), kMode).value_or(0));
  return out;
}

void RiscvVcpu::save(StateWriter& writer) const {
  writer.section("kvm-riscv-vcpu", 1, [&] {
    save_registers(writer, fd());
    save_run_state(writer, fd());
  });
}

Result<void> RiscvVcpu::load(StateReader& reader) {
  reader.section("kvm-riscv-vcpu", 1, [&](uint32_t) {
    load_registers(reader, fd());
    load_run_state(reader, fd());
  });
  return reader.status();
}

Result<std::optional<Exit>> RiscvVcpu::handle_exit() {
  switch (shared().exit_reason) {
    case KVM_EXIT_RISCV_SBI:
      answer_call();
      return std::nullopt;
    case KVM_EXIT_RISCV_CSR:
      shared().riscv_csr.ret_value = 0;  // `seed`, the only one: no entropy yet (RISC-V Zkr)
      return std::nullopt;
    default:
      return crashed(fmt::format("the guest did what this version of vireo has no answer to (KVM exit {})",
                                 exit_name(shared().exit_reason)));
  }
}

/// An SBI call that the kernel leaves to the program.
void RiscvVcpu::answer_call() noexcept {
  auto& call = shared().riscv_sbi;
  const auto set_result = [&](long error, unsigned long value) {
    call.ret[0] = static_cast<unsigned long>(error);
    call.ret[1] = value;
  };
  switch (call.extension_id) {
    case kPutchar: {
      const auto byte = static_cast<std::byte>(call.args[0]);
      print_({&byte, 1});
      return set_result(kSuccess, 0);
    }
    case kGetchar:
      return set_result(-1, 0);  // no input: that is the console device's
    case kDbcn:
      return print_call(call.function_id, call.args, call.ret);
    default:
      return set_result(kNotSupported, 0);
  }
}

void RiscvVcpu::print_call(uint64_t function, const unsigned long* arguments, unsigned long* results) noexcept {
  results[0] = static_cast<unsigned long>(kSuccess);
  results[1] = 0;
  if (function == kDbcnWriteByte) {
    const auto byte = static_cast<std::byte>(arguments[0]);
    print_({&byte, 1});
  } else if (function == kDbcnWrite) {
    // A part is allowed; the caller goes on with the rest.
    std::array<std::byte, 1024> text;
    const auto part = std::span(text).first(std::min<unsigned long>(arguments[0], text.size()));
    if (arguments[2] != 0 || !memory_.read({arguments[1]}, part)) {
      results[0] = static_cast<unsigned long>(kInvalidParameter);
    } else {
      results[1] = print_(part);
    }
  } else if (function != kDbcnRead) {
    results[0] = static_cast<unsigned long>(kNotSupported);
  }
}

}  // namespace hv::kvm::riscv
