#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hv/base/check.h"
#include "vmm/config/parser.h"

/// Any bytes are a machine file: it is read, or refused in words.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const hv::Result<vmm::ConfigNode> tree =
      vmm::read_yaml(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.yaml");
  if (!tree) {
    CHECK(!tree.error().message.empty());
    return 0;
  }
  const hv::Result<vmm::MachineConfig> config = vmm::parse_machine(*tree);
  CHECK(config || !config.error().message.empty());
  return 0;
}
