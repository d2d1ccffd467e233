// What weights in eight bits cost, against the same model in F32 on the same seeds:
//
//   blip3o_quantization_error MODEL PROMPTS.json [--steps N] [--threads N]
//
// PROMPTS.json: [{"prompt": "text", "ids": [vocabulary ids]}]. INT8 runs as the CPU computes it; E4M3, which the CPU
// refuses, by e4m3_device.h. Tokens are those that F32 has drawn, so that every position and every picture has its
// counterpart; in the last row each model draws its own.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "engine/engine.h"
#include "ops/cpu/cpu_ops.h"
#include "quantization/e4m3_device.h"

namespace blip3o::bench {

namespace {

struct Options {
  std::filesystem::path model, prompts;
  int32_t steps = 30;
  int threads = UsableProcessors();
};

[[noreturn]] void Fail(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) Fail(result.status().message());
  return std::move(result.value());
}

// A model as one of the rows of the table runs it.
struct Model {
  std::string name;
  std::unique_ptr<Engine> engine;
};

Model Open(const Options& options, const std::string& name, uint32_t quantization) {
  EngineOptions engine;
  engine.threads = options.threads;
  engine.compute = ComputeOption::kF32;
  engine.quantization = quantization;
  engine.device = (quantization & kE4M3Diffusion) != 0 ? DeviceOption::kCuda : DeviceOption::kCpu;
  engine.open_cuda = [threads = options.threads](const CudaOptions&) { return OpenE4M3Device(threads); };
  return {name, Check(Engine::Open(options.model, engine))};
}

uint32_t Bit(Value value) { return 1u << static_cast<int>(value); }

// Everything of one picture. `tokens`: to take in place of drawing.
Values Draw(const Model& model, const std::vector<int32_t>& prompt, uint64_t seed, int32_t steps,
            const HostTensor& tokens) {
  const SamplingConfig& sampling = model.engine->checkpoint().config().sampling;
  Request request;
  request.prompt = prompt;
  request.tokens = tokens;
  request.seed = seed;
  request.steps = steps;
  request.temperature = static_cast<float>(sampling.temperature);
  request.top_k = sampling.top_k;
  request.top_p = static_cast<float>(sampling.top_p);
  request.outputs = Bit(Value::kTokens) | Bit(Value::kHiddenStates) | Bit(Value::kVelocityFirst) | Bit(Value::kLatents);
  const std::shared_ptr<Job> job = Check(model.engine->Submit(std::move(request)));
  if (const Status status = job->Wait(); !status.ok()) Fail(status.message());
  return *job->values();
}

const HostTensor& Of(const Values& values, Value value) { return values[static_cast<size_t>(value)]; }

// The logits of every image token, [N, codes]: of the hidden states before it, by the model's own head.
std::vector<float> Logits(const Model& model, const HostTensor& hidden_states) {
  const View& head = model.engine->checkpoint().weights().language_model.image_head;
  const int64_t rows = hidden_states.shape[0] - 1, width = hidden_states.shape[1], codes = head.shape[0];
  const std::unique_ptr<Ops> ops = Check(cpu::CreateOps({.compute = cpu::Compute::kF32}));
  Capacity capacity;
  capacity.product_depth = width;
  if (const Status status = ops->Reserve(capacity); !status.ok()) Fail(status.message());
  std::vector<float> states(hidden_states.data<float>(), hidden_states.data<float>() + rows * width);
  std::vector<float> logits(static_cast<size_t>(rows * codes));
  constexpr int64_t kMostRows = 64;
  for (int64_t row = 0; row < rows; row += kMostRows) {
    const int64_t count = std::min(kMostRows, rows - row);
    ops->TokenMatmul(Matrix{states.data() + row * width, count, width, width}, head, {},
                     Matrix{logits.data() + row * codes, count, codes, codes});
  }
  if (const Status status = ops->Finish(); !status.ok()) Fail(status.message());
  return logits;
}

// Σ (a − b)² and Σ b².
struct Squares {
  double difference = 0, reference = 0;

  void Add(const float* a, const float* b, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
      reference += std::pow(static_cast<double>(b[i]), 2);
    }
  }
  double percent() const { return 100 * std::sqrt(difference / reference); }
};

std::vector<double> Softmax(const float* logits, int64_t count) {
  const double largest = *std::max_element(logits, logits + count);
  std::vector<double> p(static_cast<size_t>(count));
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += p[static_cast<size_t>(i)] = std::exp(logits[i] - largest);
  for (double& value : p) value /= sum;
  return p;
}

// One model against the reference, over all pictures.
class Tally {
 public:
  void AddLogits(std::vector<float> logits, std::vector<float> reference, int64_t codes) {
    for (size_t row = 0; row < logits.size(); row += static_cast<size_t>(codes)) {
      float *a = &logits[row], *b = &reference[row];
      same_largest_ += std::max_element(a, a + codes) - a == std::max_element(b, b + codes) - b;
      ++positions_;
      const std::vector<double> p = Softmax(a, codes), q = Softmax(b, codes);
      for (size_t i = 0; i < p.size(); ++i) distance_ += std::abs(p[i] - q[i]) / 2;
      // A constant beside all logits of a position changes nothing.
      for (float* line : {a, b}) {
        double mean = 0;
        for (int64_t i = 0; i < codes; ++i) mean += line[i];
        for (int64_t i = 0; i < codes; ++i) line[i] -= static_cast<float>(mean / static_cast<double>(codes));
      }
      logits_.Add(a, b, codes);
    }
  }
  void AddVelocity(const HostTensor& a, const HostTensor& b) { Add(a, b, velocity_); }
  void AddLatents(const HostTensor& a, const HostTensor& b) { Add(a, b, latents_); }
  void AddPixels(const HostTensor& a, const HostTensor& b) {
    for (int64_t i = 0; i < b.shape.count(); ++i) {
      const int difference = std::abs(static_cast<int>(a.data<uint8_t>()[i]) - static_cast<int>(b.data<uint8_t>()[i]));
      pixels_ += difference;
      pixel_squares_ += difference * difference;
      largest_ = std::max(largest_, difference);
    }
    samples_ += b.shape.count();
  }
  void AddTokens(const HostTensor& a, const HostTensor& b) {
    for (int64_t i = 0; i < b.shape.count(); ++i) same_tokens_ += a.data<int32_t>()[i] == b.data<int32_t>()[i];
    tokens_ += b.shape.count();
  }

  void Print(const std::string& name) const {
    fmt::print("| {} | {:.2f} % | {:.1f} % | {:.4f} | {:.2f} % | {:.2f} % | {:.2f} | {:.1f} dB | {} | {:.0f} % |\n",
               name, logits_.percent(), 100.0 * same_largest_ / positions_, distance_ / positions_, velocity_.percent(),
               latents_.percent(), pixels_ / samples_,
               10 * std::log10(255.0 * 255.0 / std::max(1e-12, pixel_squares_ / samples_)), largest_,
               100.0 * same_tokens_ / tokens_);
  }

 private:
  static void Add(const HostTensor& a, const HostTensor& b, Squares& squares) {
    squares.Add(a.data<float>(), b.data<float>(), b.shape.count());
  }

  Squares logits_, velocity_, latents_;
  double positions_ = 0, same_largest_ = 0, distance_ = 0;
  double pixels_ = 0, pixel_squares_ = 0, samples_ = 0;
  int largest_ = 0;
  double tokens_ = 0, same_tokens_ = 0;
};

Options Parse(int argc, char** argv) {
  Options options;
  if (argc < 3 || argc % 2 == 0) Fail("usage: blip3o_quantization_error MODEL PROMPTS.json [--steps N] [--threads N]");
  options.model = argv[1];
  options.prompts = argv[2];
  for (int i = 3; i < argc; i += 2) {
    const std::string name = argv[i];
    const int value = std::atoi(argv[i + 1]);
    if (value < 1) Fail(fmt::format("{} must be a number above 0: found {}", name, argv[i + 1]));
    if (name == "--steps") {
      options.steps = value;
    } else if (name == "--threads") {
      options.threads = value;
    } else {
      Fail(fmt::format("unknown option {}", name));
    }
  }
  return options;
}

void Run(const Options& options) {
  std::ifstream file(options.prompts);
  const nlohmann::json prompts = nlohmann::json::parse(file, nullptr, false);
  if (!prompts.is_array()) Fail(options.prompts.string() + " is no JSON list of prompts");
  const Model reference = Open(options, "f32", 0);
  std::vector<std::pair<Model, Tally>> models;
  models.emplace_back(Open(options, "int8", kInt8Language), Tally());
  models.emplace_back(Open(options, "e4m3", kE4M3Diffusion), Tally());
  models.emplace_back(Open(options, "int8, e4m3", kInt8Language | kE4M3Diffusion), Tally());
  const int64_t codes = reference.engine->checkpoint().config().image_tokens.codes;
  uint64_t seed = 0;
  for (const nlohmann::json& prompt : prompts) {
    const auto ids = prompt.at("ids").get<std::vector<int32_t>>();
    const Values expected = Draw(reference, ids, ++seed, options.steps, {});
    const HostTensor& tokens = Of(expected, Value::kTokens);
    // Prefilled at once, as those to be compared are.
    const Values given = Draw(reference, ids, seed, options.steps, tokens);
    const std::vector<float> logits = Logits(reference, Of(given, Value::kHiddenStates));
    for (auto& [model, tally] : models) {
      const Values found = Draw(model, ids, seed, options.steps, tokens);
      tally.AddLogits(Logits(model, Of(found, Value::kHiddenStates)), logits, codes);
      tally.AddVelocity(Of(found, Value::kVelocityFirst), Of(given, Value::kVelocityFirst));
      tally.AddLatents(Of(found, Value::kLatents), Of(given, Value::kLatents));
      tally.AddPixels(Of(found, Value::kPixels), Of(given, Value::kPixels));
      tally.AddTokens(Of(Draw(model, ids, seed, 1, {}), Value::kTokens), tokens);
    }
  }
  fmt::print("{} prompts, {} steps, seeds from 1, against {}\n\n", prompts.size(), options.steps,
             reference.engine->backend());
  fmt::print(
      "| | logits | same first choice | distance of distributions | first velocity | latents | pixels, of 255 | "
      "PSNR | worst pixel | same tokens drawn |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const auto& [model, tally] : models) tally.Print(model.name);
}

}  // namespace

}  // namespace blip3o::bench

int main(int argc, char** argv) {
  blip3o::bench::Run(blip3o::bench::Parse(argc, argv));
  return 0;
}
