#include "vmm/machine/riscv64/processor.h"

#include "vmm/machine/riscv64/memory_map.h"

namespace vmm::riscv64 {
namespace {

constexpr uint32_t kCacheBlockSize = 64;  // of cbo.* instructions

}  // namespace

Processor emulated_processor() {
  Processor processor;
  // RISC-V Unprivileged, "ISA Extension Naming Conventions"
  processor.extensions = {
      "i",         "m",      "a",     "f",        "d",           "c",      "zicbom", "zicbop", "zicboz",
      "zicntr",    "zicond", "zicsr", "zifencei", "zihintpause", "zihpm",  "zimop",  "zabha",  "zacas",
      "zawrs",     "zfa",    "zfh",   "zfhmin",   "zcb",         "zba",    "zbb",    "zbc",    "zbs",
      "smstateen", "sstc",   "svadu", "svinval",  "svnapot",     "svpbmt", "svvptc",
  };
  processor.cbom_block = processor.cboz_block = processor.cbop_block = kCacheBlockSize;
  processor.timebase = kTimebaseFrequency;
  processor.has_machine_mode = true;
  return processor;
}

std::string isa_string(const Processor& processor) {
  std::string text = "rv64";
  for (const std::string& extension : processor.extensions) {
    if (extension.size() > 1) text += '_';
    text += extension;
  }
  return text;
}

}  // namespace vmm::riscv64
