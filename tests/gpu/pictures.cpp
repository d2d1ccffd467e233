// Whole pictures of the demo on the device, in f32 and in bf16: several requests beside each other give the bytes that
// each gives alone, twice over. Writes the pictures as PPM.
//
// usage: gpu_pictures FOLDER
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/device_queue.h"
#include "weights/safetensors.h"

namespace {

using blip3o::Safetensors;
using Pixels = std::vector<uint8_t>;

constexpr int kPictures = 4;

void Check(blip3o_status status, const blip3o_error& error) {
  if (status != BLIP3O_OK) throw std::runtime_error(error.message);
}

class Model {
 public:
  explicit Model(blip3o_compute compute) {
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.device = BLIP3O_DEVICE_CUDA;
    options.compute = compute;
    blip3o_error error;
    const std::string directory = std::string(BLIP3O_SOURCE_DIR) + "/weights/demo";
    Check(blip3o_model_open(directory.c_str(), &options, &model_, &error), error);
    blip3o_model_describe(model_, &info_);
  }
  ~Model() { blip3o_model_close(model_); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const blip3o_model_info& info() const { return info_; }

  blip3o_job* Submit(const std::vector<int32_t>& prompt, uint64_t seed) const {
    blip3o_request request;
    blip3o_request_default(model_, &request);
    request.prompt = prompt.data();
    request.prompt_length = static_cast<int64_t>(prompt.size());
    request.seed = seed;
    blip3o_job* job = nullptr;
    blip3o_error error;
    Check(blip3o_model_submit(model_, &request, &job, &error), error);
    return job;
  }

  // Waits for the job and closes it.
  static Pixels Take(blip3o_job* job) {
    blip3o_error error;
    blip3o_tensor tensor;
    blip3o_status status = blip3o_job_wait(job, &error);
    if (status == BLIP3O_OK) status = blip3o_job_value(job, BLIP3O_PIXELS, &tensor, &error);
    Pixels pixels;
    if (status == BLIP3O_OK) {
      const auto* data = static_cast<const uint8_t*>(tensor.data);
      pixels.assign(data, data + tensor.shape[0] * tensor.shape[1] * tensor.shape[2]);
    }
    blip3o_job_close(job);
    Check(status, error);
    return pixels;
  }

 private:
  blip3o_model* model_ = nullptr;
  blip3o_model_info info_ = {};
};

std::vector<int32_t> PromptOf(const std::string& job) {
  auto trace = Safetensors::Open(std::string(BLIP3O_SOURCE_DIR) + "/tests/golden/" + job + "/trace.safetensors");
  if (!trace.ok()) throw std::runtime_error(trace.status().message());
  const blip3o::View& ids = trace->tensors().at("input_ids");
  std::vector<int64_t> wide(static_cast<size_t>(ids.count()));
  std::memcpy(wide.data(), ids.data, wide.size() * sizeof(int64_t));
  return std::vector<int32_t>(wide.begin(), wide.end());
}

void Write(const std::string& path, const blip3o_model_info& info, const Pixels& pixels) {
  std::ofstream file(path, std::ios::binary);
  file << "P6\n" << info.picture_width << ' ' << info.picture_height << "\n255\n";
  file.write(reinterpret_cast<const char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
}

// False where a picture depends on its company or on the day.
bool Compare(blip3o_compute compute, const std::string& name, const std::string& folder) {
  const Model model(compute);
  std::printf("%s: %s\n", name.c_str(), model.info().backend);
  const std::vector<int32_t> prompt = PromptOf("demo/job0");
  std::vector<Pixels> alone;
  for (int seed = 0; seed < kPictures; ++seed) alone.push_back(Model::Take(model.Submit(prompt, seed)));
  bool same = true;
  for (int round = 0; round < 2; ++round) {
    std::vector<blip3o_job*> jobs;
    for (int seed = 0; seed < kPictures; ++seed) jobs.push_back(model.Submit(prompt, seed));
    for (int seed = 0; seed < kPictures; ++seed) {
      const bool equal = Model::Take(jobs[static_cast<size_t>(seed)]) == alone[static_cast<size_t>(seed)];
      if (!equal) std::printf("seed %d: other bytes in company than alone\n", seed);
      same = same && equal;
    }
  }
  for (int seed = 0; seed < kPictures; ++seed) {
    Write(folder + "/" + name + "_" + std::to_string(seed) + ".ppm", model.info(), alone[static_cast<size_t>(seed)]);
  }
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: gpu_pictures FOLDER\n", stderr);
    return 2;
  }
  if (!blip3o::gpu::HasDevice()) return blip3o::gpu::kNotRun;
  try {
    const bool f32 = Compare(BLIP3O_COMPUTE_F32, "f32", argv[1]);
    const bool bf16 = Compare(BLIP3O_COMPUTE_BF16, "bf16", argv[1]);
    return f32 && bf16 ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    return 1;
  }
}
