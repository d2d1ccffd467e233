// Resizing against Pillow: tests/golden/resize holds pictures and what Pillow makes of them, byte by byte.
#include "image/resize.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "image/prepare.h"
#include "support/checkpoint_files.h"

namespace blip3o {
namespace {

using Json = nlohmann::json;
using test::RawTensor;
using test::RawTensors;

const std::filesystem::path kTables = std::filesystem::path(BLIP3O_SOURCE_DIR) / "tests" / "golden" / "resize";

Picture AsPicture(const RawTensor& tensor) {
  EXPECT_EQ(tensor.dtype, "U8");
  EXPECT_EQ(tensor.shape.size(), 3u);
  return {{tensor.bytes.begin(), tensor.bytes.end()}, tensor.shape.at(0), tensor.shape.at(1), tensor.shape.at(2)};
}

testing::AssertionResult Same(const Picture& found, const Picture& expected) {
  if (found.height != expected.height || found.width != expected.width || found.channels != expected.channels) {
    return testing::AssertionFailure() << fmt::format("found [{}, {}, {}], expected [{}, {}, {}]", found.height,
                                                      found.width, found.channels, expected.height, expected.width,
                                                      expected.channels);
  }
  if (found.bytes.size() != expected.bytes.size()) return testing::AssertionFailure() << found.bytes.size() << " bytes";
  for (size_t i = 0; i < found.bytes.size(); ++i) {
    if (found.bytes[i] != expected.bytes[i]) {
      return testing::AssertionFailure() << fmt::format("byte {} is {}, expected {}", i, found.bytes[i],
                                                        expected.bytes[i]);
    }
  }
  return testing::AssertionSuccess();
}

uint64_t Fnv1a(const Picture& picture) {
  uint64_t hash = 0xcbf29ce484222325;
  for (uint8_t byte : picture.bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

// make_tables.py's `formula`.
Picture LargePicture(int64_t height, int64_t width) {
  Picture picture{{}, height, width, 3};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        picture.bytes.push_back(static_cast<uint8_t>(x * 7 + y * 13 + c * 101 + x * y / 32));
      }
    }
  }
  return picture;
}

class PillowTables : public testing::Test {
 protected:
  Picture Source(const std::string& name) const {
    if (name.find('/') == std::string::npos) return AsPicture(tensors_.at("source." + name));
    const std::filesystem::path png = kTables / name;
    return AsPicture(test::ReadTensors(png.parent_path() / "references.safetensors").at(png.filename().string()));
  }

  Picture Expected(const std::string& name) const { return AsPicture(tensors_.at(name)); }

  const Json cases_ = Json::parse(test::ReadText(kTables / "cases.json"));
  const RawTensors tensors_ = test::ReadTensors(kTables / "tables.safetensors");
};

TEST_F(PillowTables, ResizeIsPillows) {
  ASSERT_GT(cases_.at("resize").size(), 80u);
  for (const Json& one : cases_.at("resize")) {
    const std::string name = one.at("name");
    const Picture source = Source(one.at("source"));
    const ResizeFilter filter = one.at("filter") == "bicubic" ? ResizeFilter::kBicubic : ResizeFilter::kBilinear;
    const int64_t height = one.at("size").at(0), width = one.at("size").at(1);
    if (!one.contains("window")) {
      EXPECT_TRUE(Same(Resize(source.view(), height, width, filter), Expected(name))) << name;
      continue;
    }
    const Json& window = one.at("window");
    const CropWindow crop{window.at(0), window.at(1), window.at(2), window.at(3)};
    EXPECT_TRUE(Same(ResizeAndCrop(source.view(), height, width, filter, crop), Expected(name))) << name;
  }
}

TEST_F(PillowTables, PrepareIsWhatTheReferenceSees) {
  ASSERT_GT(cases_.at("prepare").size(), 15u);
  for (const Json& one : cases_.at("prepare")) {
    const std::string name = one.at("name");
    const Picture source = Source(one.at("source"));
    const PreparedPicture prepared = Prepare(source.view(), one.at("tokenizer"), one.at("autoencoder"));
    EXPECT_TRUE(Same(prepared.tokenizer, Expected(name + ".tokenizer"))) << name;
    EXPECT_TRUE(Same(prepared.autoencoder, Expected(name + ".autoencoder"))) << name;
  }
}

TEST_F(PillowTables, LargePicturesHaveTheSameBytes) {
  for (const Json& one : cases_.at("large")) {
    const Picture source = LargePicture(one.at("height"), one.at("width"));
    const PreparedPicture prepared = Prepare(source.view(), one.at("tokenizer"), one.at("autoencoder"));
    EXPECT_EQ(fmt::format("{:016x}", Fnv1a(prepared.tokenizer)), one.at("tokenizer_hash")) << one.at("name");
    EXPECT_EQ(fmt::format("{:016x}", Fnv1a(prepared.autoencoder)), one.at("autoencoder_hash")) << one.at("name");
  }
}

// Rows wider than a strip of the vertical pass; each window against the whole.
TEST_F(PillowTables, AWindowIsAPartOfTheWhole) {
  const Picture source = LargePicture(31, 1601);
  const int64_t height = 20, width = 1500;
  for (ResizeFilter filter : {ResizeFilter::kBilinear, ResizeFilter::kBicubic}) {
    const Picture whole = Resize(source.view(), height, width, filter);
    for (const CropWindow& window : {CropWindow{0, 0, 20, 1500}, {3, 7, 11, 1400}, {19, 1499, 1, 1}, {0, 700, 20, 1}}) {
      const Picture part = ResizeAndCrop(source.view(), height, width, filter, window);
      ASSERT_EQ(part.bytes.size(), static_cast<size_t>(window.height * window.width * 3));
      for (int64_t y = 0; y < window.height; ++y) {
        const auto expected = whole.bytes.begin() + ((window.top + y) * width + window.left) * 3;
        ASSERT_TRUE(std::equal(expected, expected + window.width * 3, part.bytes.begin() + y * window.width * 3)) << y;
      }
    }
  }
}

TEST(Prepare, ASideOf0LeavesThatSizeOut) {
  const Picture source = LargePicture(9, 11);
  const PreparedPicture tokens = Prepare(source.view(), 4, 0), latents = Prepare(source.view(), 0, 8);
  EXPECT_EQ(tokens.tokenizer.bytes.size(), 4u * 4 * 3);
  EXPECT_TRUE(tokens.autoencoder.empty());
  EXPECT_FALSE(tokens.empty());
  EXPECT_TRUE(latents.tokenizer.empty());
  EXPECT_EQ(latents.autoencoder.bytes.size(), 8u * 8 * 3);
  EXPECT_FALSE(latents.empty());
  EXPECT_TRUE(PreparedPicture().empty());
}

// Alpha is composited before the resizing: what lies under it must not bleed into its neighbours.
TEST(Prepare, CompositesAlphaOverWhiteFirst) {
  Picture source = LargePicture(33, 20);
  Picture with_alpha{{}, 33, 20, 4};
  for (size_t i = 0; i < source.bytes.size(); i += 3) {
    with_alpha.bytes.insert(with_alpha.bytes.end(), &source.bytes[i], &source.bytes[i] + 3);
    with_alpha.bytes.push_back(static_cast<uint8_t>(i * 11));
  }
  EXPECT_EQ(Prepare(with_alpha.view(), 8, 16), Prepare(ToRgb(with_alpha.view()).view(), 8, 16));
  EXPECT_NE(Prepare(with_alpha.view(), 8, 16), Prepare(source.view(), 8, 16));
}

// A mask is cropped as the picture is that it belongs to.
TEST(ResizeToSquare, CropsAMaskAsItsPicture) {
  const Picture rgb = LargePicture(50, 83);
  Picture grey{{}, 50, 83, 1};
  for (size_t i = 0; i < rgb.bytes.size(); i += 3) grey.bytes.push_back(rgb.bytes[i + 2]);
  const Picture square = ResizeToSquare(grey.view(), 24);
  const Picture expected = Prepare(rgb.view(), 0, 24).autoencoder;
  ASSERT_EQ(square.bytes.size(), 24u * 24);
  for (size_t i = 0; i < square.bytes.size(); ++i) ASSERT_EQ(square.bytes[i], expected.bytes[3 * i + 2]) << i;
}

}  // namespace
}  // namespace blip3o
