// The configs of a checkpoint: what is read from where, and every bad value one by one.
#include "weights/config.h"

#include <gtest/gtest.h>

#include "support/checkpoint_files.h"

namespace blip3o {
namespace {

namespace fs = std::filesystem;
using test::CheckpointCopy;

constexpr const char* kMain = "config.json";
constexpr const char* kGeneration = "generation_config.json";
constexpr const char* kTransformer = "diffusion/transformer/config.json";
constexpr const char* kAutoencoder = "diffusion/vae/config.json";
constexpr const char* kScheduler = "diffusion/scheduler/scheduler_config.json";

// Reads a copy of `tiny` with one patch.
ModelConfig ReadPatched(const std::string& file, const std::string& patch) {
  const CheckpointCopy copy;
  copy.PatchJson(file, patch);
  const Result<ModelConfig> config = ReadConfig(copy.path(), "");
  EXPECT_TRUE(config.ok()) << config.status().message();
  return config.ok() ? config.value() : ModelConfig();
}

// use_und_image_vae puts references into the condition, unless they are only for the noise.
TEST(ConfigTest, FlagsSayWhereReferencesGo) {
  const auto editing = [](const std::string& patch) { return ReadPatched(kMain, patch).editing; };
  const EditingConfig none = editing(R"({"use_und_image_vae": null, "use_und_image_vae_as_noise": null})");
  EXPECT_FALSE(none.any());
  const EditingConfig noise = editing(R"({"only_use_und_image_vae_as_noise": true})");
  EXPECT_FALSE(noise.in_condition);
  EXPECT_TRUE(noise.beside_noise);
  const EditingConfig condition = editing(R"({"use_und_image_vae_as_noise": false})");
  EXPECT_TRUE(condition.in_condition);
  EXPECT_FALSE(condition.beside_noise);
}

TEST(ConfigTest, ReadsTiny) {
  const ModelConfig config = ReadPatched(kMain, R"({})");
  const LanguageModelConfig& language_model = config.language_model;
  EXPECT_EQ(language_model.vocab_size, 539);
  EXPECT_EQ(language_model.hidden_size, 64);
  EXPECT_EQ(language_model.intermediate_size, 160);
  EXPECT_EQ(language_model.num_layers, 3);
  EXPECT_EQ(language_model.num_heads, 4);
  EXPECT_EQ(language_model.num_kv_heads, 2);
  EXPECT_EQ(language_model.head_dim, 32);
  EXPECT_EQ(language_model.max_position_embeddings, 1024);
  EXPECT_EQ(language_model.rms_norm_eps, 1e-6);
  EXPECT_EQ(language_model.rope_theta, 1e6);
  EXPECT_FALSE(language_model.tie_word_embeddings);
  EXPECT_EQ(config.image_tokens.image_start_tag, 406);
  EXPECT_EQ(config.image_tokens.scale_start, 408);
  EXPECT_EQ(config.image_tokens.first, 411);
  EXPECT_EQ(config.image_tokens.codes, 128);
  EXPECT_EQ(config.image_tokens.tokens, 16);
  EXPECT_EQ(config.image_tokenizer.hidden_size, 48);
  EXPECT_EQ(config.image_tokenizer.used_layers(), 2);
  EXPECT_EQ(config.image_tokenizer.image_size, 56);
  EXPECT_TRUE(config.editing.in_condition);
  EXPECT_TRUE(config.editing.beside_noise);
  const DiffusionTransformerConfig& transformer = config.diffusion_transformer;
  EXPECT_EQ(transformer.width, 64);
  EXPECT_EQ(transformer.num_cross_heads, 2);
  EXPECT_EQ(transformer.cross_head_dim, 32);
  EXPECT_EQ(transformer.caption_channels, 96);
  EXPECT_EQ(transformer.feed_forward, 160);
  EXPECT_TRUE(transformer.qk_norm);
  EXPECT_FALSE(transformer.attention_bias);
  EXPECT_FALSE(transformer.position_table);
  const AutoencoderConfig& autoencoder = config.autoencoder;
  EXPECT_EQ(autoencoder.latent_channels, 8);
  EXPECT_EQ(autoencoder.scaling_factor, 0.41407);
  ASSERT_EQ(autoencoder.decoder.stages.size(), 4u);
  EXPECT_EQ(autoencoder.decoder.stages[0].channels, 8);
  EXPECT_EQ(autoencoder.decoder.stages[0].layers, 2);
  EXPECT_EQ(autoencoder.decoder.stages[0].block, AutoencoderBlock::kResBlock);
  EXPECT_EQ(autoencoder.decoder.stages[3].block, AutoencoderBlock::kEfficientViT);
  EXPECT_EQ(autoencoder.decoder.stages[3].qkv_multiscales, std::vector<int64_t>{5});
  EXPECT_FALSE(autoencoder.decoder.rearrange);
  EXPECT_FALSE(autoencoder.encoder.rearrange);
  EXPECT_EQ(config.flow.shift, 1.0);
  EXPECT_EQ(config.latent_side(), 8);
  EXPECT_EQ(config.picture_side(), 64);
}

TEST(ConfigTest, ReadsTied) {
  const Result<ModelConfig> config = ReadConfig(test::GoldenCheckpoint("tied"), "");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_TRUE(config.value().language_model.tie_word_embeddings);
  EXPECT_EQ(config.value().language_model.rope_theta, 1e5);
  EXPECT_TRUE(config.value().diffusion_transformer.attention_bias);
  EXPECT_FALSE(config.value().diffusion_transformer.qk_norm);
  EXPECT_TRUE(config.value().autoencoder.decoder.rearrange);
  EXPECT_TRUE(config.value().autoencoder.encoder.rearrange);
  EXPECT_EQ(config.value().flow.shift, 3.0);
}

TEST(ConfigTest, ReadsThePositionTable) {
  const Result<ModelConfig> config = ReadConfig(test::GoldenCheckpoint("table"), "");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_TRUE(config.value().diffusion_transformer.position_table);
  EXPECT_EQ(config.value().diffusion_transformer.interpolation_scale, 2.0);
}

TEST(ConfigTest, RopeThetaMayStandAtTheTop) {
  const ModelConfig config = ReadPatched(kMain, R"({"rope_theta": 5000, "rope_parameters": null})");
  EXPECT_EQ(config.language_model.rope_theta, 5000);
  EXPECT_EQ(ReadPatched(kMain, R"({"rope_theta": 1e6})").language_model.rope_theta, 1e6);
}

TEST(ConfigTest, MissingIdsComeFromTheTokenizer) {
  const std::string patch =
      R"({"image_start_tag_id": null, "scale_start_token_id": null, "image_start_token_id": null, "image_end_token_id": null, "num_image_tokens": null})";
  const ModelConfig config = ReadPatched(kMain, patch);
  EXPECT_EQ(config.image_tokens.image_start_tag, 406);
  EXPECT_EQ(config.image_tokens.scale_start, 408);
  EXPECT_EQ(config.image_tokens.first, 411);
  EXPECT_EQ(config.image_tokens.codes, 128);
}

TEST(ConfigTest, CodesComeFromEitherField) {
  EXPECT_EQ(ReadPatched(kMain, R"({"num_image_tokens": null})").image_tokens.codes, 128);
  EXPECT_EQ(ReadPatched(kMain, R"({"image_end_token_id": null})").image_tokens.codes, 128);
}

TEST(ConfigTest, TheTokenizerIsReadOnlyWhenNeeded) {
  const CheckpointCopy copy;
  fs::remove(copy.path() / "tokenizer.json");
  EXPECT_TRUE(ReadConfig(copy.path(), "").ok());
  copy.PatchJson(kMain, R"({"scale_start_token_id": null})");
  const Result<ModelConfig> config = ReadConfig(copy.path(), "");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.status().message().find("tokenizer.json"), std::string::npos) << config.status().message();
}

TEST(ConfigTest, ATagMissingFromTheTokenizerTooIsNamed) {
  const CheckpointCopy copy;
  copy.PatchJson(kMain, R"({"scale_start_token_id": null})");
  test::WriteText(copy.path() / "tokenizer.json", R"({"added_tokens": [{"id": 3, "content": "<im_start>"}]})");
  const Result<ModelConfig> config = ReadConfig(copy.path(), "");
  ASSERT_FALSE(config.ok());
  for (const char* word : {"tokenizer.json", "added_tokens", "<S0>", "scale_start_token_id"}) {
    EXPECT_NE(config.status().message().find(word), std::string::npos) << config.status().message();
  }
}

TEST(ConfigTest, ThePublicVisionTowerIsTheDefault) {
  EXPECT_EQ(ReadPatched(kMain, R"({"vision_tower_config": null})").image_tokens.tokens, 27 * 27);
  EXPECT_EQ(ReadPatched(kMain, R"({"vision_tower_config": null})").image_tokenizer.intermediate_size, 4304);
}

TEST(ConfigTest, SamplingHasDefaults) {
  const CheckpointCopy copy;
  fs::remove(copy.path() / kGeneration);
  const Result<ModelConfig> config = ReadConfig(copy.path(), "");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config.value().sampling.temperature, 1.0);
  EXPECT_EQ(config.value().sampling.top_k, 1200);
  EXPECT_EQ(config.value().sampling.top_p, 0.95);
}

TEST(ConfigTest, SamplingIsRead) {
  const ModelConfig config = ReadPatched(kGeneration, R"({"temperature": 0.5, "top_k": 7, "top_p": 1})");
  EXPECT_EQ(config.sampling.temperature, 0.5);
  EXPECT_EQ(config.sampling.top_k, 7);
  EXPECT_EQ(config.sampling.top_p, 1.0);
}

TEST(ConfigTest, NoSamplingIsTemperatureZero) {
  EXPECT_EQ(ReadPatched(kGeneration, R"({"do_sample": false})").sampling.temperature, 0.0);
  EXPECT_EQ(ReadPatched(kGeneration, R"({"do_sample": null})").sampling.temperature, 1.0);
}

TEST(ConfigTest, TheShiftDefaultsToOneAndFlowShiftMeansNothing) {
  EXPECT_EQ(ReadPatched(kScheduler, R"({"shift": null, "flow_shift": 3.0})").flow.shift, 1.0);
}

TEST(ConfigTest, StagesTakeListsOrOneValue) {
  const ModelConfig one = ReadPatched(
      kAutoencoder,
      R"({"decoder_block_types": "ResBlock", "decoder_act_fns": ["relu", "silu", "silu", "relu"], "decoder_norm_types": ["rms_norm", "rms_norm", "rms_norm", "rms_norm"], "decoder_conv_act_fn": "silu"})");
  const std::vector<AutoencoderStageConfig>& stages = one.autoencoder.decoder.stages;
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[3].block, AutoencoderBlock::kResBlock);
  EXPECT_EQ(stages[0].activation, ActivationName::kRelu);
  EXPECT_EQ(stages[1].activation, ActivationName::kSilu);
  EXPECT_EQ(one.autoencoder.decoder.conv_activation, ActivationName::kSilu);
}

TEST(ConfigTest, SamplersAreNamedFreely) {
  const ModelConfig config =
      ReadPatched(kAutoencoder, R"({"upsample_block_type": "something", "downsample_block_type": "something"})");
  EXPECT_TRUE(config.autoencoder.decoder.rearrange);
  EXPECT_FALSE(config.autoencoder.encoder.rearrange);
}

TEST(ConfigTest, AFirstStageWithoutLayersStillDoublesThePicture) {
  const ModelConfig config = ReadPatched(
      kAutoencoder, R"({"decoder_layers_per_block": [0, 1, 1, 1], "encoder_layers_per_block": [0, 1, 1, 1]})");
  EXPECT_EQ(config.pixels_per_latent(), 8);
}

TEST(ConfigTest, ALaterStageWithoutLayersDoesNot) {
  // Stage 2 has as many channels as stage 3, so that it can pass them on.
  const ModelConfig config = ReadPatched(
      kAutoencoder, R"({"decoder_layers_per_block": [2, 1, 0, 1], "encoder_layers_per_block": [1, 1, 0, 1]})");
  EXPECT_EQ(config.pixels_per_latent(), 4);
  EXPECT_EQ(config.picture_side(), 32);
}

TEST(ConfigTest, TheDiffusionDirectoryLiesInsideBesideOrElsewhere) {
  const CheckpointCopy copy;
  const fs::path beside = copy.path().parent_path() / "beside";
  fs::rename(copy.path() / "diffusion", beside);
  copy.PatchJson(kMain, R"({"diffusion_name_or_path": "../beside"})");
  EXPECT_TRUE(ReadConfig(copy.path(), "").ok());
  copy.PatchJson(kMain, R"({"diffusion_name_or_path": ")" + beside.string() + R"("})");
  EXPECT_TRUE(ReadConfig(copy.path(), "").ok());
  copy.PatchJson(kMain, R"({"diffusion_name_or_path": "some-hub/some-name"})");
  const Result<ModelConfig> missing = ReadConfig(copy.path(), "");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().code(), StatusCode::kIoError);
  for (const char* word : {"config.json", "diffusion_name_or_path", "some-hub/some-name", "option"}) {
    EXPECT_NE(missing.status().message().find(word), std::string::npos) << missing.status().message();
  }
  const Result<ModelConfig> given = ReadConfig(copy.path(), beside);
  ASSERT_TRUE(given.ok()) << given.status().message();
  EXPECT_EQ(given.value().diffusion_directory, beside);
  const Result<ModelConfig> wrong = ReadConfig(copy.path(), beside / "nowhere");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("nowhere"), std::string::npos) << wrong.status().message();
}

TEST(ConfigTest, MissingFilesAreNamed) {
  for (const char* file : {kMain, kTransformer, kAutoencoder, kScheduler}) {
    const CheckpointCopy copy;
    fs::remove(copy.path() / file);
    const Result<ModelConfig> config = ReadConfig(copy.path(), "");
    ASSERT_FALSE(config.ok()) << file;
    EXPECT_EQ(config.status().code(), StatusCode::kIoError);
    EXPECT_NE(config.status().message().find(file), std::string::npos) << config.status().message();
  }
  const Result<ModelConfig> nowhere = ReadConfig(test::GoldenCheckpoint("tiny") / "nowhere", "");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.status().code(), StatusCode::kIoError);
}

TEST(ConfigTest, FilesThatAreNoJsonObjectAreNamed) {
  for (const char* text : {"", "{\"a\": 1", "[]", "{\"a\": NaN}", "\xff\xfe{}"}) {
    for (const char* file : {kMain, kGeneration, kTransformer, kAutoencoder, kScheduler}) {
      const CheckpointCopy copy;
      test::WriteText(copy.path() / file, text);
      const Result<ModelConfig> config = ReadConfig(copy.path(), "");
      ASSERT_FALSE(config.ok()) << file << " " << text;
      EXPECT_EQ(config.status().code(), StatusCode::kInvalidCheckpoint);
      EXPECT_NE(config.status().message().find(file), std::string::npos) << config.status().message();
      EXPECT_NE(config.status().message().find("expected"), std::string::npos) << config.status().message();
    }
  }
}

// One bad value: the message names the file, holds `field` and "expected", and says what was found.
struct BadValue {
  const char* file;
  const char* patch;
  std::vector<const char*> words;
  StatusCode code = StatusCode::kInvalidCheckpoint;
};

void PrintTo(const BadValue& value, std::ostream* out) { *out << value.file << " " << value.patch; }

class BadValueTest : public testing::TestWithParam<BadValue> {};

TEST_P(BadValueTest, IsNamed) {
  const CheckpointCopy copy;
  copy.PatchJson(GetParam().file, GetParam().patch);
  const Result<ModelConfig> config = ReadConfig(copy.path(), "");
  ASSERT_FALSE(config.ok());
  const std::string& message = config.status().message();
  EXPECT_EQ(config.status().code(), GetParam().code) << message;
  EXPECT_NE(message.find((copy.path() / GetParam().file).string()), std::string::npos) << message;
  for (const char* word : {"expected", "found"}) {
    EXPECT_NE(message.find(word), std::string::npos) << message;
  }
  for (const char* word : GetParam().words) {
    EXPECT_NE(message.find(word), std::string::npos) << '"' << word << "\" is not in: " << message;
  }
}

constexpr StatusCode kNot = StatusCode::kUnsupported;

INSTANTIATE_TEST_SUITE_P(
    LanguageModel, BadValueTest,
    testing::Values(
        BadValue{kMain, R"({"hidden_size": null})", {"hidden_size", "integer", "found nothing"}},
        BadValue{kMain, R"({"hidden_size": 0})", {"hidden_size", "from 1", "found 0"}},
        BadValue{kMain, R"({"hidden_size": -64})", {"hidden_size", "found -64"}},
        BadValue{kMain, R"({"hidden_size": 64.0})", {"hidden_size", "integer", "found 64.0"}},
        BadValue{kMain, R"({"hidden_size": "64"})", {"hidden_size", "found \"64\""}},
        BadValue{kMain, R"({"hidden_size": true})", {"hidden_size", "found true"}},
        BadValue{kMain, R"({"hidden_size": [64]})", {"hidden_size", "found [64]"}},
        BadValue{kMain, R"({"hidden_size": 1099511627776})", {"hidden_size", "16777216", "1099511627776"}},
        BadValue{kMain, R"({"hidden_size": 18446744073709551615})", {"hidden_size", "18446744073709551615"}},
        BadValue{kMain, R"({"hidden_size": 1e300})", {"hidden_size", "1e+300"}},
        BadValue{kMain, R"({"vocab_size": 410})", {"image_start_token_id", "409", "found 411"}},
        BadValue{kMain, R"({"vocab_size": 538})", {"vocab_size", "539", "found 538"}},
        BadValue{kMain, R"({"intermediate_size": null})", {"intermediate_size"}},
        BadValue{kMain, R"({"num_hidden_layers": 1000000000})", {"num_hidden_layers", "4096"}},
        BadValue{kMain, R"({"num_hidden_layers": 0})", {"num_hidden_layers"}},
        BadValue{kMain, R"({"num_attention_heads": null})", {"num_attention_heads"}},
        BadValue{kMain, R"({"num_key_value_heads": 3})", {"num_key_value_heads", "divisor", "4", "found 3"}},
        BadValue{kMain, R"({"head_dim": null})", {"head_dim", "found nothing"}},
        BadValue{kMain, R"({"head_dim": 31})", {"head_dim", "even", "found 31"}},
        BadValue{kMain, R"({"head_dim": 16777216})", {"head_dim", "num_attention_heads"}},
        BadValue{
            kMain, R"({"max_position_embeddings": 17})", {"max_position_embeddings", "16 image tokens", "found 17"}},
        BadValue{kMain, R"({"rms_norm_eps": 0})", {"rms_norm_eps", "positive", "found 0"}},
        BadValue{kMain, R"({"rms_norm_eps": "1e-6"})", {"rms_norm_eps"}},
        BadValue{kMain, R"({"rope_parameters": null})", {"rope_theta", "found nothing"}},
        BadValue{kMain, R"({"rope_parameters": 7})", {"rope_parameters", "JSON object", "found 7"}},
        BadValue{kMain, R"({"rope_theta": 5.0})", {"rope_parameters.rope_theta", "5", "found 1000000.0"}},
        BadValue{kMain, R"({"rope_parameters": {"rope_theta": -1}})", {"rope_parameters.rope_theta", "found -1"}},
        BadValue{kMain, R"({"rope_parameters": {"rope_type": "yarn"}})", {"rope_parameters.rope_type", "yarn"}},
        BadValue{kMain, R"({"rope_scaling": {"rope_type": "yarn", "factor": 4}})", {"rope_scaling", "yarn"}, kNot},
        BadValue{kMain, R"({"hidden_act": "gelu"})", {"hidden_act", "\"silu\"", "\"gelu\""}},
        BadValue{kMain, R"({"attention_bias": true})", {"attention_bias", "false", "true"}, kNot},
        BadValue{kMain, R"({"use_sliding_window": true})", {"use_sliding_window"}, kNot},
        BadValue{kMain,
                 R"({"layer_types": ["full_attention", "sliding_attention", "full_attention"]})",
                 {"layer_types[1]", "full_attention", "sliding_attention"}},
        BadValue{kMain, R"({"layer_types": ["full_attention"]})", {"layer_types", "3 entries"}},
        BadValue{kMain, R"({"tie_word_embeddings": "yes"})", {"tie_word_embeddings", "true or false", "\"yes\""}}));

INSTANTIATE_TEST_SUITE_P(
    ImageTokens, BadValueTest,
    testing::Values(BadValue{kMain, R"({"image_start_tag_id": 539})", {"image_start_tag_id", "538", "found 539"}},
                    BadValue{kMain, R"({"scale_start_token_id": -1})", {"scale_start_token_id", "found -1"}},
                    BadValue{kMain, R"({"image_start_token_id": "411"})", {"image_start_token_id"}},
                    BadValue{kMain, R"({"image_end_token_id": 500})", {"image_end_token_id", "538", "found 500"}},
                    BadValue{kMain, R"({"image_end_token_id": 3})", {"image_end_token_id", "from 411", "found 3"}},
                    BadValue{kMain, R"({"num_image_tokens": 0})", {"num_image_tokens", "found 0"}},
                    BadValue{kMain,
                             R"({"vision_tower_config": {"num_attention_heads": 5}})",
                             {"vision_tower_config.num_attention_heads", "divisor of hidden_size, 48", "found 5"}},
                    BadValue{kMain, R"({"use_und_image_vae": 1})", {"use_und_image_vae", "found 1"}},
                    BadValue{kMain, R"({"vision_tower_config": 3})", {"vision_tower_config", "JSON object"}},
                    BadValue{kMain,
                             R"({"vision_tower_config": {"image_size": null}})",
                             {"vision_tower_config.image_size", "found nothing"}},
                    BadValue{kMain,
                             R"({"vision_tower_config": {"patch_size": 57}})",
                             {"vision_tower_config.patch_size", "at most image_size, 56", "found 57"}},
                    BadValue{kMain, R"({"diffusion_name_or_path": null})", {"diffusion_name_or_path"}},
                    BadValue{kMain, R"({"diffusion_name_or_path": 5})", {"diffusion_name_or_path", "text"}},
                    BadValue{kGeneration, R"({"temperature": -0.5})", {"temperature", "found -0.5"}},
                    BadValue{kGeneration, R"({"top_k": -1})", {"top_k", "found -1"}},
                    BadValue{kGeneration, R"({"top_k": 2.5})", {"top_k", "found 2.5"}},
                    BadValue{kGeneration, R"({"top_p": 0})", {"top_p", "found 0"}},
                    BadValue{kGeneration, R"({"top_p": 1.5})", {"top_p", "found 1.5"}},
                    BadValue{kGeneration, R"({"do_sample": "no"})", {"do_sample", "true or false"}}));

INSTANTIATE_TEST_SUITE_P(
    Transformer, BadValueTest,
    testing::Values(
        BadValue{kTransformer, R"({"in_channels": null})", {"in_channels", "found nothing"}},
        BadValue{kTransformer, R"({"out_channels": 16})", {"out_channels", "in_channels, 8", "found 16"}},
        BadValue{kTransformer, R"({"num_layers": 0})", {"num_layers"}},
        BadValue{kTransformer, R"({"num_attention_heads": 5})", {"cross_attention_dim", "80", "found 64"}},
        BadValue{kTransformer, R"({"num_attention_heads": 16777216})", {"attention_head_dim", "16777216"}},
        BadValue{kTransformer, R"({"num_cross_attention_heads": 16777216})", {"cross_attention_head_dim"}},
        BadValue{kTransformer, R"({"cross_attention_head_dim": null})", {"cross_attention_head_dim"}},
        BadValue{kTransformer, R"({"caption_channels": "96"})", {"caption_channels", "\"96\""}},
        BadValue{kTransformer, R"({"sample_size": null})", {"sample_size"}},
        BadValue{kTransformer, R"({"sample_size": 32768})", {"sample_size", "32768 latents"}, kNot},
        BadValue{kTransformer, R"({"mlp_ratio": -2.5})", {"mlp_ratio", "positive", "found -2.5"}},
        BadValue{kTransformer, R"({"mlp_ratio": 1e30})", {"mlp_ratio", "1e+30"}},
        BadValue{kTransformer, R"({"norm_eps": 0})", {"norm_eps"}},
        BadValue{kTransformer, R"({"qk_norm": "layer_norm"})", {"qk_norm", "rms_norm_across_heads", "layer_norm"}},
        BadValue{kTransformer, R"({"interpolation_scale": 0})", {"interpolation_scale", "found 0"}},
        BadValue{kTransformer, R"({"patch_size": 2})", {"patch_size", "expected 1", "found 2"}, kNot},
        BadValue{kTransformer, R"({"guidance_embeds": true})", {"guidance_embeds", "expected false"}, kNot},
        BadValue{kTransformer, R"({"norm_elementwise_affine": true})", {"norm_elementwise_affine"}, kNot},
        BadValue{kTransformer, R"({"timestep_scale": 0.001})", {"timestep_scale", "0.001"}, kNot},
        BadValue{kTransformer, R"({"attention_bias": 1})", {"attention_bias", "true or false"}}));

INSTANTIATE_TEST_SUITE_P(
    Autoencoder, BadValueTest,
    testing::Values(
        BadValue{kAutoencoder, R"({"in_channels": 4})", {"in_channels", "3", "found 4"}, kNot},
        BadValue{kAutoencoder, R"({"latent_channels": 4})", {"latent_channels", "in_channels, 8", "found 4"}},
        BadValue{
            kAutoencoder, R"({"latent_channels": 5})", {"decoder_block_out_channels", "multiple of latent_channels"}},
        BadValue{kAutoencoder, R"({"attention_head_dim": 0})", {"attention_head_dim"}},
        BadValue{kAutoencoder, R"({"attention_head_dim": 64})", {"at least attention_head_dim, 64", "stage 2"}},
        BadValue{kAutoencoder, R"({"scaling_factor": null})", {"scaling_factor", "found nothing"}},
        BadValue{kAutoencoder, R"({"scaling_factor": 0})", {"scaling_factor", "positive"}},
        BadValue{kAutoencoder, R"({"decoder_block_out_channels": null})", {"decoder_block_out_channels", "a list"}},
        BadValue{
            kAutoencoder, R"({"decoder_block_out_channels": []})", {"decoder_block_out_channels", "1 to 12 stages"}},
        BadValue{kAutoencoder,
                 R"({"decoder_block_out_channels": [8, "16", 32, 32]})",
                 {"decoder_block_out_channels[1]", "\"16\""}},
        BadValue{kAutoencoder,
                 R"({"decoder_block_out_channels": [8, 24, 32, 32]})",
                 {"stage 1", "stage 0", "divide", "[8,24,32,32]"}},
        BadValue{kAutoencoder,
                 R"({"decoder_block_out_channels": [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]})",
                 {"decoder_block_out_channels", "12 stages"}},
        BadValue{kAutoencoder, R"({"decoder_layers_per_block": [1, 1]})", {"decoder_layers_per_block", "4 entries"}},
        BadValue{kAutoencoder, R"({"decoder_layers_per_block": [2, 1, 1, -1]})", {"decoder_layers_per_block[3]", "-1"}},
        BadValue{kAutoencoder,
                 R"({"decoder_layers_per_block": [2, 0, 1, 1]})",
                 {"decoder_block_out_channels", "stage 1, which has 0 layers"}},
        BadValue{
            kAutoencoder, R"({"decoder_layers_per_block": [2, 1, 0, 1]})", {"encoder_layers_per_block", "up-samplers"}},
        BadValue{
            kAutoencoder,
            R"({"decoder_block_out_channels": [32], "decoder_layers_per_block": [0], "decoder_block_types": "ResBlock", "decoder_qkv_multiscales": [[]]})",
            {"decoder_layers_per_block", "only stage"}},
        BadValue{
            kAutoencoder, R"({"decoder_qkv_multiscales": [1, 2, 3, 4]})", {"decoder_qkv_multiscales[0]", "found 1"}},
        BadValue{
            kAutoencoder, R"({"decoder_qkv_multiscales": [[], [], [4], [5]]})", {"decoder_qkv_multiscales", "odd"}},
        BadValue{kAutoencoder, R"({"decoder_block_types": "Block"})", {"decoder_block_types", "ResBlock", "\"Block\""}},
        BadValue{kAutoencoder,
                 R"({"encoder_block_types": ["ResBlock", "ResBlock", "ResBlock", "Mamba"]})",
                 {"encoder_block_types[3]", "EfficientViTBlock", "Mamba"}},
        BadValue{kAutoencoder, R"({"decoder_act_fns": "gelu"})", {"decoder_act_fns", "silu", "gelu"}},
        BadValue{
            kAutoencoder, R"({"decoder_norm_types": "batch_norm"})", {"decoder_norm_types", "rms_norm", "batch_norm"}},
        BadValue{kAutoencoder, R"({"decoder_conv_act_fn": "tanh"})", {"decoder_conv_act_fn", "relu", "tanh"}},
        BadValue{kAutoencoder, R"({"upsample_block_type": 2})", {"upsample_block_type", "text", "found 2"}},
        BadValue{kAutoencoder, R"({"decoder_in_shortcut": 1})", {"decoder_in_shortcut", "true or false"}}));

INSTANTIATE_TEST_SUITE_P(
    Scheduler, BadValueTest,
    testing::Values(BadValue{kScheduler, R"({"shift": 0})", {"shift", "positive", "found 0"}},
                    BadValue{kScheduler, R"({"shift": "3.0"})", {"shift", "\"3.0\""}},
                    BadValue{
                        kScheduler, R"({"num_train_timesteps": 500})", {"num_train_timesteps", "1000", "500"}, kNot},
                    BadValue{kScheduler, R"({"use_dynamic_shifting": true})", {"use_dynamic_shifting", "false"}, kNot},
                    BadValue{kScheduler, R"({"use_karras_sigmas": true})", {"use_karras_sigmas"}, kNot},
                    BadValue{kScheduler, R"({"use_exponential_sigmas": true})", {"use_exponential_sigmas"}, kNot},
                    BadValue{kScheduler, R"({"use_beta_sigmas": true})", {"use_beta_sigmas"}, kNot},
                    BadValue{kScheduler, R"({"invert_sigmas": true})", {"invert_sigmas"}, kNot},
                    BadValue{kScheduler, R"({"stochastic_sampling": true})", {"stochastic_sampling"}, kNot},
                    BadValue{kScheduler, R"({"shift_terminal": 0.1})", {"shift_terminal", "null", "0.1"}, kNot}));

}  // namespace
}  // namespace blip3o
