#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"
#include "vmm/boot/fdt_builder.h"

/// What the device trees of all architectures have.
namespace vmm {

/// A node's name: "uart@9000000".
std::string at(std::string_view name, hv::GuestRange range);

/// What a kernel starts with. Devicetree Specification 0.4 §3.6; Linux, Documentation/devicetree/bindings/chosen.txt
struct Chosen {
  std::string cmdline;
  std::string stdout_path;  ///< empty: none
  hv::GuestRange initrd;    ///< size 0: none
  uint64_t kaslr_seed = 0;
  std::array<std::byte, 64> rng_seed{};
};

/// Fills the seeds from the host's entropy; without any they stay zero, which a kernel takes for none.
void make_seeds(Chosen& chosen);

void add_chosen(FdtBuilder& fdt, const Chosen& chosen);
void add_memory(FdtBuilder& fdt, hv::GuestRange ram);

/// Room at the top of RAM for a page of firmware's and, below it, a device tree that firmware may add to.
struct TopOfRam {
  hv::GuestAddress page;
  hv::GuestAddress device_tree;
};
hv::Result<TopOfRam> place_at_top(hv::GuestRange ram, size_t device_tree_size);

}  // namespace vmm
