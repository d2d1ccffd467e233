#include "compiled/kernel_checks.h"

#include <gtest/gtest.h>

#include <sstream>

namespace blip3o::compiled {
namespace {

constexpr char kSymbol[] = "_ZN6blip3o4cuda12_GLOBAL__N_17AKernelENS1_1PE";

// As ptxas 13.0 prints it.
Report ReportOf(int registers,
                const std::string& memory = "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads",
                const std::string& architecture = "sm_90", const std::string& body = "mma.sync.aligned.m16n8k16") {
  Report report;
  const std::string name = "_ZN6blip3o4cuda36_GLOBAL__N__d7267e89_4_a_cu_d06651037AKernelENS1_1PE";
  std::istringstream log("ptxas info    : 0 bytes gmem\nptxas info    : Compiling entry function '" + name + "' for '" +
                         architecture + "'\nptxas info    : Function properties for " + name + "\n    " + memory +
                         "\nptxas info    : Used " + std::to_string(registers) +
                         " registers, used 1 barriers, 400 bytes smem\n");
  ReadResources(log, report);
  std::istringstream ptx(".entry " + name +
                         "(\n.param .align 8 .b8 p[16]\n)\n.maxntid 256, 1, 1\n.minnctapersm 2\n{\n" + body +
                         "\n}\n.entry " + name + "2(\n)\n.maxntid 64, 1, 1\n.minnctapersm 1\n{\nret;\n}\n");
  ReadProgram(ptx, report);
  report.erase(report.upper_bound(kSymbol));  // the second one, which has no resources
  return report;
}

LaunchedKernel Launch() { return {"A", kSymbol, 256, 2, 40000, true}; }

bool Says(const Sentences& sentences, const std::string& words) {
  return sentences.size() == 1 && sentences[0].find(words) != std::string::npos;
}

TEST(KernelChecks, ReadsWhatTheCompilerSays) {
  const Report report = ReportOf(80);
  ASSERT_EQ(report.size(), 1u);
  const Kernel& kernel = report.at(kSymbol);
  EXPECT_EQ(kernel.resources.at("sm_90").registers, 80);
  EXPECT_EQ(kernel.resources.at("sm_90").shared_bytes, 400);
  EXPECT_EQ(kernel.program.threads, 256);
  EXPECT_EQ(kernel.program.blocks_per_sm, 2);
  EXPECT_TRUE(kernel.program.multiplies);
  EXPECT_TRUE(CheckLocalMemory(report).empty());
  EXPECT_TRUE(CheckOccupancy(report).empty());
  EXPECT_TRUE(CheckLaunches(report, {Launch()}, 90).empty());
}

TEST(KernelChecks, LocalMemoryIsABrokenPromise) {
  EXPECT_TRUE(Says(CheckLocalMemory(ReportOf(80, "8 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads")),
                   "has 8 bytes of local memory and spills 0"));
  EXPECT_TRUE(Says(CheckLocalMemory(ReportOf(80, "16 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads")),
                   "has 16 bytes of local memory and spills 16"));
}

TEST(KernelChecks, StatedBlocksNeedRegistersAndThreads) {
  EXPECT_TRUE(CheckOccupancy(ReportOf(128)).empty());
  EXPECT_TRUE(Says(CheckOccupancy(ReportOf(129)), "its 2 blocks of 256 threads take 69632 of 65536"));
  Report wide = ReportOf(16, "", "sm_120f");
  wide[kSymbol].program.blocks_per_sm = 7;
  EXPECT_TRUE(Says(CheckOccupancy(wide), "states 7 blocks of 256 threads: a multiprocessor has room for 1536"));
  wide[kSymbol].program = {};
  EXPECT_TRUE(Says(CheckOccupancy(wide), "states no launch bounds"));
  EXPECT_TRUE(Says(CheckOccupancy(ReportOf(16, "", "sm_70")), "sm_70: the limits of that architecture are not known"));
}

TEST(KernelChecks, LaunchesAgreeWithTheKernel) {
  const Report report = ReportOf(80);
  LaunchedKernel launch = Launch();
  launch.symbol = "another";
  EXPECT_TRUE(Says(CheckLaunches(report, {launch}, 90), "A launches another, of which the compiler said nothing"));
  launch = Launch();
  launch.threads = 128;
  EXPECT_TRUE(
      Says(CheckLaunches(report, {launch}, 90), "A launches 128 threads with 2 blocks per SM: the launch bounds are"));
  launch = Launch();
  launch.blocks_per_sm = 3;
  EXPECT_TRUE(Says(CheckLaunches(report, {launch}, 90), "the launch bounds are 256 and 2"));
  launch = Launch();
  launch.shared_bytes = 120000;
  EXPECT_TRUE(Says(CheckLaunches(report, {launch}, 90), "takes 121424 bytes of shared memory a block"));
  EXPECT_TRUE(CheckLaunches(report, {launch}, 80).empty());  // other code
}

TEST(KernelChecks, EveryKernelIsLaunched) {
  const Report report = ReportOf(80);
  EXPECT_TRUE(CheckAllAreLaunched(report, {Launch()}).empty());
  EXPECT_TRUE(Says(CheckAllAreLaunched(report, {}), "AKernelENS1_1PE is launched by no stage"));
}

TEST(KernelChecks, TensorCoresAreSaidAsTheyAreUsed) {
  EXPECT_TRUE(Says(CheckLaunches(ReportOf(80, "", "sm_90", "fma.rn.f32"), {Launch()}, 90), "lacks mma"));
  LaunchedKernel launch = Launch();
  launch.tensor_cores = false;
  EXPECT_TRUE(Says(CheckLaunches(ReportOf(80), {launch}, 90), "holds mma"));
}

TEST(KernelChecks, InstructionsStandInOneHeader) {
  EXPECT_TRUE(
      CheckSource("a.cu", "// asm is a word\n/* threadIdx.x\n */ int asmx = 1; f(\"asm \\\" asm\");\n").empty());
  EXPECT_TRUE(Says(CheckSource("a.cu", "int a;\n  asm volatile(\"\");\n"), "a.cu:2 holds asm"));
  EXPECT_TRUE(CheckSource("a.cpp", "config.blockDim = 1;").empty());
  EXPECT_TRUE(Says(CheckSource("a.cpp", "__asm(\"\");"), "a.cpp:1 holds __asm"));
  EXPECT_TRUE(Says(CheckSource("a.cpp", "__asm__ volatile(\"\");"), "a.cpp:1 holds __asm__"));
  EXPECT_TRUE(Says(CheckSource("a.cu", "x = __shfl_xor_sync(m, v, 1);"), "a.cu:1 holds __shfl_xor_sync"));
  EXPECT_TRUE(Says(CheckSource("a.cu", "/* */ atomicAdd(p, 1);"), "holds atomicAdd("));
  EXPECT_TRUE(Says(CheckSource("a.cu", "__shared__ float s;"), "holds __shared__"));
  EXPECT_TRUE(Says(CheckSource("a.cu", "int i = blockIdx.x;"), "holds blockIdx"));
}

}  // namespace
}  // namespace blip3o::compiled
