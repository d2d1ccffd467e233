// Both halves of the autoencoder in the forms that no golden checkpoint has: pixel_unshuffle, stages without layers.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/borrowed_tensor.h"
#include "support/checkpoint_files.h"
#include "weights/safetensors.h"

namespace blip3o {
namespace {

using test::Borrow;

// As in golden_test.cpp: f32 on both sides, sums of another order.
constexpr double kRelativeL2 = 1e-4;

// `tiny` with another autoencoder in it.
class AutoencoderTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::filesystem::path folder =
        std::filesystem::path(BLIP3O_SOURCE_DIR) / "tests" / "golden" / "autoencoder" / GetParam();
    std::filesystem::copy_file(folder / "config.json", copy_.path() / "diffusion" / "vae" / "config.json",
                               std::filesystem::copy_options::overwrite_existing);
    test::EditTensors(copy_.weights(), [&](test::RawTensors& tensors) {
      std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("model.sana_vae."); });
      tensors.merge(test::ReadTensors(folder / "autoencoder.safetensors"));
    });
    trace_ = Safetensors::Open(folder / "trace.safetensors");
    ASSERT_TRUE(trace_.ok()) << trace_.status().message();
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.compute = BLIP3O_COMPUTE_F32;
    options.threads = 2;
    ASSERT_EQ(blip3o_model_open(copy_.path().c_str(), &options, &model_, &error_), BLIP3O_OK) << error_.message;
    blip3o_request_default(model_, &request_);
  }
  void TearDown() override { blip3o_model_close(model_); }

  void ExpectResult(blip3o_value value, const std::string& name) {
    request_.outputs = 1u << value;
    blip3o_job* job = nullptr;
    ASSERT_EQ(blip3o_model_submit(model_, &request_, &job, &error_), BLIP3O_OK) << error_.message;
    EXPECT_EQ(blip3o_job_wait(job, &error_), BLIP3O_OK) << error_.message;
    blip3o_tensor tensor;
    EXPECT_EQ(blip3o_job_value(job, value, &tensor, &error_), BLIP3O_OK) << error_.message;
    const View& expected = trace_->tensors().at(name);
    EXPECT_TRUE(test::SameShape(tensor, expected));
    if (test::SameShape(tensor, expected)) {
      EXPECT_LE(test::RelativeL2(tensor, expected), kRelativeL2);
    }
    blip3o_job_close(job);
  }

  test::CheckpointCopy copy_;
  Result<Safetensors> trace_ = Status();
  blip3o_model* model_ = nullptr;
  blip3o_error error_ = {};
  blip3o_request request_ = {};
};

TEST_P(AutoencoderTest, EncodesAsDiffusers) {
  const blip3o_tensor picture = Borrow(trace_->tensors().at("pixels"));
  request_.first_stage = request_.last_stage = BLIP3O_STAGE_REFERENCES;
  request_.references = &picture;
  request_.reference_count = 1;
  ExpectResult(BLIP3O_REFERENCE_LATENTS, "latents");
}

TEST_P(AutoencoderTest, DecodesAsDiffusers) {
  request_.first_stage = request_.last_stage = BLIP3O_STAGE_PIXELS;
  request_.latents = Borrow(trace_->tensors().at("latents"));
  request_.latents.rank = 3;
  for (int i = 0; i < 3; ++i) request_.latents.shape[i] = request_.latents.shape[i + 1];
  ExpectResult(BLIP3O_IMAGE, "image");
}

INSTANTIATE_TEST_SUITE_P(Forms, AutoencoderTest,
                         testing::Values("rearrange", "zero_first", "zero_first_rearrange", "zero_middle", "thin"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace blip3o
