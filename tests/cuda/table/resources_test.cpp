#include "table/resources.h"

#include <gtest/gtest.h>

#include <sstream>

namespace blip3o::table {
namespace {

TEST(Resources, NamesOfBothCompilersMeet) {
  EXPECT_EQ(Normalized("_ZN6blip3o4cuda4NormE"), "_ZN6blip3o4cuda4NormE");
  EXPECT_EQ(Normalized("_ZN6blip3o4cuda12_GLOBAL__N_16KernelENS_1PE"), "_ZN6blip3o4cuda12_GLOBAL__N_16KernelENS_1PE");
  // "_GLOBAL__N__" and 18 more are 30 characters.
  EXPECT_EQ(Normalized("_ZN6blip3o4cuda30_GLOBAL__N__12345678_7_norm_cu6KernelENS_1PE"),
            "_ZN6blip3o4cuda12_GLOBAL__N_16KernelENS_1PE");
  EXPECT_EQ(Normalized("_ZN6blip3o4cuda12_GLOBAL__N_1L6KernelENS_1PE"), "_ZN6blip3o4cuda12_GLOBAL__N_16KernelENS_1PE");
  // In the parameters too.
  EXPECT_EQ(Normalized("_ZN1a30_GLOBAL__N__12345678_7_norm_cu1KENS_30_GLOBAL__N__12345678_7_norm_cu1PE"),
            "_ZN1a12_GLOBAL__N_11KENS_12_GLOBAL__N_11PE");
}

TEST(Resources, OfOneArchitecture) {
  std::istringstream log(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function '_ZKernel' for 'sm_80'\n"
      "ptxas info    : Function properties for _ZKernel\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 1 barriers\n"
      "ptxas info    : Compiling entry function '_ZKernel' for 'sm_90'\n"
      "ptxas info    : Function properties for _ZKernel\n"
      "    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n"
      "ptxas info    : Used 64 registers, used 1 barriers, 128 bytes smem\n");
  const auto resources = ReadResources(log, "sm_90");
  ASSERT_EQ(resources.size(), 1u);
  EXPECT_EQ(resources.at("_ZKernel").registers, 64);
  EXPECT_EQ(resources.at("_ZKernel").spilled_bytes, 12);
  EXPECT_EQ(resources.at("_ZKernel").shared_bytes, 128);
}

TEST(Resources, SymbolsAreFoundWhereTheyRun) {
  std::istringstream symbols("0000000000001000 T somewhere\n");
  EXPECT_EQ(ReadSymbols(symbols).size(), 1u);
}

}  // namespace
}  // namespace blip3o::table
