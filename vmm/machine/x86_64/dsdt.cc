#include "vmm/machine/x86_64/dsdt.h"

#include <fmt/format.h>

#include "devices/power/acpi_power.h"
#include "vmm/boot/acpi/aml.h"
#include "vmm/machine/x86_64/memory_map.h"

namespace vmm::x86_64 {
namespace {

namespace aml = acpi::aml;

aml::Bytes serial_port() {
  return aml::device("COM1", aml::join({aml::name("_HID", aml::eisa_id("PNP0501")), aml::name("_UID", aml::integer(0)),
                                        aml::name("_CRS", aml::resources({aml::io_ports(kSerial.base.value, 8),
                                                                          aml::edge_interrupt(kSerialInterrupt)}))}));
}

/// Linux, drivers/virtio/virtio_mmio.c: the identifier that QEMU gave these devices.
aml::Bytes virtio_device(unsigned slot) {
  return aml::device(fmt::format("VR{:02X}", slot),
                     aml::join({aml::name("_HID", aml::string("LNRO0005")), aml::name("_UID", aml::integer(slot)),
                                aml::name("_CCA", aml::integer(1)),
                                aml::name("_CRS", aml::resources({aml::memory32(virtio_slot(slot)),
                                                                  aml::edge_interrupt(kVirtioInterrupts[slot])}))}));
}

}  // namespace

std::vector<std::byte> make_dsdt(unsigned virtio_devices) {
  aml::Bytes devices = serial_port();
  for (unsigned slot = 0; slot < virtio_devices; ++slot) devices = aml::join({devices, virtio_device(slot)});
  return aml::join({aml::scope("\\_SB", devices),
                    aml::name("\\_S5", aml::package({aml::integer(devices::AcpiPower::kSoftOff), aml::integer(0)}))});
}

}  // namespace vmm::x86_64
