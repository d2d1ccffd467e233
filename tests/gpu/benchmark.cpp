// Times the stages of a picture at the public model's sizes with random weights, and the share of each, and of each of
// its kernels, in what the device itself can do: its copy bandwidth and its rate of a large BF16 product, both measured
// first.
//
// usage: gpu_benchmark RESULT.csv
// Columns: kind,stage,name,launches,milliseconds,GB/s,TFLOP/s,share of the copy bandwidth,share of the product rate.
// Bytes are what must move once: what the second-level cache serves can make a share larger than 1.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/pipeline.h"
#include "engine/run.h"
#include "ops/cuda/cuda_ops.h"
#include "ops/cuda/product_library.h"
#include "support/device_queue.h"
#include "support/public_checkpoint.h"
#include "timed_queue.h"
#include "weights/checkpoint.h"

namespace blip3o::gpu {

namespace {

constexpr int kRounds = 5;
constexpr int64_t kPrompt = 128;
constexpr int64_t kDrawn = 300;                          // of 729 tokens: their middle
constexpr int64_t kCheckpointBytes = int64_t{10} << 30;  // a little more than it takes

class SilentObserver final : public RunObserver {
 public:
  Status OnProgress(EventKind, int, int) override { return {}; }
  Status OnWork() override { return {}; }
};

void Check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double Seconds(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// What the device can do.
struct Limits {
  double bytes_per_second = 0, flops_per_second = 0;
};

class Report {
 public:
  explicit Report(const std::string& path) : file_(path) {
    Print("kind,stage,name,launches,milliseconds,GB/s,TFLOP/s,share of the copy bandwidth,share of the product rate");
  }
  void SetLimits(const Limits& limits) {
    limits_ = limits;
    Line("limit", "", "copy", 1, 0, limits.bytes_per_second, 0);
    Line("limit", "", "product", 1, 0, 0, limits.flops_per_second);
  }
  // `seconds` as it runs; `times` kernel by kernel, each with what comes between it and its neighbours.
  void Stage(const std::string& stage, double seconds, const std::map<std::string, KernelTime>& times) {
    KernelTime all;
    for (const auto& [name, time] : times) {
      all.launches += time.launches;
      all.bytes += time.bytes;
      all.tensor_flops += time.tensor_flops;
      Line("kernel", stage, name, time.launches, time.seconds, time.bytes / time.seconds,
           time.tensor_flops / time.seconds);
    }
    Line("stage", stage, "all", all.launches, seconds, all.bytes / seconds, all.tensor_flops / seconds);
  }

 private:
  void Line(const char* kind, const std::string& stage, const std::string& name, int launches, double seconds,
            double bytes, double flops) {
    char text[512];
    std::snprintf(text, sizeof(text), "%s,\"%s\",%s,%d,%.4f,%.1f,%.2f,%.3f,%.3f", kind, stage.c_str(), name.c_str(),
                  launches, 1e3 * seconds, bytes / 1e9, flops / 1e12, bytes / limits_.bytes_per_second,
                  flops / limits_.flops_per_second);
    Print(text);
  }
  void Print(const char* text) {
    file_ << text << std::endl;
    std::puts(text);
    std::fflush(stdout);
  }
  std::ofstream file_;
  Limits limits_;
};

// The library of products, where the machine has it: as an engine uses it.
std::shared_ptr<cuda::ProductLibrary> OpenLibrary() {
  const Result<cuda::LoadedLibrary> loaded = cuda::LoadProductLibrary("");
  if (!loaded.ok()) {
    std::printf("without cuBLASLt, kernels of ours multiply: %s\n", loaded.status().message().c_str());
    return nullptr;
  }
  auto library = cuda::ProductLibrary::Create(loaded.value());
  Check(library.status());
  std::printf("%s, %s\n", library.value()->name().c_str(), loaded.value().path.c_str());
  return library.value();
}

std::unique_ptr<TimedQueue> MakeTimedQueue(const std::shared_ptr<cuda::ProductLibrary>& library) {
  std::unique_ptr<cuda::CudaQueue> queue = MakeQueue();
  if (library != nullptr) {
    queue->SetProducts(cuda::MakeProducts(library, *queue, [q = queue.get()]() -> void* { return q->stream(); }));
  }
  return std::make_unique<TimedQueue>(std::move(queue));
}

double CopyBandwidth() {
  constexpr int64_t kBytes = int64_t{2} << 30;
  const std::unique_ptr<cuda::CudaQueue> queue = MakeQueue();
  Result<Buffer> from = queue->Allocate(kBytes), to = queue->Allocate(kBytes);
  Check(from.status());
  Check(to.status());
  queue->Fill(from->data(), 1, kBytes);
  std::vector<double> seconds;
  for (int i = 0; i < 2 * kRounds; ++i) {
    Check(queue->Finish());
    seconds.push_back(Seconds([&] {
      (void)cudaMemcpyAsync(to->data(), from->data(), kBytes, cudaMemcpyDeviceToDevice, queue->stream());
      Check(queue->Finish());
    }));
  }
  return 2.0 * kBytes / Median(seconds);  // read and written
}

// Of the best product at hand, rounding of x included: so wide that this is a fiftieth of the whole. Operands are
// random, as a device that draws less power for others runs faster.
double ProductRate(const std::shared_ptr<cuda::ProductLibrary>& library) {
  constexpr int64_t kRows = 8192, kCols = 32768, kDepth = 4096;
  std::mt19937 random(1);
  std::vector<uint16_t> weight(static_cast<size_t>(kCols * kDepth));
  for (uint16_t& value : weight) value = static_cast<uint16_t>((random() & 0x8000) | (0x3B00 + (random() & 0x01FF)));
  std::vector<float> x(static_cast<size_t>(kRows * kDepth));
  for (float& value : x) value = static_cast<float>(random()) * 0x1p-31f - 1.0f;

  std::unique_ptr<TimedQueue> owned = MakeTimedQueue(library);
  TimedQueue& queue = *owned;
  // Weights are known by their address on the host, and this one is given back: a store of its own.
  const auto ops = cuda::CreateOps(std::move(owned), std::make_shared<cuda::WeightStore>(cuda::WeightOptions()));
  Result<Buffer> in = ops->Allocate(kRows * kDepth * 4), out = ops->Allocate(kRows * kCols * 4);
  Check(in.status());
  Check(out.status());
  queue.CopyIn(x.data(), kRows * kDepth * 4, in->data());
  Capacity capacity;
  capacity.product_depth = capacity.product_stride = kCols;
  Check(ops->Reserve(capacity));
  const Matrix a{static_cast<float*>(in->data()), kRows, kDepth, kDepth},
      c{static_cast<float*>(out->data()), kRows, kCols, kCols};
  const View w{weight.data(), DType::kBF16, {kCols, kDepth}};
  std::vector<double> seconds;
  for (int i = 0; i < kRounds + 1; ++i) {
    const double time = Seconds([&] {
      ops->Matmul(a, w, {}, c);
      Check(ops->Finish());
    });
    if (i > 0) seconds.push_back(time);
  }
  return 2.0 * kRows * kCols * kDepth / Median(seconds);
}

// A stage twice: as it runs, and kernel by kernel.
class Bench {
 public:
  Bench(TimedQueue& queue, Report& report) : queue_(queue), report_(report) {}

  void Time(const std::string& stage, const std::function<void()>& work) {
    std::vector<double> seconds;
    // Weights come in, then what repeats is recorded.
    work();
    work();
    for (int i = 0; i < kRounds; ++i) seconds.push_back(Seconds(work));
    queue_.SetTiming(true);
    work();
    queue_.SetTiming(false);
    report_.Stage(stage, Median(seconds), queue_.TakeTimes());
  }

 private:
  TimedQueue& queue_;
  Report& report_;
};

// A folder that goes with its files.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "blip3o_gpu_benchmark") {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<Checkpoint> RandomCheckpoint() {
  const TemporaryFolder folder;
  Check(test::WritePublicCheckpoint(folder.path(), test::PublicValues::kRandom));
  Result<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(folder.path(), {});
  Check(checkpoint.status());
  return std::move(checkpoint.value());  // what is mapped stays
}

// A run whose prompt counts as read.
std::unique_ptr<blip3o::Run> MakeRun(TimedQueue& queue, const Pipeline& pipeline, const Request& request, uint64_t id) {
  Result<Buffer> slab = queue.Allocate(pipeline.Measure(request).slab_bytes);
  Check(slab.status());
  queue.Fill(slab->data(), 0, slab->size_bytes());
  return std::make_unique<blip3o::Run>(request, id, std::move(slab.value()));
}

void TimeTokens(Bench& bench, Pipeline& pipeline, const Workplace& at, const std::string& stage,
                const std::vector<blip3o::Run*>& runs) {
  std::vector<Status> statuses;
  bench.Time(stage, [&] {
    for (blip3o::Run* run : runs) run->drawn = kDrawn;
    pipeline.language().NextTokens(at, runs, statuses);
    for (const Status& status : statuses) Check(status);
  });
}

void TimeStages(Report& report, const std::shared_ptr<cuda::ProductLibrary>& library) {
  const std::unique_ptr<Checkpoint> checkpoint = RandomCheckpoint();
  Pipeline pipeline(*checkpoint);
  Request request;
  request.prompt.resize(kPrompt);
  request.guidance = 2.0f;

  std::unique_ptr<TimedQueue> owned = MakeTimedQueue(library);
  TimedQueue& queue = *owned;
  const auto ops = cuda::CreateOps(std::move(owned), std::make_shared<cuda::WeightStore>(cuda::WeightOptions()));
  const MemoryNeed need = pipeline.Measure(request);
  Check(ops->Reserve(Larger(need.language.capacity, need.picture.capacity)));
  Result<Buffer> workspace = ops->Allocate(std::max(need.language.workspace_bytes, need.picture.workspace_bytes));
  Check(workspace.status());
  Arena arena(workspace.value());
  SilentObserver observer;
  const Workplace at{*ops, arena, observer};
  Bench bench(queue, report);

  const std::unique_ptr<blip3o::Run> run = MakeRun(queue, pipeline, request, 1);
  ops->BeginWork();
  pipeline.language().Begin(at, *run);
  bench.Time("prefill of 128", [&] {
    run->prefilled = 0;
    Check(pipeline.language().Prefill(at, *run));
  });
  // Keys and values of all positions, as they would be.
  std::vector<Status> statuses;
  std::vector<blip3o::Run*> runs = {run.get()};
  while (run->drawn < kDrawn) {
    pipeline.language().NextTokens(at, runs, statuses);
    Check(statuses[0]);
  }
  TimeTokens(bench, pipeline, at, "four tokens", runs);
  {
    std::vector<std::unique_ptr<blip3o::Run>> company;
    for (const size_t batch : {size_t{8}, size_t{64}}) {
      const int64_t more = static_cast<int64_t>(batch - runs.size()) * need.slab_bytes;
      size_t free = 0, total = 0;
      if (cudaMemGetInfo(&free, &total) != cudaSuccess || static_cast<int64_t>(free) < more + (int64_t{4} << 30)) {
        std::printf("not run: %zu requests at once, the device has no memory for them\n", batch);
        break;
      }
      while (runs.size() < batch) {
        company.push_back(MakeRun(queue, pipeline, request, runs.size() + 1));
        pipeline.language().Begin(at, *company.back());
        company.back()->prefilled = kPrompt;
        runs.push_back(company.back().get());
      }
      TimeTokens(bench, pipeline, at, "four tokens of " + std::to_string(batch), runs);
    }
  }
  // As behind the last token.
  run->cache = {};
  run->cache_memory.reset();
  Check(pipeline.Do(Work::kCondition, at, *run));
  const Matrix latents = run->latents;
  std::vector<float> noise(static_cast<size_t>(latents.rows * latents.cols));
  ops->CopyOut(latents.data, static_cast<int64_t>(noise.size() * sizeof(float)), noise.data());
  bench.Time("step", [&] {
    run->steps_done = 0;
    Check(pipeline.Do(Work::kStep, at, *run));
  });
  ops->CopyIn(noise.data(), static_cast<int64_t>(noise.size() * sizeof(float)), latents.data);
  bench.Time("decode", [&] { Check(pipeline.Do(Work::kDecode, at, *run)); });
  ops->EndWork();
}

int Run(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  if (std::filesystem::space(folder).available < static_cast<uintmax_t>(kCheckpointBytes)) {
    std::printf("%s has no room for 10 GB of random weights\n", folder.c_str());
    return kNotRun;
  }
  Report report(path);
  const std::shared_ptr<cuda::ProductLibrary> library = OpenLibrary();
  report.SetLimits({CopyBandwidth(), ProductRate(library)});
  TimeStages(report, library);
  return 0;
}

}  // namespace

}  // namespace blip3o::gpu

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: gpu_benchmark RESULT.csv\n", stderr);
    return 2;
  }
  if (!blip3o::gpu::HasDevice()) return blip3o::gpu::kNotRun;
  try {
    return blip3o::gpu::Run(argv[1]);
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
}
