#include "compiled/kernel_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "ops/cuda/launch.h"

namespace blip3o::compiled {

namespace {

constexpr int64_t kKiB = 1024;
constexpr int64_t kRegistersPerSm = 65536;
constexpr int64_t kRegisterUnit = 256;  // a warp's registers are a multiple of it
constexpr int64_t kWarp = 32;
constexpr int64_t kReservedShared = kKiB;  // of a block, beside its own

// The devices that run code of an architecture: the least of their limits (CUDA C++ Programming Guide, technical
// specifications for each compute capability).
struct Limits {
  const char* architecture;
  int least_capability, most_capability;
  int64_t threads_per_sm, shared_per_sm;
};
constexpr Limits kLimits[] = {{"sm_80", 80, 80, 1536, 100 * kKiB},  // 8.6 and 8.9 too
                              {"sm_90", 90, 90, 2048, 228 * kKiB},
                              {"sm_100", 100, 103, 2048, 228 * kKiB},
                              {"sm_120", 120, 121, 1536, 100 * kKiB}};

std::optional<Limits> LimitsOf(const std::string& architecture) {
  // "sm_100f" is the family of sm_100.
  const std::string plain = architecture.substr(0, architecture.find_last_of("0123456789") + 1);
  for (const Limits& limits : kLimits) {
    if (plain == limits.architecture) return limits;
  }
  return {};
}

std::string Shown(const std::string& symbol, const std::string& architecture) {
  return fmt::format("{} for {}", symbol, architecture);
}

// Comments and texts become blanks, line by line.
std::string WithoutComments(const std::string& text) {
  std::string code = text;
  enum { kCode, kLine, kBlock, kText } in = kCode;
  for (size_t i = 0; i < code.size(); ++i) {
    const char next = i + 1 < code.size() ? code[i + 1] : '\0';
    if (in == kCode && code[i] == '/' && next == '/') in = kLine;
    if (in == kCode && code[i] == '/' && next == '*') in = kBlock;
    if (in == kLine && code[i] == '\n') in = kCode;
    if (in == kBlock && code[i] == '*' && next == '/') {
      code[i] = code[i + 1] = ' ';
      in = kCode;
    } else if (code[i] == '"' && (in == kCode || in == kText)) {
      in = in == kCode ? kText : kCode;
    } else if (in != kCode && code[i] != '\n') {
      if (in == kText && code[i] == '\\' && next != '\n') code[++i] = ' ';
      code[i] = ' ';
    }
  }
  return code;
}

}  // namespace

Sentences CheckLocalMemory(const Report& report) {
  Sentences broken;
  for (const auto& [symbol, kernel] : report) {
    for (const auto& [architecture, resources] : kernel.resources) {
      if (resources.stack_bytes == 0 && resources.spilled_bytes == 0) continue;
      broken.push_back(fmt::format("{} has {} bytes of local memory and spills {}", Shown(symbol, architecture),
                                   resources.stack_bytes, resources.spilled_bytes));
    }
  }
  return broken;
}

Sentences CheckOccupancy(const Report& report) {
  Sentences broken;
  for (const auto& [symbol, kernel] : report) {
    const int64_t threads = kernel.program.threads, blocks = kernel.program.blocks_per_sm;
    if (threads == 0 || blocks == 0) {
      broken.push_back(symbol + " states no launch bounds");
      continue;
    }
    if (kernel.resources.empty()) broken.push_back(symbol + " was compiled for no architecture");
    for (const auto& [architecture, resources] : kernel.resources) {
      const std::optional<Limits> limits = LimitsOf(architecture);
      if (!limits) {
        broken.push_back(fmt::format("{}: the limits of that architecture are not known here", architecture));
        continue;
      }
      const int64_t warp_registers = cuda::RoundUp(resources.registers * kWarp, kRegisterUnit);
      const int64_t registers = blocks * (threads / kWarp) * warp_registers;
      if (registers > kRegistersPerSm) {
        broken.push_back(fmt::format("{} takes {} registers a thread: its {} blocks of {} threads take {} of {}",
                                     Shown(symbol, architecture), resources.registers, blocks, threads, registers,
                                     kRegistersPerSm));
      }
      if (blocks * threads > limits->threads_per_sm) {
        broken.push_back(fmt::format("{} states {} blocks of {} threads: a multiprocessor has room for {} threads",
                                     Shown(symbol, architecture), blocks, threads, limits->threads_per_sm));
      }
    }
  }
  return broken;
}

Sentences CheckLaunches(const Report& report, const std::vector<LaunchedKernel>& launched, int compute_capability) {
  Sentences broken;
  for (const LaunchedKernel& launch : launched) {
    const auto found = report.find(launch.symbol);
    if (found == report.end()) {
      broken.push_back(fmt::format("{} launches {}, of which the compiler said nothing", launch.name, launch.symbol));
      continue;
    }
    const Program& program = found->second.program;
    if (launch.threads != program.threads || launch.blocks_per_sm != program.blocks_per_sm) {
      broken.push_back(fmt::format("{} launches {} threads with {} blocks per SM: the launch bounds are {} and {}",
                                   launch.name, launch.threads, launch.blocks_per_sm, program.threads,
                                   program.blocks_per_sm));
    }
    if (launch.tensor_cores != program.multiplies) {
      broken.push_back(fmt::format("{} says that it computes {} tensor cores, and {} {} mma", launch.name,
                                   launch.tensor_cores ? "on" : "without", launch.symbol,
                                   program.multiplies ? "holds" : "lacks"));
    }
    for (const auto& [architecture, resources] : found->second.resources) {
      const std::optional<Limits> limits = LimitsOf(architecture);
      if (!limits || compute_capability < limits->least_capability || compute_capability > limits->most_capability) {
        continue;
      }
      const int64_t block = launch.shared_bytes + resources.shared_bytes + kReservedShared;
      if (launch.blocks_per_sm * block > limits->shared_per_sm) {
        broken.push_back(
            fmt::format("{} takes {} bytes of shared memory a block: {} blocks on a multiprocessor of {} "
                        "have {}",
                        launch.name, block, launch.blocks_per_sm, architecture, limits->shared_per_sm));
      }
    }
  }
  return broken;
}

Sentences CheckAllAreLaunched(const Report& report, const std::vector<LaunchedKernel>& launched) {
  std::set<std::string> symbols;
  for (const LaunchedKernel& launch : launched) symbols.insert(launch.symbol);
  Sentences broken;
  for (const auto& [symbol, kernel] : report) {
    if (symbols.count(symbol) == 0)
      broken.push_back(symbol + " is launched by no stage: add one to table/launches.cpp");
  }
  return broken;
}

Sentences CheckSource(const std::string& name, const std::string& text) {
  static const std::regex assembly("\\b(asm|__asm|__asm__)\\b");
  static const std::regex word(
      "\\b(asm|__asm|__asm__|__shared__|threadIdx|blockIdx|blockDim|gridDim|__sync[a-z_]+|__threadfence[a-z_]*|"
      "__(shfl|ballot|any|all|match|reduce|activemask)[a-z_]*|atomic[A-Z][A-Za-z]*\\s*\\(|__ld[a-z]+|__cvta[a-z_]*|"
      "__f(mul|add|ma)_r[nzud]|__[a-z0-9]+_as_[a-z0-9]+)\\b");
  // What is compiled for the host has no built-in of CUDA, and fields of the same names.
  const std::regex& forbidden = name.ends_with(".cpp") ? assembly : word;
  Sentences broken;
  std::istringstream lines(WithoutComments(text));
  int number = 1;
  for (std::string line; std::getline(lines, line); ++number) {
    std::smatch match;
    if (std::regex_search(line, match, forbidden)) {
      broken.push_back(fmt::format("{}:{} holds {}: instructions stand in ptx.h alone", name, number, match[1].str()));
    }
  }
  return broken;
}

Sentences CheckSources(const std::filesystem::path& folder) {
  Sentences broken;
  int files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = file.path().filename().string(), extension = file.path().extension().string();
    if (name == "ptx.h" || (extension != ".cu" && extension != ".h" && extension != ".cpp")) continue;
    std::ifstream stream(file.path());
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    for (std::string& sentence : CheckSource(name, text)) broken.push_back(std::move(sentence));
    ++files;
  }
  if (files == 0) broken.push_back("there are no sources in " + folder.string());
  return broken;
}

}  // namespace blip3o::compiled
