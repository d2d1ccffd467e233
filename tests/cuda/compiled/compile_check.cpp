// Fails where the compiler's report breaks a promise of the kernels' headers (kernel_checks.h).
//
// usage: compile_check SYMBOLS OBJECTS SOURCES
//   SYMBOLS: what `nm` prints of this program
//   OBJECTS: the folder of the kernels' objects and what lies beside them
//   SOURCES: the folder of the kernels' sources
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>

#include "compiled/kernel_checks.h"
#include "support/public_checkpoint.h"
#include "table/launches.h"
#include "table/resources.h"

namespace blip3o::compiled {

namespace {

constexpr int kCapabilities[] = {80, 90, 100, 120};

Result<std::unique_ptr<Checkpoint>> OpenPublic() {
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("blip3o_compile_check_" + std::to_string(getpid()));
  std::filesystem::create_directories(directory);
  const Status written = test::WritePublicCheckpoint(directory);
  Result<std::unique_ptr<Checkpoint>> checkpoint =
      written.ok() ? Checkpoint::Open(directory, {}) : Result<std::unique_ptr<Checkpoint>>(written);
  std::filesystem::remove_all(directory);  // what is mapped stays
  return checkpoint;
}

// Everything that is launched at the public model's sizes, each kernel once for each shape of its blocks.
std::vector<LaunchedKernel> Launched(const Checkpoint& checkpoint, int compute_capability,
                                     std::map<const void*, std::string>& symbols) {
  std::map<std::tuple<std::string, const void*, int, int>, LaunchedKernel> kernels;
  for (const table::Stage& stage : table::StagesOf(checkpoint, compute_capability)) {
    for (const table::NotedLaunch& launch : stage.launches) {
      const cuda::LaunchShape& shape = launch.shape;
      LaunchedKernel& kernel = kernels[{launch.name, launch.kernel, shape.threads, shape.blocks_per_sm}];
      kernel.name = launch.name;
      kernel.symbol = symbols[launch.kernel];
      kernel.threads = shape.threads;
      kernel.blocks_per_sm = shape.blocks_per_sm;
      kernel.shared_bytes = std::max(kernel.shared_bytes, shape.shared_bytes);
      kernel.tensor_cores = kernel.tensor_cores || launch.cost.tensor_cores;
    }
  }
  std::vector<LaunchedKernel> all;
  for (auto& [key, kernel] : kernels) all.push_back(std::move(kernel));
  return all;
}

int Say(const Sentences& sentences) {
  for (const std::string& sentence : sentences) std::cerr << "compile_check: " << sentence << '\n';
  return static_cast<int>(sentences.size());
}

int Run(const char* symbols_path, const char* objects, const char* sources) {
  std::ifstream stream(symbols_path);
  Result<Report> report = ReadReport(objects);
  Result<std::unique_ptr<Checkpoint>> checkpoint = OpenPublic();
  for (const Status& status : {report.status(), checkpoint.status()}) {
    if (!status.ok()) return Say({status.message()});
  }
  if (!stream) return Say({std::string("could not read ") + symbols_path});
  std::map<const void*, std::string> symbols = table::ReadSymbols(stream);
  int broken = Say(CheckLocalMemory(*report)) + Say(CheckOccupancy(*report)) + Say(CheckSources(sources));
  for (const int capability : kCapabilities) {
    broken += Say(CheckLaunches(*report, Launched(**checkpoint, capability, symbols), capability));
  }
  std::cout << report->size() << " kernels, " << broken << " broken promises\n";
  return broken;
}

}  // namespace

}  // namespace blip3o::compiled

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: compile_check SYMBOLS OBJECTS SOURCES\n";
    return 2;
  }
  return blip3o::compiled::Run(argv[1], argv[2], argv[3]) == 0 ? 0 : 1;
}
