#include "vmm/cli/cli.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "tests/unit/vmm/boot/test_files.h"
#include "tests/unit/vmm/machine/bare_programs.h"

namespace vmm {
namespace {

using ::testing::ContainsRegex;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome vireo(std::vector<const char*> words) {
  words.insert(words.begin(), "vireo");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = run_cli(static_cast<int>(words.size()), words.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

class CommandLine : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    return folder_.write(name, std::as_bytes(std::span(text)));
  }

  testing::TemporaryFolder folder_;
};

TEST_F(CommandLine, TeachesWithExamples) {
  const Outcome outcome = vireo({"--help"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("vireo run configs/riscv64-minimal.yaml"), std::string::npos);
}

TEST_F(CommandLine, SaysWhichEngineGuestsOfAnArchitectureRunIn) {
  EXPECT_THAT(vireo({"info"}).out, ContainsRegex("guests: +riscv64 (on KVM|in the JIT|in the interpreter)"));
}

TEST_F(CommandLine, GivesStatus2WhenItIsWrong) {
  EXPECT_EQ(vireo({"fly"}).status, 2);
  EXPECT_EQ(vireo({}).status, 2);
  EXPECT_EQ(vireo({"run", "--timeout", "-1"}).status, 2);
  EXPECT_EQ(vireo({"run", "--timeout", "2m"}).err,
            "vireo: --timeout: \"2m\" is not a number of seconds from 0.001 to 1000000000; see \"vireo run --help\"\n");
  EXPECT_EQ(vireo({"run"}).status, 2);
  EXPECT_EQ(vireo({"run", "--arch", "riscv64", "--bare", "/absent"}).err, "--bare: /absent: no such file\n");
  EXPECT_EQ(vireo({"image"}).err, "vireo: a command is missing; see \"vireo image --help\"\n");
}

TEST_F(CommandLine, RefusesABareProgramForAMachineThatBootsKernels) {
  const std::string program = write("program", "");
  const Outcome outcome = vireo({"run", "--arch", "x86_64", "--bare", program.c_str()});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "--bare: an x86_64 machine boots a kernel; give \"boot.kernel\" instead\n");
}

TEST_F(CommandLine, ChecksEveryFile) {
  write("Image", "");
  const std::string good = write("good.yaml", "arch: riscv64\nboot: {kernel: Image}\n");
  const std::string bad = write("bad.yaml", "arch: mips\n");
  const Outcome outcome = vireo({"check", bad.c_str(), good.c_str()});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, good + ": ok\n");
  EXPECT_EQ(outcome.err, bad + ":1:7: \"arch\" must be one of riscv64, arm64, x86_64, not \"mips\"\n");
}

TEST_F(CommandLine, ChecksForPrograms) {
  const std::string bad = write("bad.yaml", "cpus: 1\n");
  const boost::json::value report = boost::json::parse(vireo({"check", "--json", bad.c_str()}).out);
  EXPECT_FALSE(report.at(0).at("ok").as_bool());
  EXPECT_EQ(report.at(0).at("error").as_string(),
            bad + ":1:1: \"arch\" is missing; it must be one of riscv64, arm64, x86_64");
}

TEST_F(CommandLine, FailsWhenWhatItPrintsIsLost) {
  const auto print = [] {
    const std::array words = {"vireo", "schema"};
    if (std::freopen("/dev/full", "w", stdout) == nullptr) std::exit(1);
    std::exit(run_cli(static_cast<int>(words.size()), words.data()));
  };
  EXPECT_EXIT(print(), ::testing::ExitedWithCode(125), "vireo: standard output cannot be written to");
}

TEST_F(CommandLine, PrintsTheSchema) {
  EXPECT_EQ(boost::json::parse(vireo({"schema"}).out).at("title").as_string(), "Vireo machine file");
}

TEST_F(CommandLine, DescribesTheHost) {
  const boost::json::value report = boost::json::parse(vireo({"info", "--json"}).out);
  EXPECT_TRUE(report.at("engines").as_string().starts_with("interp"));
  EXPECT_TRUE(report.as_object().contains("kvm"));
}

TEST_F(CommandLine, DisassemblesNumbers) {
  EXPECT_EQ(vireo({"disasm", "00a50533", "8082", "--address", "80000000"}).out,
            "80000000:\t00a50533          \tadd\ta0,a0,a0\n80000004:\t8082              \tret\n");
  EXPECT_EQ(vireo({"disasm", "hello"}).status, 2);
}

TEST_F(CommandLine, DisassemblesElfFiles) {
  testing::ElfBuilder builder;
  builder.program.p_flags = PF_X;
  builder.program.p_filesz = 4;
  const std::string path = folder_.write("a.elf", builder.build());
  EXPECT_EQ(vireo({"disasm", path.c_str()}).out,
            "    1000:\t7788              \tld\ta0,40(a5)\n    1002:\t5566              "
            "\tlw\ta0,120(sp)\n");
}

TEST_F(CommandLine, ListsTheInstructionTable) {
  const Outcome outcome = vireo({"isa"});
  EXPECT_NE(outcome.out.find("fence.i          Zifencei                  yes"), std::string::npos) << outcome.out;
  EXPECT_EQ(vireo({"isa", "--missing", "--json"}).out, "[]\n");
}

TEST_F(CommandLine, RunsABareProgramWhoseResultIsTheExitStatus) {
  const std::string path = folder_.write("five.elf", testing::riscv_program(testing::program::kExitWith5));
  EXPECT_EQ(vireo({"run", "--arch", "riscv64", "--bare", path.c_str(), "--memory", "16MiB"}).status, 5);
}

TEST_F(CommandLine, PrintsWhatABareProgramPrints) {
  const std::string path = folder_.write("print.elf", testing::riscv_program(testing::program::kPrint));
  const Outcome outcome = vireo({"run", "--arch", "riscv64", "--bare", path.c_str(), "--memory", "16MiB"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "hi");
}

TEST_F(CommandLine, GivesStatus124AfterATimeOut) {
  const std::string path = folder_.write("sleep.elf", testing::riscv_program(testing::program::kSleep));
  const Outcome outcome =
      vireo({"run", "--arch", "riscv64", "--bare", path.c_str(), "--memory", "16MiB", "--timeout", "0.05"});
  EXPECT_EQ(outcome.status, 124);
  EXPECT_EQ(outcome.err, "vireo: the time-out of 0.05 s is over\n");
}

}  // namespace
}  // namespace vmm
