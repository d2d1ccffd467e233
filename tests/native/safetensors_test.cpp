// Files in the safetensors format, good ones and every kind of bad one.
#include "weights/safetensors.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "support/checkpoint_files.h"

namespace blip3o {
namespace {

namespace fs = std::filesystem;
using test::RawTensor;

const std::string kTwo = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                         R"("b":{"dtype":"BF16","shape":[1,3],"data_offsets":[8,14]}})";

class SafetensorsTest : public testing::Test {
 protected:
  Result<Safetensors> OpenText(const std::string& text) {
    test::WriteText(file_, text);
    return Safetensors::Open(file_);
  }

  Result<Safetensors> OpenParts(const std::string& header, size_t data_bytes) {
    test::WriteSafetensors(file_, header, std::string(data_bytes, '\1'));
    return Safetensors::Open(file_);
  }

  // The file is refused, and the message names the file and holds all words.
  void ExpectError(const Result<Safetensors>& result, const std::vector<std::string>& words,
                   StatusCode code = StatusCode::kInvalidCheckpoint) {
    ASSERT_FALSE(result.ok()) << words[0];
    EXPECT_EQ(result.status().code(), code) << result.status().message();
    EXPECT_NE(result.status().message().find(file_.string()), std::string::npos) << result.status().message();
    for (const std::string& word : words) {
      EXPECT_NE(result.status().message().find(word), std::string::npos)
          << '"' << word << "\" is not in: " << result.status().message();
    }
  }

  test::TemporaryDirectory directory_;
  fs::path file_ = directory_.path() / "some.safetensors";
};

TEST_F(SafetensorsTest, ReadsNamesDtypesShapesAndData) {
  test::WriteTensors(file_, {{"odd", {"U8", {3}, "xyz"}},  // makes the next tensor's data misaligned
                             {"values", {"F32", {2, 1}, std::string("\0\0\x80\x3f\0\0\0\xc0", 8)}},
                             {"z", {"BF16", {0, 7}, ""}}});
  Result<Safetensors> file = Safetensors::Open(file_);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_EQ(file->tensors().size(), 3u);
  const View values = file->tensors().at("values");
  EXPECT_EQ(values.dtype, DType::kF32);
  EXPECT_EQ(values.shape, (Shape{2, 1}));
  EXPECT_EQ(LoadAsF32(values.data, values.dtype, 0), 1.0f);
  EXPECT_EQ(LoadAsF32(values.data, values.dtype, 1), -2.0f);
  EXPECT_EQ(file->tensors().at("z").count(), 0);
}

TEST_F(SafetensorsTest, ListsWhatNoViewCanHold) {
  test::WriteTensors(file_, {{"double", {"F64", {1}, std::string(8, '\0')}},
                             {"eight", {"F8_E4M3", {4}, std::string(4, '\0')}},
                             {"half a byte", {"F4", {3, 2}, std::string(3, '\0')}},
                             {"long", {"I64", {1}, std::string(8, '\0')}},
                             {"six", {"F32", {1, 1, 1, 1, 1, 1}, std::string(4, '\0')}}});
  Result<Safetensors> file = Safetensors::Open(file_);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->tensors().size(), 1u);
  EXPECT_EQ(file->tensors().count("long"), 1u);
  EXPECT_EQ(file->opaque_tensors().at("double").dtype, "F64");
  EXPECT_EQ(file->opaque_tensors().at("half a byte").size_bytes, 3);
  EXPECT_EQ(file->opaque_tensors().at("six").shape.size(), 6u);
}

TEST_F(SafetensorsTest, CopiesKeepTheMappingAlive) {
  Result<Safetensors> opened = OpenParts(kTwo, 14);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  auto copy = std::make_unique<Safetensors>(*opened);
  opened = Status(StatusCode::kCancelled, "gone");
  uint16_t bits;
  std::memcpy(&bits, copy->tensors().at("b").data, sizeof(bits));
  EXPECT_EQ(bits, 0x0101);
}

TEST_F(SafetensorsTest, AcceptsSpacesAfterTheHeader) {
  EXPECT_TRUE(OpenParts(kTwo + "   ", 14).ok());
  EXPECT_TRUE(OpenParts("{}", 0).ok());
}

TEST_F(SafetensorsTest, NamesAMissingFile) {
  ExpectError(Safetensors::Open(file_), {"expected a file", "found nothing"}, StatusCode::kIoError);
}

TEST_F(SafetensorsTest, RefusesDirectoriesAndPipes) {
  fs::create_directory(file_);
  ExpectError(Safetensors::Open(file_), {"expected a regular file"}, StatusCode::kIoError);
  fs::remove(file_);
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  ExpectError(Safetensors::Open(file_), {"expected a regular file"}, StatusCode::kIoError);
}

TEST_F(SafetensorsTest, RefusesEveryTruncation) {
  test::WriteSafetensors(file_, kTwo, std::string(14, '\1'));
  const std::string whole = test::ReadText(file_);
  for (size_t size = 0; size < whole.size(); ++size) {
    const Result<Safetensors> result = OpenText(whole.substr(0, size));
    ASSERT_FALSE(result.ok()) << size;
    ASSERT_NE(result.status().message().find("expected"), std::string::npos) << result.status().message();
  }
  ExpectError(OpenText(""), {"found 0 bytes", "truncated"});
  ExpectError(OpenText(whole.substr(0, whole.size() - 1)), {"tensor b", "data_offsets", "13 bytes", "[8, 14]"});
}

TEST_F(SafetensorsTest, RefusesTrailingBytes) {
  ExpectError(OpenParts(kTwo, 15), {"file size", "found", "1 bytes too many"});
}

TEST_F(SafetensorsTest, RefusesALyingHeaderLength) {
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 20, uint64_t{1} << 63, ~uint64_t{0}}) {
    std::string text(8, '\0');
    std::memcpy(text.data(), &length, 8);
    ExpectError(OpenText(text + kTwo), {"header length", "expected 2 to", std::to_string(length)});
  }
}

TEST_F(SafetensorsTest, RefusesAHeaderAboveTheLimit) {
  test::WriteSafetensors(file_, "{}", "");
  const uint64_t length = 100'000'001;
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  test::WriteText(file_, text);
  fs::resize_file(file_, 100'000'100);  // sparse
  ExpectError(Safetensors::Open(file_), {"header length", "100000000", "100000001"});
}

TEST_F(SafetensorsTest, RefusesWhatIsNoJsonObject) {
  ExpectError(OpenParts("{\"a\":", 0), {"header", "expected JSON"});
  ExpectError(OpenParts("[1, 2]", 0), {"header", "expected a JSON object", "[1,2]"});
  ExpectError(OpenParts("{\"\xff\":1}", 0), {"header", "expected JSON"});
  ExpectError(OpenParts(std::string(100000, '['), 0), {"header", "deeper nesting"});
  ExpectError(OpenParts("PK\3\4 this is a zip archive", 0), {"header", "expected JSON"});
}

TEST_F(SafetensorsTest, RefusesDuplicateNames) {
  ExpectError(OpenParts(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                        1),
              {"\"a\" twice"});
  ExpectError(OpenParts(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1),
              {"\"dtype\" twice"});
}

struct EntryCase {
  const char* name;
  const char* entry;
  std::vector<std::string> words;
};

void PrintTo(const EntryCase& value, std::ostream* out) { *out << value.name; }

class SafetensorsEntryTest : public SafetensorsTest, public testing::WithParamInterface<EntryCase> {};

// The file's data are four bytes.
TEST_P(SafetensorsEntryTest, IsRefused) {
  std::vector<std::string> words = GetParam().words;
  words.push_back("tensor t");
  ExpectError(OpenParts(std::string("{\"t\":") + GetParam().entry + "}", 4), words);
}

INSTANTIATE_TEST_SUITE_P(
    Bad, SafetensorsEntryTest,
    testing::Values(
        EntryCase{"not_an_object", "7", {"JSON object", "found 7"}},
        EntryCase{"no_dtype", R"({"shape":[1],"data_offsets":[0,4]})", {"dtype", "found nothing"}},
        EntryCase{"unknown_dtype", R"({"dtype":"F33","shape":[1],"data_offsets":[0,4]})", {"dtype", "F33"}},
        EntryCase{"dtype_number", R"({"dtype":32,"shape":[1],"data_offsets":[0,4]})", {"dtype", "found 32"}},
        EntryCase{"no_shape", R"({"dtype":"F32","data_offsets":[0,4]})", {"shape", "found nothing"}},
        EntryCase{"negative", R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", {"shape", "[-1]"}},
        EntryCase{"float", R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})", {"shape", "[1.0]"}},
        EntryCase{"no_offsets", R"({"dtype":"F32","shape":[1]})", {"data_offsets", "found nothing"}},
        EntryCase{"one_offset", R"({"dtype":"F32","shape":[1],"data_offsets":[0]})", {"data_offsets", "[0]"}},
        EntryCase{"backwards", R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", {"data_offsets", "[4, 0]"}},
        EntryCase{"outside", R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", {"4 bytes of data", "[0, 8]"}},
        EntryCase{"too_small", R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", {"expected 8 bytes", "found 4"}},
        EntryCase{"too_large", R"({"dtype":"U8","shape":[3],"data_offsets":[0,4]})", {"expected 3 bytes", "found 4"}},
        EntryCase{"overflow",
                  R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})",
                  {"too many", "found 4"}},
        EntryCase{"overflow_to_zero",
                  R"({"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})",
                  {"too many", "found 0"}},
        EntryCase{"huge_offset",
                  R"({"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551616]})",
                  {"data_offsets"}},
        EntryCase{"hole", R"({"dtype":"U8","shape":[3],"data_offsets":[1,4]})", {"from byte 0", "a hole"}}),
    [](const auto& info) { return info.param.name; });

TEST_F(SafetensorsTest, RefusesOverlaps) {
  ExpectError(OpenParts(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                        4),
              {"tensor b", "data_offsets", "from byte 3", "found 2", "overlap"});
}

// Whatever stands in a header, the reader answers; the sanitizers watch it.
TEST_F(SafetensorsTest, SurvivesEveryChangedByte) {
  test::WriteSafetensors(file_, kTwo, std::string(14, '\1'));
  const std::string whole = test::ReadText(file_);
  for (size_t i = 0; i < 8 + kTwo.size(); ++i) {
    for (const char byte : {'\0', '"', '9', '-', '[', '}', '\xff'}) {
      std::string changed = whole;
      changed[i] = byte;
      const Result<Safetensors> result = OpenText(changed);
      if (result.ok()) continue;
      ASSERT_NE(result.status().message().find("expected"), std::string::npos) << result.status().message();
    }
  }
}

}  // namespace
}  // namespace blip3o
