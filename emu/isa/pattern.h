#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// Instruction tables are written as text and read by the compiler: a mistake in a row does not compile.
namespace emu {

namespace detail {
/// Not constexpr: reaching it while the compiler reads a table is the error message.
void malformed_instruction_table(const char* why);
}  // namespace detail

/// A bit pattern, most significant bit first: '0' and '1' are fixed, a letter is a bit of the field of that name, '-'
/// is a bit that the decoder ignores. Blanks are not allowed; the length is that of the encoding.
struct Pattern {
  unsigned width = 0;  ///< bits
  uint32_t mask = 0;   ///< the fixed bits
  uint32_t match = 0;  ///< their values
  uint32_t ignored = 0;
  std::array<uint32_t, 128> fields{};  ///< the bits of each letter's field

  consteval explicit Pattern(std::string_view text) : width(static_cast<unsigned>(text.size())) {
    if (width != 16 && width != 32) detail::malformed_instruction_table("a pattern has 16 or 32 characters");
    for (unsigned i = 0; i < width; ++i) {
      const char c = text[i];
      const uint32_t bit = uint32_t{1} << (width - 1 - i);
      if (c == '0' || c == '1') {
        mask |= bit;
        if (c == '1') match |= bit;
      } else if (c == '-') {
        ignored |= bit;
      } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        fields[static_cast<size_t>(c)] |= bit;
      } else {
        detail::malformed_instruction_table("a pattern consists of 0, 1, - and letters");
      }
    }
  }

  constexpr uint32_t field(char name) const { return fields[static_cast<size_t>(name)]; }
  constexpr bool has(char name) const { return field(name) != 0; }
};

/// How an immediate is gathered from the encoding: runs of bits that keep their order.
struct ImmediateLayout {
  struct Run {
    uint8_t from = 0;   ///< lowest bit in the encoding
    uint8_t to = 0;     ///< lowest bit in the value
    uint32_t mask = 0;  ///< of the run's width, at bit 0
  };
  std::array<Run, 8> runs{};
  uint8_t count = 0;
  uint8_t sign_bits =
      0;  ///< bits above the sign bit: the value is sign-extended by shifting it there and back; 0 if unsigned
  uint8_t low = 32;  ///< lowest bit of the value
  uint8_t high = 0;  ///< highest bit of the value

  constexpr ImmediateLayout() = default;

  /// `bits` lists the value's bits as the encoding has them, from its most significant bit on, in the notation of
  /// specifications: "12|10:5|4:1|11". `field` are the encoding's bits that hold them.
  consteval ImmediateLayout(std::string_view bits, bool is_signed, uint32_t field) {
    unsigned position = 0;
    while (position < bits.size()) {
      const unsigned top = number(bits, position);
      unsigned bottom = top;
      if (position < bits.size() && bits[position] == ':') bottom = number(bits, ++position);
      if (position < bits.size() && bits[position++] != '|')
        detail::malformed_instruction_table("bits are separated by |");
      if (top > 31 || bottom > top) detail::malformed_instruction_table("bit numbers fall from 31");
      for (unsigned bit = top + 1; bit-- > bottom;) append(bit, field);
      if (top > high) high = static_cast<uint8_t>(top);
      if (bottom < low) low = static_cast<uint8_t>(bottom);
    }
    if (field != 0) detail::malformed_instruction_table("the field has more bits than the immediate");
    if (is_signed) sign_bits = static_cast<uint8_t>(31 - high);
  }

  constexpr int32_t gather(uint32_t raw) const noexcept {
    uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) value |= ((raw >> runs[i].from) & runs[i].mask) << runs[i].to;
    return static_cast<int32_t>(value << sign_bits) >> sign_bits;
  }

  /// The encoding's bits for `value`; bits of the value that the encoding does not have are lost.
  constexpr uint32_t scatter(int32_t value) const noexcept {
    uint32_t raw = 0;
    for (unsigned i = 0; i < count; ++i)
      raw |= ((static_cast<uint32_t>(value) >> runs[i].to) & runs[i].mask) << runs[i].from;
    return raw;
  }

  /// The encoding's bits that hold the value.
  constexpr uint32_t field() const noexcept { return scatter(-1); }

 private:
  static consteval unsigned number(std::string_view text, unsigned& position) {
    unsigned value = 0;
    const unsigned start = position;
    for (; position < text.size() && text[position] >= '0' && text[position] <= '9'; ++position) {
      value = value * 10 + static_cast<unsigned>(text[position] - '0');
    }
    if (position == start) detail::malformed_instruction_table("a bit number is missing");
    return value;
  }

  /// The highest bit left in `field` holds the value's bit `bit`: it continues the last run or begins one.
  consteval void append(unsigned bit, uint32_t& field) {
    if (field == 0) detail::malformed_instruction_table("the field has fewer bits than the immediate");
    const auto source = static_cast<unsigned>(std::bit_width(field)) - 1;
    field &= ~(uint32_t{1} << source);
    if (count != 0 && runs[count - 1].from == source + 1 && runs[count - 1].to == bit + 1) {
      Run& run = runs[count - 1];
      run = {static_cast<uint8_t>(source), static_cast<uint8_t>(bit), run.mask << 1 | 1};
      return;
    }
    if (count == runs.size()) detail::malformed_instruction_table("an immediate of more than 8 runs");
    runs[count++] = {static_cast<uint8_t>(source), static_cast<uint8_t>(bit), 1};
  }
};

/// How a register number is read: a field of the encoding plus a base, or a constant when the mask is 0.
struct RegisterField {
  uint8_t shift = 0;
  uint8_t mask = 0;
  uint8_t base = 0;

  constexpr uint8_t read(uint32_t raw) const noexcept { return static_cast<uint8_t>(((raw >> shift) & mask) + base); }
  constexpr uint32_t field() const noexcept { return uint32_t{mask} << shift; }
  /// The encoding's bits for register `number`, which must be one that can be encoded: base to base + mask.
  constexpr uint32_t write(unsigned number) const noexcept { return (number - base) << shift; }
  constexpr bool holds(unsigned number) const noexcept { return number >= base && number - base <= mask; }
};

}  // namespace emu
