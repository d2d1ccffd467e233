// Whole runs through the C interface against the golden traces (tests/golden/README.md says where they come from).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/borrowed_tensor.h"
#include "weights/safetensors.h"

namespace blip3o {
namespace {

using test::Borrow;

// Both sides compute in f32 with sums of another order. An op's relative error is some multiple of 2^-24 = 6e-8 times
// the square root of its depth (below 100 here), and a few hundred ops follow each other: 6e-8 · 100 · √200 = 8e-5.
constexpr double kRelativeL2 = 1e-4;
constexpr int kPixelDifference = 1;

// Where the runs are made.
#ifndef BLIP3O_GOLDEN_DEVICE
#define BLIP3O_GOLDEN_DEVICE BLIP3O_DEVICE_CPU
#endif
constexpr blip3o_device kDevice = BLIP3O_GOLDEN_DEVICE;

const std::string kGolden = std::string(BLIP3O_SOURCE_DIR) + "/tests/golden/";

struct GoldenJob {
  std::string model, job;
};

void PrintTo(const GoldenJob& job, std::ostream* out) { *out << job.job; }

std::map<std::string, std::string> ReadProperties(const std::string& path) {
  std::map<std::string, std::string> properties;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find('=');
    if (equals != std::string::npos) properties[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return properties;
}

std::vector<int32_t> ReadIds(const View& view) {
  std::vector<int64_t> wide(static_cast<size_t>(view.count()));
  std::memcpy(wide.data(), view.data, wide.size() * sizeof(int64_t));
  return std::vector<int32_t>(wide.begin(), wide.end());
}

void ExpectClose(const std::string& name, const blip3o_tensor& found, const View& expected) {
  ASSERT_EQ(expected.dtype, DType::kF32) << name;
  ASSERT_TRUE(test::SameShape(found, expected)) << name;
  const double error = test::RelativeL2(found, expected);
  EXPECT_LE(error, kRelativeL2) << name;  // not so when it is NaN
  testing::Test::RecordProperty(name, fmt::format("{:.2e}", error));
}

// The prompt as a caller gives it who leaves the reference tokens to the library: places in their stead.
void PlaceReferences(const View& reference_tokens, int32_t first, std::vector<int32_t>& prompt) {
  std::vector<int32_t> ids = ReadIds(reference_tokens);
  for (int32_t& id : ids) id += first;
  const auto found = std::search(prompt.begin(), prompt.end(), ids.begin(), ids.end());
  ASSERT_NE(found, prompt.end());
  std::fill_n(found, ids.size(), BLIP3O_REFERENCE_TOKEN);
}

class Golden : public testing::TestWithParam<GoldenJob> {};

TEST_P(Golden, TraceMatches) {
  const std::string folder = kGolden + GetParam().job;
  auto trace = Safetensors::Open(folder + "/trace.safetensors");
  auto noise = Safetensors::Open(folder + "/noise.safetensors");
  ASSERT_TRUE(trace.ok()) << trace.status().message();
  ASSERT_TRUE(noise.ok()) << noise.status().message();
  auto properties = ReadProperties(folder + "/job.properties");

  blip3o_error error;
  blip3o_model_options options;
  blip3o_model_options_default(&options);
  options.device = kDevice;
  options.compute = BLIP3O_COMPUTE_F32;
  options.threads = 2;
  blip3o_model* model = nullptr;
  const std::string directory = std::string(BLIP3O_SOURCE_DIR) + "/" + GetParam().model;
  ASSERT_EQ(blip3o_model_open(directory.c_str(), &options, &model, &error), BLIP3O_OK) << error.message;

  blip3o_request request;
  blip3o_request_default(model, &request);
  blip3o_model_info info;
  blip3o_model_describe(model, &info);
  std::vector<int32_t> prompt = ReadIds(trace->tensors().at("input_ids"));
  const int references = properties.contains("references") ? std::stoi(properties.at("references")) : 0;
  std::optional<Result<Safetensors>> pictures;
  std::vector<blip3o_tensor> borrowed;
  if (references > 0) {
    pictures.emplace(Safetensors::Open(folder + "/references.safetensors"));
    ASSERT_TRUE(pictures->ok()) << pictures->status().message();
    for (int k = 0; k < references; ++k) {
      borrowed.push_back(Borrow(pictures->value().tensors().at(fmt::format("reference{}", k))));
    }
    PlaceReferences(trace->tensors().at("reference_tokens"), info.image_token_first, prompt);
    request.first_stage = BLIP3O_STAGE_REFERENCES;
    request.references = borrowed.data();
    request.reference_count = references;
  }
  request.prompt = prompt.data();
  request.prompt_length = static_cast<int64_t>(prompt.size());
  request.noise = Borrow(noise->tensors().at("noise"));
  request.temperature = 0;
  request.steps = std::stoi(properties.at("steps"));
  request.guidance = std::stof(properties.at("guidance"));
  request.outputs = (1u << BLIP3O_VALUE_COUNT) - 1;
  blip3o_job* job = nullptr;
  ASSERT_EQ(blip3o_model_submit(model, &request, &job, &error), BLIP3O_OK) << error.message;
  ASSERT_EQ(blip3o_job_wait(job, &error), BLIP3O_OK) << error.message;

  std::map<std::string, blip3o_value> values = {{"first_logits", BLIP3O_FIRST_LOGITS},
                                                {"hidden_states", BLIP3O_HIDDEN_STATES},
                                                {"condition", BLIP3O_CONDITION},
                                                {"noise", BLIP3O_NOISE},
                                                {"sigmas", BLIP3O_SIGMAS},
                                                {"velocity_null_first", BLIP3O_VELOCITY_NULL_FIRST},
                                                {"velocity_first", BLIP3O_VELOCITY_FIRST},
                                                {"latents_first", BLIP3O_LATENTS_FIRST},
                                                {"latents", BLIP3O_LATENTS},
                                                {"image", BLIP3O_IMAGE}};
  if (references > 0) values["reference_latents"] = BLIP3O_REFERENCE_LATENTS;
  std::map<std::string, blip3o_value> token_lists = {{"tokens", BLIP3O_TOKENS}};
  if (references > 0) token_lists["reference_tokens"] = BLIP3O_REFERENCE_TOKENS;
  blip3o_tensor tensor;
  for (const auto& [name, value] : token_lists) {
    ASSERT_EQ(blip3o_job_value(job, value, &tensor, &error), BLIP3O_OK) << name << ": " << error.message;
    const std::vector<int32_t> tokens = ReadIds(trace->tensors().at(name));
    ASSERT_EQ(tensor.shape[0], static_cast<int64_t>(tokens.size())) << name;
    EXPECT_EQ(std::memcmp(tensor.data, tokens.data(), tokens.size() * sizeof(int32_t)), 0) << name;
  }
  for (const auto& [name, value] : values) {
    ASSERT_EQ(blip3o_job_value(job, value, &tensor, &error), BLIP3O_OK) << name << ": " << error.message;
    ExpectClose(name, tensor, trace->tensors().at(name));
  }
  ASSERT_EQ(blip3o_job_value(job, BLIP3O_PIXELS, &tensor, &error), BLIP3O_OK) << error.message;
  const View& pixels = trace->tensors().at("pixels");
  ASSERT_EQ(tensor.shape[0] * tensor.shape[1] * tensor.shape[2], pixels.count());
  for (int64_t i = 0; i < pixels.count(); ++i) {
    ASSERT_NEAR(static_cast<const uint8_t*>(tensor.data)[i], static_cast<const uint8_t*>(pixels.data)[i],
                kPixelDifference)
        << "pixels at " << i;
  }
  blip3o_job_close(job);
  blip3o_model_close(model);
}

INSTANTIATE_TEST_SUITE_P(TextToImage, Golden,
                         testing::Values(GoldenJob{"tests/golden/reference/tiny/model", "reference/tiny/job0"},
                                         GoldenJob{"tests/golden/reference/tiny/model", "reference/tiny/job2"},
                                         GoldenJob{"tests/golden/reference/tied/model", "reference/tied/job0"},
                                         GoldenJob{"tests/golden/reference/table/model", "reference/table/job0"},
                                         GoldenJob{"weights/demo", "demo/job0"}));

INSTANTIATE_TEST_SUITE_P(Editing, Golden,
                         testing::Values(GoldenJob{"tests/golden/reference/tiny/model", "reference/tiny/job1"},
                                         GoldenJob{"tests/golden/reference/table/model", "reference/table/job1"},
                                         GoldenJob{"tests/golden/reference/table/model", "reference/table/job2"},
                                         GoldenJob{"weights/demo", "demo/job1"}));

}  // namespace
}  // namespace blip3o
