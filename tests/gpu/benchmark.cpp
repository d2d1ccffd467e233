// Times the stages of a picture at the public model's sizes with random weights, and each kernel's share of what the
// device itself can do: its copy bandwidth and its rate of a large BF16 product, both measured first.
//
// usage: gpu_benchmark RESULT.csv    lines: kind,stage,name,launches,milliseconds,GB/s,TFLOP/s,share
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/pipeline.h"
#include "engine/run.h"
#include "ops/cuda/cuda_ops.h"
#include "support/device_queue.h"
#include "support/public_checkpoint.h"
#include "timed_queue.h"
#include "weights/checkpoint.h"

namespace blip3o::gpu {

namespace {

constexpr int kRounds = 5;
constexpr int64_t kPrompt = 128;

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
    file_ << "kind,stage,name,launches,milliseconds,GB/s,TFLOP/s,share of its limit\n";
  }
  void Limits(const struct Limits& limits) {
    limits_ = limits;
    Line("limit", "", "copy", 1, 0, limits.bytes_per_second, 0, 1);
    Line("limit", "", "product", 1, 0, 0, limits.flops_per_second, 1);
  }
  void Stage(const std::string& stage, double seconds) { Line("stage", stage, "all", 1, seconds, 0, 0, 0); }
  void Kernels(const std::string& stage, const std::map<std::string, KernelTime>& times) {
    for (const auto& [name, time] : times) {
      const double bytes = time.bytes / time.seconds, flops = time.flops / time.seconds;
      const double share =
          std::max(bytes / limits_.bytes_per_second, time.tensor_cores ? flops / limits_.flops_per_second : 0.0);
      Line("kernel", stage, name, time.launches, time.seconds, bytes, flops, share);
    }
  }

 private:
  void Line(const char* kind, const std::string& stage, const std::string& name, int launches, double seconds,
            double bytes, double flops, double share) {
    char text[512];
    std::snprintf(text, sizeof(text), "%s,\"%s\",%s,%d,%.4f,%.1f,%.2f,%.3f", kind, stage.c_str(), name.c_str(),
                  launches, 1e3 * seconds, bytes / 1e9, flops / 1e12, share);
    file_ << text << std::endl;
    std::puts(text);
  }
  std::ofstream file_;
  struct Limits limits_;
};

double CopyBandwidth(TimedQueue& queue) {
  constexpr int64_t kBytes = int64_t{2} << 30;
  Result<Buffer> from = queue.Allocate(kBytes), to = queue.Allocate(kBytes);
  if (!from.ok() || !to.ok()) throw std::runtime_error("no memory for the copy");
  std::vector<double> seconds;
  for (int i = 0; i < 2 * kRounds; ++i) {
    seconds.push_back(Seconds([&] {
      (void)cudaMemcpyAsync(to->data(), from->data(), kBytes, cudaMemcpyDeviceToDevice, cudaStreamPerThread);
      (void)cudaStreamSynchronize(cudaStreamPerThread);
    }));
  }
  return 2.0 * kBytes / Median(seconds);  // read and written
}

// Of the best product at hand.
double ProductRate(TimedQueue& queue, Ops& ops) {
  constexpr int64_t kSide = 8192;
  std::vector<uint16_t> weight(static_cast<size_t>(kSide * kSide));
  for (size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<uint16_t>(0x3C00 + i * 40503 % 0x0300);
  Result<Buffer> x = ops.Allocate(kSide * kSide * 4), out = ops.Allocate(kSide * kSide * 4);
  if (!x.ok() || !out.ok()) throw std::runtime_error("no memory for the product");
  queue.Fill(x->data(), 0x3C, kSide * kSide * 4);
  Capacity capacity;
  capacity.product_depth = capacity.product_stride = kSide;
  Check(ops.Reserve(capacity));
  const Matrix a{static_cast<float*>(x->data()), kSide, kSide, kSide},
      c{static_cast<float*>(out->data()), kSide, kSide, kSide};
  const View w{weight.data(), DType::kBF16, {kSide, kSide}};
  std::vector<double> seconds;
  for (int i = 0; i < kRounds + 1; ++i) {
    const double time = Seconds([&] {
      ops.Matmul(a, w, {}, c);
      Check(ops.Finish());
    });
    if (i > 0) seconds.push_back(time);
  }
  return 2.0 * kSide * kSide * kSide / Median(seconds);
}

// A stage twice: as it runs, and kernel by kernel.
class Bench {
 public:
  Bench(TimedQueue& queue, Report& report) : queue_(queue), report_(report) {}

  void Time(const std::string& stage, const std::function<void()>& work) {
    std::vector<double> seconds;
    work();
    for (int i = 0; i < kRounds; ++i) seconds.push_back(Seconds(work));
    report_.Stage(stage, Median(seconds));
    queue_.SetTiming(true);
    work();
    queue_.SetTiming(false);
    report_.Kernels(stage, queue_.TakeTimes());
  }

 private:
  TimedQueue& queue_;
  Report& report_;
};

void Run(const std::string& path) {
  Report report(path);
  auto owned = std::make_unique<TimedQueue>(MakeQueue());
  TimedQueue& queue = *owned;
  auto store = std::make_shared<cuda::WeightStore>(cuda::WeightOptions());
  const std::unique_ptr<Ops> ops = cuda::CreateOps(std::move(owned), store);
  report.Limits({CopyBandwidth(queue), ProductRate(queue, *ops)});

  const auto directory = std::filesystem::temp_directory_path() / "blip3o_gpu_benchmark";
  std::filesystem::create_directories(directory);
  Check(test::WritePublicCheckpoint(directory, test::PublicValues::kRandom));
  Result<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(directory, {});
  std::filesystem::remove_all(directory);  // what is mapped stays
  Check(checkpoint.status());

  Pipeline pipeline(**checkpoint);
  Request request;
  request.prompt.resize(kPrompt);
  request.guidance = 2.0f;
  const MemoryNeed need = pipeline.Measure(request);
  const int64_t workspace_bytes = std::max(need.language.workspace_bytes, need.picture.workspace_bytes);
  Check(ops->Reserve(Larger(need.language.capacity, need.picture.capacity)));
  Result<Buffer> slab = ops->Allocate(need.slab_bytes), workspace = ops->Allocate(workspace_bytes);
  Check(slab.status());
  Check(workspace.status());
  blip3o::Run run(request, 1, std::move(*slab));
  Arena arena(*workspace);
  SilentObserver observer;
  const Workplace at{*ops, arena, observer};
  Bench bench(queue, report);

  ops->BeginWork();
  pipeline.language().Begin(at, run);
  bench.Time("prefill of 128", [&] {
    run.prefilled = 0;
    Check(pipeline.language().Prefill(at, run));
  });
  std::vector<blip3o::Run*> runs = {&run};
  std::vector<Status> statuses;
  bench.Time("four tokens", [&] {
    run.drawn = 300;
    pipeline.language().NextTokens(at, runs, statuses);
    Check(statuses[0]);
  });
  run.drawn = 0;
  Check(pipeline.Do(Work::kCondition, at, run));
  bench.Time("step", [&] {
    run.steps_done = 0;
    Check(pipeline.Do(Work::kStep, at, run));
  });
  bench.Time("decode", [&] { Check(pipeline.Do(Work::kDecode, at, run)); });
  ops->EndWork();
}

}  // namespace

}  // namespace blip3o::gpu

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: gpu_benchmark RESULT.csv\n", stderr);
    return 2;
  }
  try {
    blip3o::gpu::Run(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
}
