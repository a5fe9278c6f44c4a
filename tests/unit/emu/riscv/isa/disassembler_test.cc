#include "emu/riscv/isa/disassembler.h"

#include <gtest/gtest.h>

namespace emu::riscv {
namespace {

struct Text {
  uint32_t raw;
  const char* text;
};

class Disassemble : public testing::TestWithParam<Text> {};

TEST_P(Disassemble, PrintsTheText) {
  const Text& c = GetParam();

  EXPECT_EQ(disassemble(c.raw, 0x1000), c.text);
}

INSTANTIATE_TEST_SUITE_P(Common, Disassemble,
                         testing::Values(Text{0x00000013, "nop"}, Text{0x8082, "ret"}, Text{0xff5ff06f, "j\t0xff4"},
                                         Text{0x00050463, "beqz\ta0,0x1008"}, Text{0xc0102573, "rdtime\ta0"},
                                         Text{0x18051073, "csrw\tsatp,a0"}, Text{0x02a5f553, "fadd.d\tfa0,fa1,fa0"},
                                         Text{0x02a59553, "fadd.d\tfa0,fa1,fa0,rtz"},
                                         Text{0x06c5a52f, "amoadd.w.aqrl\ta0,a2,(a1)"}, Text{0x0ff0000f, "fence"},
                                         Text{0x0330000f, "fence\trw,rw"}, Text{0x00402503, "lw\ta0,4(zero) # 0x4"},
                                         Text{0, "unimp"}, Text{0x0000707f, ".4byte\t0x707f"},
                                         Text{0x9c00, ".2byte\t0x9c00"}));

/// Instructions that the binutils of Debian 12 does not know, from the specification.
INSTANTIATE_TEST_SUITE_P(
    Newer, Disassemble,
    testing::Values(Text{0x0ec5d533, "czero.eqz\ta0,a1,a2"}, Text{0x0ec5f533, "czero.nez\ta0,a1,a2"},
                    Text{0xf0180553, "fli.s\tfa0,0x1p+0"}, Text{0xf2100553, "fli.d\tfa0,-0x1p+0"},
                    Text{0xf4108553, "fli.h\tfa0,min"}, Text{0x28c5a553, "fminm.s\tfa0,fa1,fa2"},
                    Text{0x2ac5b553, "fmaxm.d\tfa0,fa1,fa2"}, Text{0x4045f553, "fround.s\tfa0,fa1"},
                    Text{0x42559553, "froundnx.d\tfa0,fa1,rtz"}, Text{0xc2859553, "fcvtmod.w.d\ta0,fa1,rtz"},
                    Text{0xa0c5c553, "fleq.s\ta0,fa1,fa2"}, Text{0xa2c5d553, "fltq.d\ta0,fa1,fa2"},
                    Text{0x28c5a52f, "amocas.w\ta0,a2,(a1)"}, Text{0x2ec5b52f, "amocas.d.aqrl\ta0,a2,(a1)"},
                    Text{0x28c5c52f, "amocas.q\ta0,a2,(a1)"}, Text{0x2cc5852f, "amocas.b.aq\ta0,a2,(a1)"},
                    Text{0x00c5852f, "amoadd.b\ta0,a2,(a1)"}, Text{0x0ac5952f, "amoswap.h.rl\ta0,a2,(a1)"},
                    Text{0x81c5c573, "mop.r.0\ta0,a1"}, Text{0xcdf5c573, "mop.r.31\ta0,a1"},
                    Text{0x82c5c573, "mop.rr.0\ta0,a1,a2"}, Text{0xcec5c573, "mop.rr.7\ta0,a1,a2"},
                    Text{0x6081, "c.mop.1"}, Text{0x6781, "c.mop.15"}, Text{0x8188, "lbu\ta0,0(a1)"},
                    Text{0x81e8, "lbu\ta0,3(a1)"}, Text{0x85a8, "lhu\ta0,2(a1)"}, Text{0x85c8, "lh\ta0,0(a1)"},
                    Text{0x89c8, "sb\ta0,1(a1)"}, Text{0x8da8, "sh\ta0,2(a1)"}, Text{0x9d4d, "mul\ta0,a0,a1"},
                    Text{0x9d61, "zext.b\ta0,a0"}, Text{0x9d65, "sext.b\ta0,a0"}, Text{0x9d69, "zext.h\ta0,a0"},
                    Text{0x9d6d, "sext.h\ta0,a0"}, Text{0x9d71, "zext.w\ta0,a0"}, Text{0x9d75, "not\ta0,a0"}));

TEST(DisassemblerTest, PrintsTheAddressThatAnInstructionPairCompletes) {
  Disassembler disassembler;

  disassembler.next(0x00001517, 0x1000);  // auipc a0,0x1

  EXPECT_EQ(disassembler.next(0x00852583, 0x1004), "lw\ta1,8(a0) # 0x2008");
  EXPECT_EQ(disassembler.next(0x00852583, 0x1008), "lw\ta1,8(a0)");
}

}  // namespace
}  // namespace emu::riscv
