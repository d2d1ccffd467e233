// Whole checkpoints: which tensor fills which slot, and what is said of tensors that are missing or wrong.
#include "weights/checkpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "support/checkpoint_files.h"

namespace blip3o {
namespace {

namespace fs = std::filesystem;
using test::CheckpointCopy;
using test::RawTensor;
using test::RawTensors;

const std::string kQProj = "model.layers.1.self_attn.q_proj.weight";
const std::string kConvPoint = "model.sana.transformer_blocks.0.ff.conv_point.weight";

// One field's value, both as JSON.
std::string PatchOf(const std::string& field, const std::string& value) {
  return fmt::format(R"({{"{}": {}}})", field, value);
}

std::unique_ptr<Checkpoint> OpenGood(const fs::path& path, const fs::path& diffusion = "") {
  Result<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(path, diffusion);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  return checkpoint.ok() ? std::move(checkpoint.value()) : nullptr;
}

void ExpectWords(const Status& status, StatusCode code, const std::vector<std::string>& words) {
  ASSERT_FALSE(status.ok()) << words[0];
  EXPECT_EQ(status.code(), code) << status.message();
  for (const std::string& word : words) {
    EXPECT_NE(status.message().find(word), std::string::npos) << '"' << word << "\" is not in: " << status.message();
  }
}

void ExpectBad(const fs::path& path, const std::vector<std::string>& words,
               StatusCode code = StatusCode::kInvalidCheckpoint) {
  ExpectWords(Checkpoint::Open(path, "").status(), code, words);
}

std::string BytesOf(const View& view) {
  return {static_cast<const char*>(view.data), static_cast<size_t>(view.size_bytes())};
}

// All tensors of all files of a checkpoint directory.
RawTensors AllTensors(const fs::path& path) {
  RawTensors all;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".safetensors") all.merge(test::ReadTensors(entry.path()));
  }
  return all;
}

// The last vision layer, the vision encoder's own norm and the image tokenizer's decoder compute nothing that is read.
bool IsNotRead(const ModelConfig& config, const std::string& name) {
  const std::string tower = "model.vision_tower.vision_tower.";
  const std::string last = fmt::format("{}encoder.encoder.layers.{}.", tower, config.image_tokenizer.used_layers());
  for (const std::string& prefix :
       {last, tower + "encoder.post_layernorm", tower + "decode_task_layer", tower + "bottleneck.out_linear"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

class GoldenCheckpointTest : public testing::TestWithParam<const char*> {};

// Every tensor of the file that text to image or an edit reads is in the table, and of lm_head only the image tokens'
// rows.
TEST_P(GoldenCheckpointTest, OpensAndUsesEveryTensor) {
  const fs::path path = test::GoldenCheckpoint(GetParam());
  const auto checkpoint = OpenGood(path);
  ASSERT_NE(checkpoint, nullptr);
  const ModelConfig& config = checkpoint->config();
  int64_t bytes = 0;
  for (const auto& [name, tensor] : AllTensors(path)) {
    if (IsNotRead(config, name)) continue;
    const auto size = static_cast<int64_t>(tensor.bytes.size());
    bytes += name == "lm_head.weight" ? size / config.language_model.vocab_size * config.image_tokens.codes : size;
  }
  EXPECT_EQ(checkpoint->weight_bytes(), bytes);
  for (int part = 0; part < kModelPartCount; ++part) {
    const Status status = checkpoint->ScanValues(static_cast<ModelPart>(part));
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST_P(GoldenCheckpointTest, TheImageHeadIsTheImageTokensRows) {
  const fs::path path = test::GoldenCheckpoint(GetParam());
  const auto checkpoint = OpenGood(path);
  ASSERT_NE(checkpoint, nullptr);
  const ModelConfig& config = checkpoint->config();
  const bool tied = config.language_model.tie_word_embeddings;
  const RawTensor whole = AllTensors(path)[tied ? "model.embed_tokens.weight" : "lm_head.weight"];
  const View& head = checkpoint->weights().language_model.image_head;
  EXPECT_EQ(head.shape, (Shape{config.image_tokens.codes, config.language_model.hidden_size}));
  const size_t row = whole.bytes.size() / static_cast<size_t>(config.language_model.vocab_size);
  EXPECT_EQ(BytesOf(head), whole.bytes.substr(row * static_cast<size_t>(config.image_tokens.first),
                                              row * static_cast<size_t>(config.image_tokens.codes)));
}

INSTANTIATE_TEST_SUITE_P(All, GoldenCheckpointTest, testing::Values("tiny", "table", "tied", "demo"),
                         [](const auto& info) { return std::string(info.param); });

TEST(CheckpointTest, NamesItsDtypes) {
  EXPECT_EQ(OpenGood(test::GoldenCheckpoint("tiny"))->dtypes(), "F32");
  EXPECT_FALSE(OpenGood(test::GoldenCheckpoint("tiny"))->is_16_bit());
  EXPECT_EQ(OpenGood(test::GoldenCheckpoint("table"))->dtypes(), "F16");
  EXPECT_TRUE(OpenGood(test::GoldenCheckpoint("table"))->is_16_bit());
  EXPECT_TRUE(OpenGood(test::GoldenCheckpoint("tied"))->is_16_bit());
}

// Widens BF16 bytes to F32.
std::string Widened(const std::string& bytes) {
  std::string wide(bytes.size() * 2, '\0');
  for (size_t i = 0; i < bytes.size() / 2; ++i) {
    const float value = LoadAsF32(bytes.data(), DType::kBF16, static_cast<int64_t>(i));
    std::memcpy(wide.data() + 4 * i, &value, 4);
  }
  return wide;
}

TEST(CheckpointTest, DtypesMayBeMixed) {
  const CheckpointCopy copy("demo");
  const auto widen = [](const std::string& name) {
    return [name](RawTensors& tensors) {
      tensors[name].dtype = "F32";
      tensors[name].bytes = Widened(tensors[name].bytes);
    };
  };
  test::EditTensors(copy.weights(), widen("model.norm.weight"));
  EXPECT_EQ(OpenGood(copy.path())->dtypes(), "BF16, F32");
  EXPECT_TRUE(OpenGood(copy.path())->is_16_bit());  // no product reads a norm's weight
  test::EditTensors(copy.weights(), widen(kQProj));
  EXPECT_FALSE(OpenGood(copy.path())->is_16_bit());
}

TEST(CheckpointTest, OddlyAlignedDataAreRead) {
  const CheckpointCopy copy;
  const std::string values = test::ReadTensors(copy.weights())[kQProj].bytes;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) { tensors["a"] = {"U8", {3}, "abc"}; });
  const auto checkpoint = OpenGood(copy.path());
  const View& view = checkpoint->weights().language_model.layers[1].q_proj;
  EXPECT_EQ(BytesOf(view), values);
  EXPECT_TRUE(checkpoint->ScanValues(ModelPart::kLanguageModel).ok());
}

TEST(CheckpointTest, TensorsThatNobodyNeedsMayBeAnything) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    tensors["model.rotary.inv_freq"] = {"F64", {1}, std::string(8, '\0')};
    tensors["model.steps"] = {"I64", {1}, std::string(8, '\0')};
    std::erase_if(tensors, [](const auto& entry) { return entry.first.find("vision_tower") != std::string::npos; });
  });
  EXPECT_NE(OpenGood(copy.path()), nullptr);
}

TEST(CheckpointTest, NamesAMissingTensor) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) { tensors.erase(kQProj); });
  ExpectBad(copy.path(), {copy.path().string(), kQProj, "expected [128, 64]", "found nothing"});
  test::EditTensors(copy.weights(), [](RawTensors& tensors) { tensors.erase(kConvPoint); });
  ExpectBad(copy.path(), {kQProj, "1 more problems"});
}

TEST(CheckpointTest, NamesTheOtherPlaceOfAMissingTensor) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) { tensors.erase(kConvPoint); });
  ExpectBad(copy.path(), {kConvPoint, "transformer_blocks.0.ff.conv_point.weight in",
                          (copy.path() / "diffusion" / "transformer").string(), "found nothing"});
}

TEST(CheckpointTest, NamesAWrongShape) {
  const CheckpointCopy copy;
  test::PatchHeader(copy.weights(), PatchOf(kQProj, R"({"shape": [64, 128]})"));
  ExpectBad(copy.path(), {copy.weights().string(), kQProj, "shape", "expected [128, 64]", "found [64, 128]"});
  test::PatchHeader(copy.weights(), PatchOf(kQProj, R"({"shape": [1, 1, 1, 1, 1, 64, 128]})"));
  ExpectBad(copy.path(), {kQProj, "shape", "expected [128, 64]", "found [1, 1, 1, 1, 1, 64, 128]"});
}

TEST(CheckpointTest, NamesAConfigThatTheTensorsContradict) {
  const CheckpointCopy copy;
  copy.PatchJson("diffusion/transformer/config.json", R"({"caption_channels": 97})");
  ExpectBad(copy.path(), {"model.diffusion_connector.0.weight", "expected [97, 64]", "found [96, 64]"});
}

TEST(CheckpointTest, NamesAWrongDtype) {
  for (const char* dtype : {"I32", "U32"}) {  // one that a view can hold and one that none can
    const CheckpointCopy copy;
    test::PatchHeader(copy.weights(), PatchOf(kQProj, fmt::format(R"({{"dtype": "{}"}})", dtype)));
    ExpectBad(copy.path(),
              {copy.weights().string(), kQProj, "dtype", "F32, BF16 or F16", std::string("found ") + dtype});
  }
}

TEST(CheckpointTest, NamesMissingWeights) {
  const CheckpointCopy copy;
  fs::remove(copy.weights());
  ExpectBad(copy.path(), {copy.path().string(), "model.safetensors", "found neither"}, StatusCode::kIoError);
}

TEST(CheckpointTest, NamesATruncatedFile) {
  const CheckpointCopy copy;
  fs::resize_file(copy.weights(), fs::file_size(copy.weights()) - 1);
  ExpectBad(copy.path(), {copy.weights().string(), "truncated"});
}

TEST(CheckpointTest, NamesAnOversizedFile) {
  const CheckpointCopy copy;
  fs::resize_file(copy.weights(), fs::file_size(copy.weights()) + 5);
  ExpectBad(copy.path(), {copy.weights().string(), "5 bytes too many"});
}

TEST(CheckpointTest, AMissingHeadIsNamedUnlessTied) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) { tensors.erase("lm_head.weight"); });
  ExpectBad(copy.path(), {"lm_head.weight", "expected [539, 64]", "found nothing"});
  copy.PatchJson("config.json", R"({"tie_word_embeddings": true})");
  EXPECT_NE(OpenGood(copy.path()), nullptr);
}

class ShardedTest : public testing::Test {
 protected:
  ShardedTest() : tensors_(test::ReadTensors(copy_.weights())) {
    fs::remove(copy_.weights());
    test::WriteShards(copy_.path(), "model", tensors_, 3);
  }

  void PatchMap(const std::string& tensor, const std::string& file) {
    copy_.PatchJson("model.safetensors.index.json", PatchOf("weight_map", PatchOf(tensor, file)));
  }

  CheckpointCopy copy_;
  RawTensors tensors_;
};

TEST_F(ShardedTest, OpensShards) {
  const auto checkpoint = OpenGood(copy_.path());
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_EQ(BytesOf(checkpoint->weights().language_model.layers[1].q_proj), tensors_[kQProj].bytes);
}

TEST_F(ShardedTest, NamesAMissingShard) {
  fs::remove(copy_.path() / "model-1.safetensors");
  ExpectBad(copy_.path(), {"model.safetensors.index.json", "weight_map.", "model-1.safetensors", "found no"},
            StatusCode::kIoError);
}

TEST_F(ShardedTest, NamesATensorThatItsShardLacks) {
  PatchMap("model.nothing", R"("model-1.safetensors")");
  ExpectBad(copy_.path(), {"model.safetensors.index.json", "weight_map.model.nothing", "model-1.safetensors"});
}

TEST_F(ShardedTest, NamesATensorThatTheIndexLacks) {
  PatchMap(kQProj, "null");
  ExpectBad(copy_.path(), {kQProj, "expected [128, 64]", "found nothing"});
}

TEST_F(ShardedTest, RefusesPathsOutOfTheDirectory) {
  for (const char* name : {"../model-1.safetensors", "/etc/passwd", "..", ""}) {
    PatchMap(kQProj, fmt::format(R"("{}")", name));
    ExpectBad(copy_.path(), {"weight_map." + kQProj, "the name of a file beside the index"});
  }
  PatchMap(kQProj, "5");
  ExpectBad(copy_.path(), {"weight_map." + kQProj, "found 5"});
}

TEST_F(ShardedTest, NamesABrokenIndex) {
  const fs::path index = copy_.path() / "model.safetensors.index.json";
  test::WriteText(index, "{");
  ExpectBad(copy_.path(), {index.string(), "expected JSON"});
  test::WriteText(index, "{}");
  ExpectBad(copy_.path(), {index.string(), "weight_map", "found nothing"});
}

TEST_F(ShardedTest, NamesABrokenShardOnce) {
  const fs::path shard = copy_.path() / "model-2.safetensors";
  fs::resize_file(shard, fs::file_size(shard) + 1);
  const Status status = Checkpoint::Open(copy_.path(), "").status();
  ExpectWords(status, StatusCode::kInvalidCheckpoint, {shard.string(), "1 bytes too many"});
  EXPECT_EQ(status.message().find("more problems"), std::string::npos) << status.message();
}

// Moves the tensors of one part from the model's file to another one, under their names there.
RawTensors TakeOut(const fs::path& weights, const std::string& prefix) {
  RawTensors taken;
  test::EditTensors(weights, [&](RawTensors& tensors) {
    for (const auto& [name, tensor] : tensors) {
      if (name.starts_with(prefix)) taken[name.substr(prefix.size())] = tensor;
    }
    std::erase_if(tensors, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  });
  return taken;
}

TEST(DiffusionFilesTest, GiveWhatTheModelFilesLack) {
  const CheckpointCopy copy;
  const std::string values = test::ReadTensors(copy.weights())[kConvPoint].bytes;
  const RawTensors transformer = TakeOut(copy.weights(), "model.sana.");
  const RawTensors autoencoder = TakeOut(copy.weights(), "model.sana_vae.");
  const fs::path folder = copy.path() / "diffusion" / "transformer";
  test::WriteTensors(folder / "diffusion_pytorch_model.safetensors", transformer);
  test::WriteShards(copy.path() / "diffusion" / "vae", "diffusion_pytorch_model", autoencoder, 2);
  const auto checkpoint = OpenGood(copy.path());
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_EQ(BytesOf(checkpoint->weights().diffusion_transformer.blocks[0].ff.conv_point), values);
  EXPECT_FALSE(checkpoint->weights().decoder.conv_in.weight.empty());
  EXPECT_EQ(checkpoint->weight_bytes(), OpenGood(test::GoldenCheckpoint("tiny"))->weight_bytes());

  test::EditTensors(folder / "diffusion_pytorch_model.safetensors", [](RawTensors& tensors) {
    tensors["proj_out.weight"].shape = {64, 8};
  });
  ExpectBad(copy.path(), {(folder / "diffusion_pytorch_model.safetensors").string(), "tensor proj_out.weight",
                          "expected [8, 64]", "found [64, 8]"});
  fs::rename(folder / "diffusion_pytorch_model.safetensors", folder / "diffusion_pytorch_model.bf16.safetensors");
  test::EditTensors(folder / "diffusion_pytorch_model.bf16.safetensors", [](RawTensors& tensors) {
    tensors["proj_out.weight"].shape = {8, 64};
  });
  EXPECT_NE(OpenGood(copy.path()), nullptr);
}

TEST(DiffusionFilesTest, AreNotOpenedWhenTheModelFilesLackNothing) {
  const CheckpointCopy copy;
  test::WriteText(copy.path() / "diffusion" / "transformer" / "diffusion_pytorch_model.safetensors", "broken");
  EXPECT_NE(OpenGood(copy.path()), nullptr);
  TakeOut(copy.weights(), "model.sana.");
  ExpectBad(copy.path(), {"diffusion_pytorch_model.safetensors", "truncated"});
}

template <typename T>
void Put(std::string& bytes, size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

TEST(ScanTest, NamesTensorFileKindAndIndex) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    tensors["a"] = {"U8", {1}, "a"};  // misaligns the rest
    Put(tensors[kQProj].bytes, 127 * 64 + 63, std::numeric_limits<float>::quiet_NaN());
    Put(tensors[kConvPoint].bytes, 5 * 160 + 7, -std::numeric_limits<float>::infinity());
  });
  const auto checkpoint = OpenGood(copy.path());
  ASSERT_NE(checkpoint, nullptr);
  ExpectWords(checkpoint->ScanValues(ModelPart::kLanguageModel), StatusCode::kInvalidCheckpoint,
              {kQProj, copy.weights().string(), "holds nan at [127, 63]", "expected finite"});
  ExpectWords(checkpoint->ScanValues(ModelPart::kDiffusionTransformer), StatusCode::kInvalidCheckpoint,
              {kConvPoint, "holds -inf at [5, 7, 0, 0]"});
  EXPECT_TRUE(checkpoint->ScanValues(ModelPart::kConnector).ok());
  EXPECT_TRUE(checkpoint->ScanValues(ModelPart::kDecoder).ok());
}

TEST(ScanTest, FindsEveryPositionIn16Bits) {
  for (const bool bf16 : {true, false}) {
    const uint16_t infinity = bf16 ? 0x7F80 : 0x7C00;
    const CheckpointCopy copy(bf16 ? "demo" : "table");
    const std::string name = "model.sana.time_embed.linear.weight";
    const RawTensors tensors = test::ReadTensors(copy.weights());
    const size_t count = tensors.at(name).bytes.size() / 2;
    const auto columns = static_cast<size_t>(tensors.at(name).shape[1]);
    for (const size_t index : {size_t{0}, size_t{4095}, size_t{4096}, count - 1}) {
      RawTensors spoilt = tensors;
      Put(spoilt[name].bytes, index, static_cast<uint16_t>(infinity | (index == 0 ? 1 : 0)));
      test::WriteTensors(copy.weights(), spoilt);
      const std::string kind = index == 0 ? "nan" : "inf";
      ExpectWords(OpenGood(copy.path())->ScanValues(ModelPart::kDiffusionTransformer), StatusCode::kInvalidCheckpoint,
                  {name, "holds " + kind + " at [" + std::to_string(index / columns) + ", " +
                             std::to_string(index % columns) + "]"});
    }
    RawTensors finite = tensors;
    Put(finite[name].bytes, 1, static_cast<uint16_t>(infinity - 1));  // the largest number
    test::WriteTensors(copy.weights(), finite);
    EXPECT_TRUE(OpenGood(copy.path())->ScanValues(ModelPart::kDiffusionTransformer).ok());
  }
}

// Rows of lm_head that are never read can't spoil a picture; the index counts from the tensor's own first row.
TEST(ScanTest, ReadsOnlyTheImageTokensRowsOfTheHead) {
  const CheckpointCopy copy;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  test::EditTensors(copy.weights(), [&](RawTensors& t) { Put(t["lm_head.weight"].bytes, 410 * 64, nan); });
  EXPECT_TRUE(OpenGood(copy.path())->ScanValues(ModelPart::kLanguageModel).ok());
  test::EditTensors(copy.weights(), [&](RawTensors& t) { Put(t["lm_head.weight"].bytes, 412 * 64 + 3, nan); });
  ExpectWords(OpenGood(copy.path())->ScanValues(ModelPart::kLanguageModel), StatusCode::kInvalidCheckpoint,
              {"lm_head.weight", "holds nan at [412, 3]"});
}

// What a checkpoint says that it can't do, after `edit`.
Capabilities CapabilitiesAfter(const std::string& name, const std::function<void(RawTensors&)>& edit) {
  const CheckpointCopy copy(name);
  test::EditTensors(copy.weights(), edit);
  const auto checkpoint = OpenGood(copy.path());
  return checkpoint == nullptr ? Capabilities() : checkpoint->capabilities();
}

void ExpectLack(const std::string& lack, const std::vector<std::string>& words) {
  for (const std::string& word : words) EXPECT_NE(lack.find(word), std::string::npos) << word << " in " << lack;
}

TEST(CapabilitiesTest, EditingModelsCanEdit) {
  for (const char* name : {"tiny", "table", "demo"}) {
    const Capabilities can = OpenGood(test::GoldenCheckpoint(name))->capabilities();
    EXPECT_EQ(can.reference_tokens_lack + can.reference_latents_lack + can.editing_lacks, "") << name;
  }
}

TEST(CapabilitiesTest, ATextModelSaysThatItsConfigIsForText) {
  const Capabilities can = OpenGood(test::GoldenCheckpoint("tied"))->capabilities();
  ExpectLack(can.editing_lacks, {"can't edit", "config.json", "use_und_image_vae_as_noise"});
  EXPECT_EQ(can.reference_latents_lack, "");  // image to image works
}

TEST(CapabilitiesTest, AMissingPartIsNamed) {
  const auto without = [](const std::string& prefix) {
    return [prefix](RawTensors& tensors) {
      std::erase_if(tensors, [&](const auto& item) { return item.first.starts_with(prefix); });
    };
  };
  Capabilities can = CapabilitiesAfter("tiny", without("model.vision_tower."));
  ExpectLack(can.reference_tokens_lack, {"no image tokenizer", "none of its 42 tensors", "patch_embedding"});
  ExpectLack(can.editing_lacks, {"can't edit", "no image tokenizer"});
  EXPECT_EQ(can.reference_latents_lack, "");
  can = CapabilitiesAfter("tiny", without("model.sana_vae.encoder."));
  ExpectLack(can.reference_latents_lack, {"no autoencoder encoder"});
  EXPECT_EQ(can.reference_tokens_lack, "");
  can = CapabilitiesAfter("tiny", without("model.und_image_vae_connector."));
  ExpectLack(can.editing_lacks, {"no reference connector", "none of its 5 tensors"});
  EXPECT_EQ(can.reference_tokens_lack + can.reference_latents_lack, "");
  can = CapabilitiesAfter("tiny", without("model.vision_tower.vision_tower.encode_task_layer.0.bias"));
  ExpectLack(can.editing_lacks, {"image tokenizer is not complete", "encode_task_layer.0.bias", "found nothing"});
}

// Its width is known from the projection, so that nothing else is called wrong.
TEST(CapabilitiesTest, AMissingOrEmptyCodebookIsNamed) {
  Capabilities can = CapabilitiesAfter("tiny", [](RawTensors& tensors) { tensors.erase(kCodebookTensor); });
  ExpectLack(can.reference_tokens_lack, {kCodebookTensor, "expected [128, 24]", "found nothing"});
  EXPECT_EQ(can.reference_tokens_lack.find("more tensors"), std::string::npos) << can.reference_tokens_lack;
  can = CapabilitiesAfter("tiny", [](RawTensors& tensors) {
    tensors[kCodebookTensor] = {"F32", {128, 0}, ""};
    tensors[kCodeProjectionTensor] = {"F32", {0, 0}, ""};
  });
  ExpectLack(can.reference_tokens_lack, {"image tokenizer is not complete"});
}

TEST(CapabilitiesTest, AConnectorThatNobodyReadsMayLack) {
  const CheckpointCopy copy;
  copy.PatchJson("config.json", R"({"only_use_und_image_vae_as_noise": true})");
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("model.und_image_vae_connector."); });
  });
  EXPECT_EQ(OpenGood(copy.path())->capabilities().editing_lacks, "");
}

TEST(CapabilitiesTest, ATensorOfAnotherShapeIsNamed) {
  const Capabilities can = CapabilitiesAfter("tiny", [](RawTensors& tensors) {
    tensors["model.sana_vae.encoder.conv_out.weight"].shape = {8, 3, 3, 32};
  });
  ExpectLack(can.editing_lacks, {"model.sana_vae.encoder.conv_out.weight", "[8, 32, 3, 3]", "[8, 3, 3, 32]"});
}

// The public checkpoint's config says nothing of its vision encoder; other tensors than the public ones are told apart.
TEST(CapabilitiesTest, WithoutAConfigTheVisionEncoderIsThePublicOne) {
  const CheckpointCopy copy;
  copy.PatchJson("config.json", R"({"vision_tower_config": null})");
  ExpectLack(OpenGood(copy.path())->capabilities().reference_tokens_lack,
             {"patch_embedding.weight", "expected [1152, 3, 14, 14]", "found [48, 3, 14, 14]"});
}

// The table of shapes where the golden checkpoints have no example.
class TensorTableTest : public testing::Test {
 protected:
  TensorTableTest() : config_(ReadConfig(test::GoldenCheckpoint("tiny"), "").value()) {}

  std::map<std::string, Shape> Decoder() {
    std::map<std::string, Shape> shapes;
    for (const TensorRow& row : TensorTable(config_, weights_)) {
      if (row.part == ModelPart::kDecoder) shapes[row.alias] = row.shape;
    }
    return shapes;
  }

  std::map<std::string, Shape> Encoder() {
    std::map<std::string, Shape> shapes;
    for (const TensorRow& row : TensorTable(config_, weights_)) {
      if (row.part == ModelPart::kEncoder) shapes[row.alias] = row.shape;
    }
    return shapes;
  }

  AutoencoderHalfConfig& encoder() { return config_.autoencoder.encoder; }
  AutoencoderHalfConfig& decoder() { return config_.autoencoder.decoder; }

  ModelConfig config_;
  ModelWeights weights_;
};

TEST_F(TensorTableTest, AFirstStageWithoutLayersMakesConvOutTheSampler) {
  decoder().stages[0].layers = 0;
  std::map<std::string, Shape> shapes = Decoder();
  EXPECT_EQ(shapes.at("decoder.conv_out.conv.weight"), (Shape{3, 16, 3, 3}));
  EXPECT_EQ(shapes.at("decoder.norm_out.weight"), (Shape{16}));
  EXPECT_EQ(shapes.count("decoder.conv_out.weight"), 0u);
  for (const auto& [name, shape] : shapes) EXPECT_FALSE(name.starts_with("decoder.up_blocks.0.")) << name;
  EXPECT_TRUE(weights_.decoder.stages[0].res_blocks.empty());

  decoder().rearrange = true;
  EXPECT_EQ(Decoder().at("decoder.conv_out.conv.weight"), (Shape{12, 16, 3, 3}));
}

TEST_F(TensorTableTest, ALaterStageWithoutLayersHasNoSampler) {
  decoder().stages[2].layers = 0;
  const std::map<std::string, Shape> shapes = Decoder();
  for (const auto& [name, shape] : shapes) EXPECT_FALSE(name.starts_with("decoder.up_blocks.2.")) << name;
  EXPECT_EQ(shapes.at("decoder.up_blocks.1.0.conv.weight"), (Shape{16, 32, 3, 3}));
}

TEST_F(TensorTableTest, TheDeepestStageHasNoSampler) {
  const std::map<std::string, Shape> shapes = Decoder();
  EXPECT_EQ(shapes.count("decoder.up_blocks.3.0.conv.weight"), 0u);
  EXPECT_EQ(shapes.count("decoder.up_blocks.3.0.attn.to_q.weight"), 1u);
}

TEST_F(TensorTableTest, PixelShuffleTakesFourTimesTheChannels) {
  decoder().rearrange = true;
  EXPECT_EQ(Decoder().at("decoder.up_blocks.0.0.conv.weight"), (Shape{32, 16, 3, 3}));
  EXPECT_EQ(Decoder().at("decoder.up_blocks.0.0.conv.bias"), (Shape{32}));
}

TEST_F(TensorTableTest, ScalesAndHeadsShapeTheAttention) {
  decoder().stages[3].qkv_multiscales = {3, 5};
  decoder().stages[3].channels = 40;  // two heads of 16, and 8 channels that no head takes
  const std::map<std::string, Shape> shapes = Decoder();
  EXPECT_EQ(shapes.at("decoder.up_blocks.3.0.attn.to_q.weight"), (Shape{32, 40}));
  EXPECT_EQ(shapes.at("decoder.up_blocks.3.0.attn.to_out.weight"), (Shape{40, 96}));
  EXPECT_EQ(shapes.at("decoder.up_blocks.3.0.attn.to_qkv_multiscale.0.proj_in.weight"), (Shape{96, 1, 3, 3}));
  EXPECT_EQ(shapes.at("decoder.up_blocks.3.0.attn.to_qkv_multiscale.1.proj_in.weight"), (Shape{96, 1, 5, 5}));
}

TEST_F(TensorTableTest, TheEncodersSamplersFollowItsBlocks) {
  EXPECT_EQ(Encoder().at("encoder.down_blocks.0.1.conv.weight"), (Shape{16, 8, 3, 3}));
  EXPECT_EQ(Encoder().count("encoder.down_blocks.3.1.conv.weight"), 0u);
  encoder().rearrange = true;
  EXPECT_EQ(Encoder().at("encoder.down_blocks.0.1.conv.weight"), (Shape{4, 8, 3, 3}));
  encoder().stages[0].layers = 0;
  EXPECT_EQ(Encoder().at("encoder.conv_in.conv.weight"), (Shape{4, 3, 3, 3}));
  EXPECT_EQ(Encoder().count("encoder.down_blocks.0.0.conv.weight"), 0u);
  encoder().rearrange = false;
  EXPECT_EQ(Encoder().at("encoder.conv_in.conv.weight"), (Shape{16, 3, 3, 3}));
}

}  // namespace
}  // namespace blip3o
