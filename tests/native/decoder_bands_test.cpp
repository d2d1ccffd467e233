// The finest stage of the decoder in bands of rows: the bytes of the whole, at any size and any height of a band.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/autoencoder_decoder.h"
#include "ops/cpu/cpu_ops.h"
#include "ops/dry_ops.h"
#include "support/checkpoint_files.h"
#include "support/kernel_test.h"
#include "weights/checkpoint.h"

namespace blip3o {
namespace {

class CountingProgress final : public Progress {
 public:
  Status Advance(int done, int count) override {
    EXPECT_EQ(done, ++done_);
    EXPECT_LE(done, count);
    return {};
  }
  int done() const { return done_; }

 private:
  int done_ = 0;
};

struct Decoded {
  std::vector<float> image;
  int64_t peak_bytes = 0;
};

class DecoderBandsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() != std::string("tiny")) {
      const std::filesystem::path folder =
          std::filesystem::path(BLIP3O_SOURCE_DIR) / "tests" / "golden" / "autoencoder" / GetParam();
      std::filesystem::copy_file(folder / "config.json", copy_.path() / "diffusion" / "vae" / "config.json",
                                 std::filesystem::copy_options::overwrite_existing);
      test::EditTensors(copy_.weights(), [&](test::RawTensors& tensors) {
        std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("model.sana_vae."); });
        tensors.merge(test::ReadTensors(folder / "autoencoder.safetensors"));
      });
    }
    auto opened = Checkpoint::Open(copy_.path(), {});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    checkpoint_ = std::move(opened.value());
  }

  const AutoencoderConfig& config() const { return checkpoint_->config().autoencoder; }
  AutoencoderDecoder DecoderFor(int64_t most_map_bytes) const {
    return {config(), checkpoint_->weights().decoder, most_map_bytes};
  }
  int64_t FinestChannels() const {
    const auto& stages = config().decoder.stages;
    return std::find_if(stages.begin(), stages.end(), [](const auto& stage) { return stage.layers > 0; })->channels;
  }
  // How many times as high and wide as the latents the image is, and the finest map.
  int64_t ImageScale() const {
    const auto& stages = config().decoder.stages;
    int64_t scale = 1;
    for (size_t i = 0; i + 1 < stages.size(); ++i) scale *= i == 0 || stages[i].layers > 0 ? 2 : 1;
    return scale;
  }
  int64_t FinestScale() const { return config().decoder.stages[0].layers > 0 ? ImageScale() : ImageScale() / 2; }

  Decoded Decode(const AutoencoderDecoder& decoder, int64_t height, int64_t width) const {
    const int64_t channels = config().latent_channels, pixels = height * width * ImageScale() * ImageScale();
    const test::OwnedMatrix latents(height * width, channels, test::Numbers(7), 1.0f, 0);
    Decoded decoded;
    decoded.image.assign(static_cast<size_t>(3 * pixels), -77.0f);
    const Matrix image{decoded.image.data(), pixels, 3, 3};
    DryOps dry;
    Arena measuring;
    CountingProgress measured, progress;
    EXPECT_TRUE(decoder.Decode(dry, measuring, *latents, height, width, measured, image).ok());
    decoded.peak_bytes = measuring.peak_bytes();
    Buffer memory = std::move(Buffer::Allocate(measuring.peak_bytes()).value());
    Arena arena(memory);
    std::unique_ptr<Ops> ops = std::move(cpu::CreateOps({.threads = 2}).value());
    EXPECT_TRUE(ops->Reserve(dry.capacity()).ok());
    EXPECT_TRUE(decoder.Decode(*ops, arena, *latents, height, width, progress, image).ok());
    EXPECT_TRUE(ops->Finish().ok());
    EXPECT_EQ(progress.done(), decoder.Parts(height, width));
    EXPECT_EQ(measured.done(), decoder.Parts(height, width));
    return decoded;
  }

  test::CheckpointCopy copy_;
  std::unique_ptr<Checkpoint> checkpoint_;
};

TEST_P(DecoderBandsTest, HaveTheBytesOfTheWhole) {
  const AutoencoderDecoder whole = DecoderFor(int64_t{1} << 40);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{5, 3}, {7, 1}, {1, 9}, {12, 5}, {16, 16}}) {
    const Decoded expected = Decode(whole, height, width);
    const int64_t row_bytes = width * FinestScale() * FinestChannels() * SizeOf(DType::kF32);
    for (const int64_t rows : {1, 7, 12, 15, 22}) {
      const AutoencoderDecoder banded = DecoderFor(rows * row_bytes);
      const bool bands = banded.Parts(height, width) > whole.Parts(height, width);
      EXPECT_EQ(bands, rows < height * FinestScale() && height * FinestScale() > 2)
          << height << "x" << width << " in bands of " << rows;
      const Decoded decoded = Decode(banded, height, width);
      ASSERT_EQ(decoded.image.size(), expected.image.size());
      EXPECT_EQ(std::memcmp(decoded.image.data(), expected.image.data(), expected.image.size() * sizeof(float)), 0)
          << height << "x" << width << " in bands of " << rows << " rows";
    }
  }
}

TEST_P(DecoderBandsTest, TakeNoMoreMemoryThanABandNeeds) {
  constexpr int64_t kSide = 32;
  const int64_t row_bytes = kSide * FinestScale() * FinestChannels() * SizeOf(DType::kF32);
  const Decoded whole = Decode(DecoderFor(int64_t{1} << 40), kSide, kSide),
                banded = Decode(DecoderFor(20 * row_bytes), kSide, kSide);
  EXPECT_EQ(std::memcmp(banded.image.data(), whole.image.data(), whole.image.size() * sizeof(float)), 0);
  EXPECT_LT(banded.peak_bytes, whole.peak_bytes);
}

INSTANTIATE_TEST_SUITE_P(Forms, DecoderBandsTest,
                         testing::Values("tiny", "rearrange", "zero_first", "zero_first_rearrange", "zero_middle",
                                         "thin"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace blip3o
