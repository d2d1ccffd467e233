// Fails where the compiler's report breaks a promise of the kernels' headers (kernel_checks.h).
//
// usage: compile_check SYMBOLS OBJECTS SOURCES
//   SYMBOLS: what `nm` prints of this program
//   OBJECTS: the folder of the kernels' objects and what lies beside them
//   SOURCES: the folder of the kernels' sources
#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>

#include "compiled/kernel_checks.h"
#include "table/launches.h"
#include "table/resources.h"

namespace blip3o::compiled {

namespace {

constexpr int kCapabilities[] = {80, 90, 100, 120};

// Everything that the backend may launch, each kernel once for each shape of its blocks.
std::vector<LaunchedKernel> Launched(const table::PublicModel& model, int compute_capability,
                                     std::map<const void*, std::string>& symbols) {
  std::map<std::tuple<std::string, const void*, int, int>, LaunchedKernel> kernels;
  for (const table::Stage& stage : table::AllStagesOf(model, compute_capability)) {
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
  const Result<table::PublicModel> model = table::OpenPublicModel();
  for (const Status& status : {report.status(), model.status()}) {
    if (!status.ok()) return Say({status.message()});
  }
  if (!stream) return Say({std::string("could not read ") + symbols_path});
  std::map<const void*, std::string> symbols = table::ReadSymbols(stream);
  int broken = Say(CheckLocalMemory(*report)) + Say(CheckOccupancy(*report)) + Say(CheckSources(sources));
  std::vector<LaunchedKernel> everywhere;
  for (const int capability : kCapabilities) {
    const std::vector<LaunchedKernel> launched = Launched(model.value(), capability, symbols);
    broken += Say(CheckLaunches(*report, launched, capability));
    everywhere.insert(everywhere.end(), launched.begin(), launched.end());
  }
  broken += Say(CheckAllAreLaunched(*report, everywhere));
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
