#include "vmm/machine/x86_64/dsdt.h"

#include <fmt/format.h>

#include "devices/power/acpi_events.h"
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

aml::Bytes clock() {
  return aml::device("RTC", aml::join({aml::name("_HID", aml::eisa_id("PNP0B00")),
                                       aml::name("_CRS", aml::resources({aml::io_ports(kClock.base.value, 2)}))}));
}

/// The button, and the device that tells of it. ACPI 6.5 §4.8.3.1, §5.6.9
aml::Bytes power_button() {
  using devices::AcpiEvents;
  constexpr uint64_t kPressed = 0x80;
  const aml::Bytes pressed = aml::if_then(aml::bit_and(aml::local0(), aml::integer(AcpiEvents::kPowerButton)),
                                          aml::notify("\\_SB.PWRB", kPressed));
  return aml::join(
      {aml::device("PWRB", aml::join({aml::name("_HID", aml::eisa_id("PNP0C0C")), aml::name("_UID", aml::integer(0))})),
       aml::device(
           "GED",
           aml::join(
               {aml::name("_HID", aml::string("ACPI0013")), aml::name("_UID", aml::integer(0)),
                aml::name("_CRS", aml::resources({aml::edge_interrupt(kEventInterrupt)})),
                aml::port_region("EVTS", kEvents.base.value, AcpiEvents::kSize), aml::byte_fields("EVTS", {"HAPP"}),
                aml::method("_EVT", 1, aml::join({aml::store(aml::reference("HAPP"), aml::local0()), pressed}))}))});
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
  aml::Bytes devices = aml::join({serial_port(), clock(), power_button()});
  for (unsigned slot = 0; slot < virtio_devices; ++slot) devices = aml::join({devices, virtio_device(slot)});
  return aml::join({aml::scope("\\_SB", devices),
                    aml::name("\\_S5", aml::package({aml::integer(devices::AcpiPower::kSoftOff), aml::integer(0)}))});
}

}  // namespace vmm::x86_64
