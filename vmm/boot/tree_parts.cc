#include "vmm/boot/tree_parts.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "hv/base/bits.h"

namespace vmm {

std::string at(std::string_view name, hv::GuestRange range) { return fmt::format("{}@{:x}", name, range.base.value); }

void make_seeds(Chosen& chosen) {
  (void)::getrandom(&chosen.kaslr_seed, sizeof chosen.kaslr_seed, GRND_NONBLOCK);
  (void)::getrandom(chosen.rng_seed.data(), chosen.rng_seed.size(), GRND_NONBLOCK);
}

void add_chosen(FdtBuilder& fdt, const Chosen& chosen) {
  fdt.node("chosen", [&] {
    if (!chosen.cmdline.empty()) fdt.string("bootargs", chosen.cmdline);
    if (!chosen.stdout_path.empty()) fdt.string("stdout-path", chosen.stdout_path);
    if (chosen.initrd.size != 0) {
      fdt.quad("linux,initrd-start", chosen.initrd.base.value);
      fdt.quad("linux,initrd-end", (chosen.initrd.base + chosen.initrd.size).value);
    }
    fdt.quad("kaslr-seed", chosen.kaslr_seed);
    fdt.bytes("rng-seed", chosen.rng_seed);
  });
}

void add_memory(FdtBuilder& fdt, hv::GuestRange ram) {
  fdt.node(at("memory", ram), [&] {
    fdt.string("device_type", "memory");
    fdt.reg(ram.base.value, ram.size);
  });
}

hv::Result<TopOfRam> place_at_top(hv::GuestRange ram, size_t device_tree_size) {
  constexpr uint64_t kSlack = 64u << 10;  // firmware adds nodes in place
  const uint64_t end = ram.base.value + ram.size;
  const uint64_t page = end - hv::kGuestPageSize;
  const uint64_t tree = hv::align_down(page - device_tree_size - kSlack, hv::kGuestPageSize);
  if (tree < ram.base.value) return hv::error("no room in memory for the device tree");
  return TopOfRam{{page}, {tree}};
}

}  // namespace vmm
