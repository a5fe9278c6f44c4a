#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "hv/core/guest_address.h"

/// A small encoder of AML (ACPI 6.5 §20): each function gives the bytes of one object, and objects are put together by
/// putting their bytes behind each other. Names have one to four characters; a leading '\\' and dots are understood.
namespace vmm::acpi::aml {

using Bytes = std::vector<std::byte>;

Bytes join(std::initializer_list<Bytes> parts);

Bytes integer(uint64_t value);
Bytes string(std::string_view text);
Bytes buffer(const Bytes& data);
Bytes package(std::initializer_list<Bytes> elements);
/// "PNP0501" and the like as a compressed identifier. §19.3.4
Bytes eisa_id(std::string_view id);

Bytes name(std::string_view path, const Bytes& value);
Bytes scope(std::string_view path, const Bytes& content);
Bytes device(std::string_view path, const Bytes& content);
/// A serialized method.
Bytes method(std::string_view path, unsigned arguments, const Bytes& content);
Bytes notify(std::string_view path, uint64_t value);
/// Ports from `base` on, and byte-wide fields in them, the first at `base`. §19.6.100, §19.6.48
Bytes port_region(std::string_view name, uint16_t base, uint8_t count);
Bytes byte_fields(std::string_view region, std::initializer_list<std::string_view> names);
/// A name, a method's first local variable, and what is done with operands.
Bytes reference(std::string_view path);
Bytes local0();
Bytes store(const Bytes& value, const Bytes& target);
Bytes bit_and(const Bytes& left, const Bytes& right);
Bytes if_then(const Bytes& predicate, const Bytes& content);

/// A resource template of descriptors. §6.4
Bytes resources(std::initializer_list<Bytes> descriptors);
Bytes memory32(hv::GuestRange range);
Bytes io_ports(uint16_t base, uint8_t count);
/// Edge-triggered, active high.
Bytes edge_interrupt(uint32_t number);

}  // namespace vmm::acpi::aml
