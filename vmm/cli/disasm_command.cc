#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "emu/riscv/isa/disassembler.h"
#include "hv/base/endian.h"
#include "vmm/boot/elf.h"
#include "vmm/cli/command.h"

namespace vmm {
namespace {

struct DisasmOptions {
  std::string arch = "riscv64";
  std::vector<std::string> inputs;
  std::string address = "0";
};

std::optional<uint64_t> parse_hex(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// RISC-V Unprivileged, "Base Instruction-Length Encoding"
size_t length_of(uint32_t raw) { return (raw & 3) == 3 ? 4 : 2; }

void print_line(emu::riscv::Disassembler& disassembler, uint64_t address, uint32_t raw) {
  const std::string bytes = length_of(raw) == 4 ? fmt::format("{:08x}", raw) : fmt::format("{:04x}", raw & 0xffff);
  std::puts(fmt::format("{:8x}:\t{:<8}          \t{}", address, bytes, disassembler.next(raw, address)).c_str());
}

void print_segment(const ElfSegment& segment, const std::multimap<uint64_t, std::string>& labels) {
  emu::riscv::Disassembler disassembler;
  for (size_t offset = 0; offset + 2 <= segment.data.size();) {
    const uint64_t address = segment.virtual_address + offset;
    for (auto [label, end] = labels.equal_range(address); label != end; ++label)
      std::puts(fmt::format("\n{:016x} <{}>:", address, label->second).c_str());
    uint32_t raw = hv::load_le<uint16_t>(segment.data.data() + offset);
    if (length_of(raw) == 4) {
      if (offset + 4 > segment.data.size()) break;
      raw = hv::load_le<uint32_t>(segment.data.data() + offset);
    }
    print_line(disassembler, address, raw);
    offset += length_of(raw);
  }
}

int disassemble_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return report({path + ": cannot be read"}, exit_status::kFailed);
  const auto elf = parse_elf(std::as_bytes(std::span(file)), kElfRiscv);
  if (!elf) return report({path + ": " + elf.error().message}, exit_status::kFailed);
  std::multimap<uint64_t, std::string> labels;
  for (const auto& [name, value] : elf->symbols) {
    if (!name.starts_with('$') && !name.starts_with(".L")) labels.emplace(value, name);  // not assembler-local ones
  }
  for (const ElfSegment& segment : elf->segments) {
    if (segment.is_executable) print_segment(segment, labels);
  }
  return exit_status::kSuccess;
}

int disassemble_words(const std::vector<std::string>& words, uint64_t address) {
  emu::riscv::Disassembler disassembler;
  for (const std::string& word : words) {
    const std::optional<uint64_t> raw = parse_hex(word);
    if (!raw || *raw > 0xffff'ffff) {
      return report({fmt::format("\"{}\" is neither a file nor an instruction in hexadecimal, like 00a50533", word)},
                    exit_status::kUsage);
    }
    print_line(disassembler, address, static_cast<uint32_t>(*raw));
    address += length_of(static_cast<uint32_t>(*raw));
  }
  return exit_status::kSuccess;
}

int disassemble(const DisasmOptions& options) {
  std::error_code code;
  if (options.inputs.size() == 1 && std::filesystem::is_regular_file(options.inputs[0], code))
    return disassemble_file(options.inputs[0]);
  const std::optional<uint64_t> address = parse_hex(options.address);
  if (!address) return report({"--address: \"" + options.address + "\" is not an address"}, exit_status::kUsage);
  return disassemble_words(options.inputs, *address);
}

}  // namespace

void add_disasm_command(CLI::App& app, int& status) {
  const auto options = std::make_shared<DisasmOptions>();
  CLI::App* const command = app.add_subcommand("disasm", "Disassemble an ELF file, or instructions given as numbers");
  command->add_option("INPUT", options->inputs, "An ELF file, or instructions in hexadecimal")->required();
  command->add_option("--arch", options->arch, "The guest's architecture")->check(CLI::IsMember({"riscv64"}));
  command->add_option("--address", options->address, "Where the first instruction lies, in hexadecimal");
  command->footer("Examples:\n  vireo disasm vmlinux\n  vireo disasm 00a50533 8082 --address 80000000");
  command->callback([options, &status] { status = disassemble(*options); });
}

}  // namespace vmm
