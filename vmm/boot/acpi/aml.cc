#include "vmm/boot/acpi/aml.h"

#include <algorithm>
#include <string>

namespace vmm::acpi::aml {
namespace {

// ACPI 6.5 §20.3, table 20.2
enum class Op : uint8_t {
  zero = 0x00,
  one = 0x01,
  name = 0x08,
  byte = 0x0a,
  word = 0x0b,
  dword = 0x0c,
  string = 0x0d,
  qword = 0x0e,
  scope = 0x10,
  buffer = 0x11,
  package = 0x12,
  method = 0x14,
  dual_name = 0x2e,
  multi_name = 0x2f,
  extended = 0x5b,
  local0 = 0x60,
  store = 0x70,
  bit_and = 0x7b,
  notify = 0x86,
  if_then = 0xa0,
};
constexpr uint8_t kExtendedRegion = 0x80;
constexpr uint8_t kExtendedField = 0x81;
constexpr uint8_t kExtendedDevice = 0x82;
constexpr uint8_t kSerialized = 1u << 3;

constexpr size_t kNameLength = 4;

void put(Bytes& out, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}
void put(Bytes& out, Op op) { put(out, static_cast<uint8_t>(op), 1); }
void put(Bytes& out, const Bytes& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

Bytes with_op(Op op, uint64_t value, unsigned size) {
  Bytes out;
  put(out, op);
  put(out, value, size);
  return out;
}

/// PkgLength, which counts itself, and what it is of. §20.2.4
Bytes sized(const Bytes& content) {
  Bytes out;
  constexpr size_t kOneByte = 0x3f;
  if (content.size() + 1 <= kOneByte) {
    put(out, content.size() + 1, 1);
  } else {
    unsigned more = 1;
    while (content.size() + 1 + more >= size_t{1} << (4 + 8 * more)) ++more;
    const size_t length = content.size() + 1 + more;
    put(out, (more << 6) | (length & 0xf), 1);
    put(out, length >> 4, more);
  }
  put(out, content);
  return out;
}

/// NameString. §20.2.2
Bytes path_bytes(std::string_view path) {
  Bytes out;
  if (path.starts_with('\\')) {
    put(out, '\\', 1);
    path.remove_prefix(1);
  }
  const auto segments = static_cast<size_t>(std::ranges::count(path, '.')) + 1;
  if (segments == 2) put(out, Op::dual_name);
  if (segments > 2) {
    put(out, Op::multi_name);
    put(out, segments, 1);
  }
  for (size_t i = 0; i < segments; ++i) {
    const std::string_view segment = path.substr(0, path.find('.'));
    for (size_t c = 0; c < kNameLength; ++c) put(out, static_cast<uint8_t>(c < segment.size() ? segment[c] : '_'), 1);
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
  }
  return out;
}

Bytes named(std::string_view path, const Bytes& content) { return sized(join({path_bytes(path), content})); }

/// A large resource descriptor: its tag, the length of the rest. §6.4.3
Bytes large_resource(uint8_t tag, const Bytes& content) {
  Bytes out;
  put(out, tag, 1);
  put(out, content.size(), 2);
  put(out, content);
  return out;
}

}  // namespace

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) put(out, part);
  return out;
}

Bytes integer(uint64_t value) {
  if (value <= 1) return with_op(value == 0 ? Op::zero : Op::one, 0, 0);
  if (value <= 0xff) return with_op(Op::byte, value, 1);
  if (value <= 0xffff) return with_op(Op::word, value, 2);
  if (value <= 0xffff'ffff) return with_op(Op::dword, value, 4);
  return with_op(Op::qword, value, 8);
}

Bytes string(std::string_view text) {
  Bytes out;
  put(out, Op::string);
  for (const char c : text) put(out, static_cast<uint8_t>(c), 1);
  put(out, 0, 1);
  return out;
}

Bytes buffer(const Bytes& data) { return join({with_op(Op::buffer, 0, 0), sized(join({integer(data.size()), data}))}); }

Bytes package(std::initializer_list<Bytes> elements) {
  Bytes content;
  put(content, elements.size(), 1);
  for (const Bytes& element : elements) put(content, element);
  return join({with_op(Op::package, 0, 0), sized(content)});
}

Bytes eisa_id(std::string_view id) {
  constexpr size_t kLength = 7;  // three letters, four hexadecimal digits
  if (id.size() != kLength) return integer(0);
  const auto letter = [&](size_t i) { return static_cast<uint32_t>(id[i] - 'A' + 1) & 0x1f; };
  const auto digits = static_cast<uint32_t>(std::stoul(std::string(id.substr(3)), nullptr, 16));
  const uint32_t value = (letter(0) << 26) | (letter(1) << 21) | (letter(2) << 16) | digits;
  return with_op(Op::dword, __builtin_bswap32(value), 4);
}

Bytes name(std::string_view path, const Bytes& value) {
  return join({with_op(Op::name, 0, 0), path_bytes(path), value});
}

Bytes scope(std::string_view path, const Bytes& content) {
  return join({with_op(Op::scope, 0, 0), named(path, content)});
}

Bytes device(std::string_view path, const Bytes& content) {
  return join({with_op(Op::extended, kExtendedDevice, 1), named(path, content)});
}

Bytes method(std::string_view path, unsigned arguments, const Bytes& content) {
  Bytes flags;
  put(flags, arguments | kSerialized, 1);
  return join({with_op(Op::method, 0, 0), named(path, join({flags, content}))});
}

Bytes notify(std::string_view path, uint64_t value) {
  return join({with_op(Op::notify, 0, 0), path_bytes(path), integer(value)});
}

Bytes port_region(std::string_view name, uint16_t base, uint8_t count) {
  constexpr uint8_t kPortSpace = 1;
  return join({with_op(Op::extended, kExtendedRegion, 1),
               path_bytes(name),
               {std::byte{kPortSpace}},
               integer(base),
               integer(count)});
}

Bytes byte_fields(std::string_view region, std::initializer_list<std::string_view> names) {
  constexpr uint8_t kByteAccess = 1;
  constexpr uint8_t kBits = 8;
  Bytes content{std::byte{kByteAccess}};
  for (const std::string_view name : names) {
    put(content, path_bytes(name));
    put(content, kBits, 1);
  }
  return join({with_op(Op::extended, kExtendedField, 1), named(region, content)});
}

Bytes reference(std::string_view path) { return path_bytes(path); }

Bytes local0() { return with_op(Op::local0, 0, 0); }

Bytes store(const Bytes& value, const Bytes& target) { return join({with_op(Op::store, 0, 0), value, target}); }

Bytes bit_and(const Bytes& left, const Bytes& right) {
  constexpr uint8_t kNowhere = 0;  // the result is the expression's value only
  return join({with_op(Op::bit_and, 0, 0), left, right, {std::byte{kNowhere}}});
}

Bytes if_then(const Bytes& predicate, const Bytes& content) {
  return join({with_op(Op::if_then, 0, 0), sized(join({predicate, content}))});
}

Bytes resources(std::initializer_list<Bytes> descriptors) {
  constexpr uint16_t kEndTag = 0x0079;  // with a checksum of 0, which counts as right
  Bytes content;
  for (const Bytes& descriptor : descriptors) put(content, descriptor);
  put(content, kEndTag, 2);
  return buffer(content);
}

Bytes memory32(hv::GuestRange range) {
  constexpr uint8_t kWritable = 1;
  Bytes content;
  put(content, kWritable, 1);
  put(content, range.base.value, 4);
  put(content, range.size, 4);
  return large_resource(0x86, content);
}

Bytes io_ports(uint16_t base, uint8_t count) {
  constexpr uint8_t kTag = 0x47;
  constexpr uint8_t kDecodes16Bits = 1;
  constexpr uint8_t kAlignment = 1;
  Bytes out;
  put(out, kTag, 1);
  put(out, kDecodes16Bits, 1);
  put(out, base, 2);
  put(out, base, 2);
  put(out, kAlignment, 1);
  put(out, count, 1);
  return out;
}

Bytes edge_interrupt(uint32_t number) {
  constexpr uint8_t kConsumer = 1u << 0;
  constexpr uint8_t kEdge = 1u << 1;
  Bytes content;
  put(content, kConsumer | kEdge, 1);
  put(content, 1, 1);
  put(content, number, 4);
  return large_resource(0x89, content);
}

}  // namespace vmm::acpi::aml
