// Reports on good and bad checkpoints.
#include "weights/inspect.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/checkpoint_files.h"

namespace blip3o {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::CheckpointCopy;
using test::RawTensors;

Json Report(const fs::path& path, bool scan_values = false) {
  const Result<std::string> report = InspectCheckpoint(path, "", scan_values);
  EXPECT_TRUE(report.ok()) << report.status().message();
  return report.ok() ? Json::parse(report.value()) : Json::object();
}

// Exactly one problem holds all words.
void ExpectProblem(const Json& report, const std::vector<std::string>& words) {
  int found = 0;
  for (const Json& problem : report["problems"]) {
    const auto& text = problem.get_ref<const std::string&>();
    bool all = true;
    for (const std::string& word : words) all &= text.find(word) != std::string::npos;
    found += all ? 1 : 0;
  }
  EXPECT_EQ(found, 1) << words[0] << " in " << report["problems"].dump(1);
  EXPECT_FALSE(report["complete"].get<bool>());
}

TEST(InspectTest, CountsAGoodCheckpoint) {
  for (const char* name : {"tiny", "table", "tied", "demo"}) {
    const fs::path path = test::GoldenCheckpoint(name);
    const Json report = Report(path, true);
    EXPECT_TRUE(report["complete"].get<bool>()) << report["problems"].dump(1);
    EXPECT_EQ(report["directory"], path.string());
    int64_t bytes = 0;
    for (const Json& part : report["parts"]) {
      EXPECT_GT(part["tensors"], 0);
      EXPECT_EQ(part["dtypes"].size(), 1u);
      bytes += part["bytes"].get<int64_t>();
    }
    // A checkpoint made for text has no reference connector.
    EXPECT_EQ(report["parts"].size(), std::string(name) == "tied" ? 6u : 7u);
    EXPECT_EQ(report["capabilities"]["editing"]["available"], std::string(name) != "tied");
    for (const Json& tensor : report["unused"]) bytes += tensor["bytes"].get<int64_t>();
    int64_t stored = 0;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() != ".safetensors") continue;
      for (const auto& [tensor, value] : test::ReadTensors(entry.path())) {
        stored += static_cast<int64_t>(value.bytes.size());
      }
    }
    EXPECT_EQ(bytes, stored) << name;
  }
}

TEST(InspectTest, SaysSizes) {
  const Json config = Report(test::GoldenCheckpoint("tiny"))["config"];
  EXPECT_EQ(config["hidden_size"], 64);
  EXPECT_EQ(config["image_tokens"], 16);
  EXPECT_EQ(config["picture_side"], 64);
}

TEST(InspectTest, ListsWhatIsNotUsed) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    tensors["model.step"] = {"I64", {1}, std::string(8, '\0')};
    tensors["model.double"] = {"F64", {2, 1}, std::string(16, '\0')};
  });
  const Json report = Report(copy.path());
  EXPECT_TRUE(report["complete"].get<bool>());
  std::map<std::string, Json> unused;
  for (const Json& tensor : report["unused"]) unused[tensor["name"]] = tensor;
  EXPECT_EQ(unused.at("model.step")["dtype"], "I64");
  EXPECT_EQ(unused.at("model.double")["shape"], Json({2, 1}));
  EXPECT_EQ(unused.at("model.double")["bytes"], 16);
  EXPECT_EQ(unused.count("model.vision_tower.vision_tower.decode_task_layer.0.weight"), 1u);
  EXPECT_EQ(unused.count("model.sana_vae.encoder.conv_in.weight"), 0u);
  EXPECT_EQ(unused.count("lm_head.weight"), 0u);
}

TEST(InspectTest, NamesEveryProblemWithATensor) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    tensors.erase("model.norm.weight");
    tensors["model.embed_tokens.weight"].shape = {64, 539};
    tensors["model.sana.proj_out.bias"].dtype = "I32";
  });
  const Json report = Report(copy.path());
  EXPECT_EQ(report["problems"].size(), 3u) << report["problems"].dump(1);
  ExpectProblem(report, {"model.norm.weight", "expected [64]", "found nothing"});
  ExpectProblem(report, {"model.embed_tokens.weight", "shape", "expected [539, 64]", "found [64, 539]"});
  ExpectProblem(report, {"model.sana.proj_out.bias", "dtype", "found I32"});
}

// What only edits need may be missing, and then is no problem; what is malformed is one.
TEST(InspectTest, SaysWhatEditingLacks) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("model.vision_tower."); });
  });
  Json report = Report(copy.path());
  EXPECT_TRUE(report["complete"].get<bool>()) << report["problems"].dump(1);
  EXPECT_FALSE(report["capabilities"]["reference_tokens"]["available"].get<bool>());
  EXPECT_TRUE(report["capabilities"]["reference_latents"]["available"].get<bool>());
  const auto lacks = report["capabilities"]["editing"]["lacks"].get<std::string>();
  EXPECT_NE(lacks.find("image tokenizer"), std::string::npos) << lacks;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    tensors.erase("model.sana_vae.encoder.conv_out.bias");
    tensors["model.und_image_vae_connector.2.bias"].shape = {48, 2};
  });
  report = Report(copy.path());
  ExpectProblem(report, {"model.und_image_vae_connector.2.bias", "shape", "[96]"});
  ExpectProblem(report, {"model.sana_vae.encoder.conv_out.bias", "found nothing"});  // a part that is partly there
}

TEST(InspectTest, ScansValuesWhenAsked) {
  const CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(tensors["model.norm.weight"].bytes.data() + 8, &nan, 4);
    std::memcpy(tensors["model.sana.proj_out.bias"].bytes.data(), &nan, 4);
  });
  EXPECT_TRUE(Report(copy.path())["complete"].get<bool>());
  const Json report = Report(copy.path(), true);
  EXPECT_EQ(report["problems"].size(), 2u) << report["problems"].dump(1);
  ExpectProblem(report, {"model.norm.weight", copy.weights().string(), "holds nan at [2]"});
  ExpectProblem(report, {"model.sana.proj_out.bias", "holds nan at [0]"});
}

TEST(InspectTest, ATiedHeadIsScannedOnce) {
  const CheckpointCopy copy("demo");
  copy.PatchJson("config.json", R"({"tie_word_embeddings": true})");
  test::EditTensors(copy.weights(), [](RawTensors& tensors) {
    tensors["model.embed_tokens.weight"].bytes.replace(400 * 128 * 2, 2, "\xc0\x7f");
  });
  const Json report = Report(copy.path(), true);
  EXPECT_EQ(report["problems"].size(), 1u) << report["problems"].dump(1);
  ExpectProblem(report, {"model.embed_tokens.weight", "holds nan at [400, 0]"});
}

TEST(InspectTest, ReportsWithoutAConfig) {
  const CheckpointCopy copy;
  copy.PatchJson("config.json", R"({"hidden_act": "gelu"})");
  const Json report = Report(copy.path());
  ExpectProblem(report, {"config.json", "hidden_act", "gelu"});
  EXPECT_TRUE(report["config"].empty());
  EXPECT_EQ(report["unused"].size(), test::ReadTensors(copy.weights()).size());
}

TEST(InspectTest, ABrokenFileIsNotHundredsOfProblems) {
  const CheckpointCopy copy;
  fs::resize_file(copy.weights(), 100);
  const Json report = Report(copy.path(), true);
  EXPECT_EQ(report["problems"].size(), 2u) << report["problems"].dump(1);
  ExpectProblem(report, {copy.weights().string(), "header length"});
  ExpectProblem(report, {"183 needed tensors"});
}

TEST(InspectTest, KeepsTheGoodShards) {
  const CheckpointCopy copy;
  const RawTensors tensors = test::ReadTensors(copy.weights());
  fs::remove(copy.weights());
  test::WriteShards(copy.path(), "model", tensors, 2);
  fs::remove(copy.path() / "model-1.safetensors");
  const Json report = Report(copy.path());
  ExpectProblem(report, {"model.safetensors.index.json", "model-1.safetensors"});
  int64_t counted = 0;
  for (const Json& part : report["parts"]) counted += part["tensors"].get<int64_t>();
  EXPECT_GT(counted, 50);
}

TEST(InspectTest, NeedsADirectory) {
  const CheckpointCopy copy;
  for (const fs::path& path : {copy.path() / "nowhere", copy.weights()}) {
    const Result<std::string> report = InspectCheckpoint(path, "", false);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.status().code(), StatusCode::kIoError);
    EXPECT_NE(report.status().message().find(path.string()), std::string::npos) << report.status().message();
  }
}

}  // namespace
}  // namespace blip3o
