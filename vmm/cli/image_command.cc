#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "vmm/cli/command.h"
#include "vmm/config/image_cache.h"
#include "vmm/config/json_text.h"

namespace vmm {
namespace {

namespace fs = std::filesystem;

struct Image {
  std::string name;  ///< as a machine file names it
  uint64_t size = 0;
};

/// Names that begin with a dot are the image builder's own; it links a finished folder under the architecture's name.
std::vector<Image> cached_images() {
  std::vector<Image> images;
  const fs::path folder = image_cache_folder();
  std::error_code code;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::follow_directory_symlink, code), end;
       !code && it != end; it.increment(code)) {
    if (it->path().filename().string().starts_with('.')) {
      it.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    images.push_back({"cache:" + it->path().lexically_relative(folder).string(), it->file_size(ignored)});
  }
  std::ranges::sort(images, {}, &Image::name);
  return images;
}

int list_images(bool json) {
  boost::json::array report;
  for (const Image& image : cached_images()) {
    if (json) {
      report.push_back(boost::json::object{{"name", image.name}, {"size", image.size}});
    } else {
      std::puts(fmt::format("{:<40} {:>8} KiB", image.name, (image.size + 1023) / 1024).c_str());
    }
  }
  if (json) std::fputs(indented_json(report).c_str(), stdout);
  return exit_status::kSuccess;
}

/// The image builder lies in the source tree or, installed, in share/vireo beside the program.
fs::path image_builder() {
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code);
  for (const char* const relative : {"../../../scripts/guest", "../../share/vireo/scripts/guest"}) {
    fs::path candidate = (program / relative).lexically_normal();
    if (fs::is_regular_file(candidate, code)) return candidate;
  }
  return {};
}

int build_image(const std::string& arch, bool quiet) {
  const fs::path builder = image_builder();
  if (builder.empty()) {
    return report(
        {"the image builder, scripts/guest, is neither in share/vireo beside the program nor in its source tree"},
        exit_status::kFailed);
  }
  std::vector<std::string> words = {builder.string(), "build", arch};
  if (quiet) words.push_back("--quiet");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  return report({fmt::format("{}: cannot be run: {}", builder.string(), std::strerror(errno))}, exit_status::kFailed);
}

}  // namespace

void add_image_command(CLI::App& app, int& status) {
  CLI::App* const command = app.add_subcommand("image", "Guest kernels and root file systems in the user's cache");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  vireo image build riscv64   fetch a kernel and make a root file system\n"
      "  vireo image ls              what machine files can name as cache:ARCH/NAME");

  const auto json = std::make_shared<bool>(false);
  CLI::App* const list = command->add_subcommand("ls", "List the images that machine files can name");
  list->footer("Examples:\n  vireo image ls\n  vireo image ls --json");
  list->add_flag("--json", *json, "Report as JSON");
  list->callback([json, &status] { status = list_images(*json); });

  const auto arch = std::make_shared<std::string>();
  const auto quiet = std::make_shared<bool>(false);
  CLI::App* const build = command->add_subcommand("build", "Fetch Debian's kernel and make a root file system");
  build->add_option("ARCH", *arch, "The guest's architecture")
      ->required()
      ->check(CLI::IsMember({"riscv64", "arm64", "x86_64"}));
  build->add_flag("-q,--quiet", *quiet, "No progress");
  build->footer("Example:\n  vireo image build riscv64");
  build->callback([arch, quiet, &status] { status = build_image(*arch, *quiet); });
}

}  // namespace vmm
