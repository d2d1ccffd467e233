// Writes the table of kernels of docs/cuda.md from what the backend launches at the public model's sizes and what the
// compiler says of each kernel.
//
// usage: kernel_table SYMBOLS RESOURCES
//   SYMBOLS:   what `nm` prints of this program
//   RESOURCES: what `ptxas -v` printed when the kernels were compiled
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "table/launches.h"
#include "table/resources.h"
#include "table/times.h"

namespace blip3o::table {

namespace {

constexpr int kCapability = 90;
constexpr char kArchitecture[] = "sm_90";

constexpr Device kDevices[] = {kH100, kH200};

struct Row {
  NotedLaunch launch;  // one of them
  int count = 0;
  double bytes = 0, flops = 0;
  double seconds[std::size(kDevices)] = {};
};

// Launches of one operation with one kernel and block, most expensive first.
std::vector<Row> RowsOf(const Stage& stage) {
  std::map<std::pair<std::string, const void*>, Row> rows;
  for (const NotedLaunch& launch : stage.launches) {
    Row& row = rows[{launch.name, launch.kernel}];
    const auto blocks = [](const NotedLaunch& l) { return l.shape.grid.x * l.shape.grid.y * l.shape.grid.z; };
    if (row.count == 0 || blocks(launch) > blocks(row.launch)) row.launch = launch;
    ++row.count;
    row.bytes += launch.cost.bytes;
    row.flops += launch.cost.flops;
    for (size_t d = 0; d < std::size(kDevices); ++d) row.seconds[d] += TimeOf(launch, kDevices[d]).seconds;
  }
  std::vector<Row> sorted;
  for (auto& [key, row] : rows) sorted.push_back(row);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Row& a, const Row& b) { return a.seconds[0] > b.seconds[0]; });
  return sorted;
}

std::string Scaled(double value, double unit) { return fmt::format("{:.4g}", value / unit); }

class Table {
 public:
  Table(std::map<const void*, std::string> symbols, std::map<std::string, Resources> resources)
      : symbols_(std::move(symbols)), resources_(std::move(resources)) {}

  // False where a kernel is not among the compiler's.
  bool Write(const Stage& stage, std::string& out) {
    const std::vector<Row> rows = RowsOf(stage);
    Row sum;
    out += fmt::format("\n### {}\n\n", stage.name);
    out +=
        "| operation | launches | MB | GFLOP | registers | shared, KiB | threads | blocks per SM | blocks | bound | "
        "H100, µs | H200, µs |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
    bool known = true;
    for (const Row& row : rows) {
      const auto resources = resources_.find(symbols_[row.launch.kernel]);
      known = known && resources != resources_.end();
      if (resources == resources_.end()) {
        std::cerr << "kernel_table: the compiler said nothing of the kernel of " << row.launch.name << " ("
                  << symbols_[row.launch.kernel] << ")\n";
      }
      const cuda::LaunchShape& shape = row.launch.shape;
      out += fmt::format("| {} | {} | {} | {} | {} | {:.1f} | {} | {} | {} | {} | {} | {} |\n", row.launch.name,
                         row.count, Scaled(row.bytes, 1e6), Scaled(row.flops, 1e9),
                         resources == resources_.end() ? 0 : resources->second.registers,
                         static_cast<double>(shape.shared_bytes) / 1024, shape.threads, shape.blocks_per_sm,
                         shape.grid.x * shape.grid.y * shape.grid.z, TimeOf(row.launch, kH100).bound,
                         Scaled(row.seconds[0], 1e-6), Scaled(row.seconds[1], 1e-6));
      sum.count += row.count;
      sum.bytes += row.bytes;
      sum.flops += row.flops;
      for (size_t d = 0; d < std::size(kDevices); ++d) sum.seconds[d] += row.seconds[d];
    }
    out += fmt::format("| **all** | {} | {} | {} | | | | | | | {} | {} |\n", sum.count, Scaled(sum.bytes, 1e6),
                       Scaled(sum.flops, 1e9), Scaled(sum.seconds[0], 1e-6), Scaled(sum.seconds[1], 1e-6));
    return known;
  }

 private:
  std::map<const void*, std::string> symbols_;
  std::map<std::string, Resources> resources_;
};

int Run(const char* symbols_path, const char* resources_path) {
  std::ifstream symbols(symbols_path), resources(resources_path);
  if (!symbols || !resources) {
    std::cerr << "kernel_table: could not read " << (symbols ? resources_path : symbols_path) << '\n';
    return 2;
  }
  const Result<PublicModel> model = OpenPublicModel();
  if (!model.ok()) {
    std::cerr << "kernel_table: " << model.status().message() << '\n';
    return 1;
  }
  Table table(ReadSymbols(symbols), ReadResources(resources, kArchitecture));
  std::string out;
  bool known = true;
  std::vector<Stage> stages = StagesOf(*model.value().plain, kCapability);
  stages.push_back(StepBesideLibrary(*model.value().plain, kCapability));
  for (const Stage& stage : stages) known = table.Write(stage, out) && known;
  std::fputs(out.c_str(), stdout);
  return known ? 0 : 1;
}

}  // namespace

}  // namespace blip3o::table

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: kernel_table SYMBOLS RESOURCES\n", stderr);
    return 2;
  }
  return blip3o::table::Run(argv[1], argv[2]);
}
