#include "dcgan/state_dict.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "tests/support/bytes_of.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/zip_of.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

using Bytes = std::string;

std::string golden(const std::string& name) { return DCGAN_SOURCE_DIR "/tests/golden/state_dict/" + name; }

// Pieces of pickles (Python's pickletools).
Bytes text(const Bytes& value) { return Bytes("X") + static_cast<char>(value.size()) + Bytes(3, '\0') + value; }
Bytes small(int value) { return Bytes("K") + static_cast<char>(value); }
Bytes integer(int32_t value) { return "J" + Bytes(reinterpret_cast<const char*>(&value), 4); }
Bytes tuple(const Bytes& items) { return "(" + items + "t"; }
Bytes storage(const Bytes& type = "FloatStorage", const Bytes& key = text("0"), const Bytes& count = small(6)) {
  return tuple(text("storage") + "ctorch\n" + type + "\n" + key + text("cpu") + count) + "Q";
}
Bytes tensor(const Bytes& offset, const Bytes& shape, const Bytes& strides, const Bytes& from = storage()) {
  return "ctorch._utils\n_rebuild_tensor_v2\n" + tuple(from + offset + tuple(shape) + tuple(strides) + "\x89)") + "R";
}
Bytes dictionary(const Bytes& key, const Bytes& value) { return "\x80\x02}" + key + value + "s."; }

class StateDict : public ::testing::Test {
 protected:
  /// The message of the refusal, which must start with the file's name.
  static std::string refusal(const std::string& path) {
    try {
      const StateDictReader reader(path);
      for (const auto& [name, tensor] : reader.tensors()) reader.read(name);
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), StartsWith(path + ": "));
      return error.what();
    }
    return "accepted";
  }
  void write(const Bytes& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  /// Of an archive with this pickle and 24 bytes of data/0.
  std::string refusal_of_pickle(const Bytes& pickle) const {
    write(zip_of({{"x/data.pkl", pickle}, {"x/data/0", Bytes(24, '\0')}}));
    return refusal(path_);
  }
  std::string refusal_of_tensor(const Bytes& value) const { return refusal_of_pickle(dictionary(text("w"), value)); }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "x.pt";
};

TEST_F(StateDict, ReadsEveryKindOfTensorThatPyTorchWritesWhateverItsStrides) {
  const StateDictReader reader(golden("kinds.pt"));
  EXPECT_THAT(reader.tensors(), SizeIs(13));
  for (const char* name :
       {"float32", "float16", "bfloat16", "float64", "parameter", "transposed", "channels_last", "view"}) {
    const StoredTensor tensor = reader.read("model." + std::string(name));
    const std::vector<float> values = tensor.to_floats();
    ASSERT_THAT(values, SizeIs(24)) << name;
    for (size_t i = 0; i < 24; ++i) EXPECT_EQ(values[i], static_cast<float>(i) / 4 - 1) << name << " " << i;
  }
  EXPECT_EQ(reader.tensors().at("model.bfloat16").dtype, "bfloat16");
  EXPECT_EQ(reader.read("model.float16").dtype, DType::kFloat16);
  EXPECT_THAT(reader.tensors().at("model.transposed").shape, ElementsAre(2, 3, 4));
  EXPECT_THAT(reader.tensors().at("model.channels_last").shape, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(reader.read("model.scalar").to_floats(), ElementsAre(-1));
  EXPECT_THAT(reader.read("model.scalar").shape, ElementsAre());
  EXPECT_THAT(reader.read("model.empty").to_floats(), ElementsAre());
  EXPECT_EQ(reader.read("model.int64").bytes[8], std::byte{1});
  EXPECT_EQ(reader.read("model.uint8").bytes[23], std::byte{23});
  EXPECT_TRUE(reader.tensors().count("states.0.step")) << "the key of a dictionary may be a number";
}

TEST_F(StateDict, ReadsPicklesOfEveryProtocol) {
  for (const char* name : {"protocol4.pt", "protocol5.pt"}) {
    EXPECT_THAT(StateDictReader(golden(name)).read("w").to_floats(), ElementsAre(1, 1)) << name;
  }
}

TEST_F(StateDict, WhatWouldExecuteCodeIsRefusedByName) {
  EXPECT_THAT(refusal(golden("call.pt")), AllOf(HasSubstr("asks for posix.system"), HasSubstr("do not trust this file"),
                                                HasSubstr("model.state_dict()")));
  EXPECT_FALSE(fs::exists("called"));
  for (const Bytes name : {"os\nsystem", "subprocess\nPopen", "builtins\neval", "__builtin__\nexec", "os.path\njoin",
                           "importlib\nimport_module", "runpy\n_run_code"}) {
    EXPECT_THAT(refusal_of_pickle("c" + name + "\n" + tuple(text("echo")) + "R."), HasSubstr("do not trust")) << name;
    EXPECT_THAT(refusal_of_pickle(dictionary(text("w"), "c" + name + "\n")), HasSubstr("do not trust")) << name;
  }
  EXPECT_THAT(refusal_of_pickle("\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93" + tuple(text("echo")) + "R."),
              HasSubstr("asks for posix.system"));
  EXPECT_THAT(refusal_of_pickle("\x80\x04\x8c\x05posixK\1\x93."), HasSubstr("no text"));
  EXPECT_THAT(refusal_of_pickle("\x80\x06."), HasSubstr("newer than 5"));
  EXPECT_THAT(refusal(golden("script.pt")), AllOf(HasSubstr("TorchScript"), HasSubstr("state_dict()")));
  EXPECT_THAT(refusal_of_pickle("\x80\x02(S'echo'\nios\nsystem\n."), HasSubstr("opcode 0x53"));
  EXPECT_THAT(refusal_of_pickle("(ios\nsystem\n."), HasSubstr("opcode 0x69"));
  EXPECT_THAT(refusal_of_pickle("ctorch._utils\n_rebuild_tensor_v2\nX\1"), HasSubstr("cut short"));
  EXPECT_THAT(refusal_of_pickle("ccollections\nOrderedDict\n(K\1tR."), HasSubstr("arguments"));
  EXPECT_THAT(refusal_of_pickle("c\x1b[31m\n\xff\n)\x81."), HasSubstr("an object of ?[31m.?,"));
}

TEST_F(StateDict, HarmlessObjectsAroundTheTensorsArePassedOver) {
  const StateDictReader reader(golden("checkpoint.pt"));
  EXPECT_EQ(reader.tensors().count("netD.module.0.weight"), 1U);
  EXPECT_EQ(reader.tensors().count("netG.module._orig_mod.0.weight"), 1U);
  EXPECT_EQ(reader.tensors().count("optD.state.0.exp_avg"), 1U);
  EXPECT_EQ(reader.tensors().count("z"), 0U) << "a complex one, which no network of ours has";
  EXPECT_EQ(reader.tensors().at("mask").dtype, "bool");
  EXPECT_THAT(reader.read("mask").bytes, ElementsAre(std::byte{1}, std::byte{1}, std::byte{1}));
  EXPECT_EQ(reader.tensors().at("index").dtype, "int32");
  EXPECT_EQ(reader.read("index").dtype, DType::kInt64);
  EXPECT_EQ(reader.read("index").bytes[8], std::byte{1});
  EXPECT_EQ(refusal(golden("numpy.pt")), "accepted");
  EXPECT_EQ(refusal(golden("integers.pt")), "accepted");
  const Bytes one = tensor(small(0), small(1), small(1));
  const Bytes object = "cmine\nOptions\n)\x81}" + text("lr") + "Nsb";  // a class of their own, with a state
  EXPECT_EQ(refusal_of_pickle("}" + text("options") + object + "s" + text("w") + one + "s."), "accepted");
  EXPECT_EQ(refusal_of_pickle(dictionary(tuple(small(1)), one)), "accepted") << "a key that is no name";
}

TEST_F(StateDict, AModuleIsReadAsItsStateDict) {
  const StateDictReader reader(golden("module.pt"));
  EXPECT_THAT(reader.tensors(), SizeIs(1));
  EXPECT_THAT(reader.tensors().at("0.weight").shape, ElementsAre(3, 3, 3, 3));
  // One that holds itself, and one without tensors.
  EXPECT_THAT(refusal_of_pickle("cx\nM\n)\x81q\1}" + text("_modules") + "}" + text("a") + "h\1ssb."),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of_pickle("cx\nM\n)\x81q\1}" + text("_modules") + "h\1sb."), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of_pickle("cx\nM\n)\x81."), HasSubstr("an object of x.M, whose tensors are not known; save"));
}

TEST_F(StateDict, TensorsOfAListAreNamedByTheirPlaces) {
  const Bytes one = tensor(small(0), small(1), small(1));
  write(zip_of({{"x/data.pkl", "](" + one + "}" + text("w") + one + "se."}, {"x/data/0", Bytes(24, '\0')}}));
  const StateDictReader reader(path_);
  EXPECT_THAT(reader.tensors(), testing::UnorderedElementsAre(testing::Key("0"), testing::Key("1.w")));
}

TEST_F(StateDict, ReadsFilesOfBeforePyTorch16) {
  const StateDictReader reader(golden("legacy.pt"));
  ASSERT_THAT(reader.tensors(), SizeIs(1));
  EXPECT_THAT(reader.tensors().at("w").shape, ElementsAre(2));
  EXPECT_THAT(reader.read("w").to_floats(), ElementsAre(1, 1));
  const Bytes whole = bytes_of(golden("legacy.pt"));
  for (size_t length = 0; length < whole.size(); ++length) {
    write(whole.substr(0, length));
    EXPECT_NE(refusal(path_), "accepted") << length;
  }
  for (size_t i = 0; i < whole.size(); ++i) {  // no byte may crash it
    Bytes changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    write(changed);
    refusal(path_);
  }
}

TEST_F(StateDict, ReadsSafetensorsUnderAnyName) {
  fs::copy(golden("bf16.safetensors"), path_);
  const StateDictReader reader(path_);
  EXPECT_EQ(reader.tensors().at("0.weight").dtype, "bfloat16");
  EXPECT_EQ(reader.tensors().at("mask").dtype, "bool");
  EXPECT_THAT(reader.read("mask").bytes, ElementsAre(std::byte{1}, std::byte{0}));
  const StateDictReader original(golden("netD.pt"));
  const std::vector<float> found = reader.read("0.weight").to_floats();
  const std::vector<float> expected = original.read("0.weight").to_floats();
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], std::abs(expected[i]) / 256);
}

TEST_F(StateDict, WhatDownloadsLeaveIsNamed) {
  write("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345678\n");
  EXPECT_THAT(refusal(path_),
              AllOf(HasSubstr("pointer of Git LFS"), HasSubstr("12345678 bytes"), HasSubstr("git lfs pull")));
  write("\n <!DOCTYPE html>\n<html><title>Sign in</title>" + Bytes(3000, 'x'));
  EXPECT_THAT(refusal(path_), HasSubstr("web page (HTML)"));
  write("");
  EXPECT_THAT(refusal(path_), HasSubstr("is empty"));
  write("\x1f\x8b\x08 and more");
  EXPECT_THAT(refusal(path_), HasSubstr("gunzip"));
  write("some text");
  EXPECT_THAT(refusal(path_), HasSubstr("no zip archive"));
}

TEST_F(StateDict, CutShortOrChangedAnywhereAreRefused) {
  const Bytes whole = bytes_of(golden("kinds.pt"));
  ASSERT_GT(whole.size(), 1000U);
  for (size_t length = 0; length < whole.size(); ++length) {
    write(whole.substr(0, length));
    EXPECT_NE(refusal(path_), "accepted") << length;
  }
  // A changed byte is refused, or lies where nothing is read (padding, times, entries that are no tensors).
  const std::string entry = "kinds/data/0";
  const size_t name = whole.find(entry);
  const size_t data = name + entry.size() + static_cast<unsigned char>(whole[name - 2]) +
                      256 * static_cast<unsigned char>(whole[name - 1]);
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    write(changed);
    const std::string message = refusal(path_);
    if (i >= data && i < data + 96) {
      EXPECT_THAT(message, HasSubstr("checksum"));
    }
  }
}

TEST_F(StateDict, ShapesStridesAndOffsetsAreCheckedAgainstTheStorage) {
  EXPECT_EQ(refusal_of_tensor(tensor(small(0), small(2) + small(3), small(3) + small(1))), "accepted");
  EXPECT_EQ(refusal_of_tensor(tensor(small(1), small(2) + small(2), small(1) + small(3))), "accepted");
  const auto refused = [&](const Bytes& offset, const Bytes& shape, const Bytes& strides) {
    return refusal_of_tensor(tensor(offset, shape, strides));
  };
  EXPECT_THAT(refused(small(1), small(2) + small(3), small(3) + small(1)), HasSubstr("ends behind its storage"));
  EXPECT_THAT(refused(small(0), small(7), small(1)), HasSubstr("does not fit in its storage of 6"));
  EXPECT_EQ(refused(small(0), small(7), small(0)), "accepted") << "an expanded view, which is passed over";
  EXPECT_FALSE(StateDictReader(path_).tensors().count("w"));
  EXPECT_THAT(refused(small(0), small(2), small(6)), HasSubstr("ends behind"));
  EXPECT_THAT(refused(small(0), small(2), integer(2147483647)), HasSubstr("does not fit"));
  const Bytes huge = Bytes("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
  EXPECT_THAT(refused(small(0), huge + huge, small(1) + small(1)), HasSubstr("does not fit"));
  EXPECT_THAT(refused(small(0), small(2) + small(2), huge + huge), HasSubstr("does not fit"));
  EXPECT_EQ(refused(small(0), small(1) + small(1), huge + huge), "accepted") << "strides that are never gone along";
  EXPECT_EQ(refused(small(0), huge + huge + small(0), small(1) + small(1) + small(1)), "accepted") << "it is empty";
  EXPECT_THAT(refused(small(7), small(1), small(1)), HasSubstr("wrong offset"));
  EXPECT_THAT(refused(huge, small(1), small(1)), HasSubstr("wrong offset"));
  EXPECT_THAT(refused(integer(-1), small(1), small(1)), HasSubstr("wrong offset"));
  EXPECT_THAT(refused(small(0), integer(-1), small(1)), HasSubstr("no tuple of sizes"));
  EXPECT_THAT(refused(small(0), small(1), integer(-1)), HasSubstr("no tuple of sizes"));
  EXPECT_THAT(refused(small(0), small(1), ""), HasSubstr("another number of strides"));
  EXPECT_THAT(refused(small(0), text("2"), small(1)), HasSubstr("no tuple of sizes"));
}

TEST_F(StateDict, StoragesAreCheckedAgainstTheArchive) {
  const auto refused = [&](const Bytes& type, const Bytes& key, const Bytes& count) {
    return refusal_of_tensor(tensor(small(0), small(1), small(1), storage(type, key, count)));
  };
  EXPECT_EQ(refused("FloatStorage", text("0"), small(6)), "accepted");
  EXPECT_EQ(refused("DoubleStorage", text("0"), small(3)), "accepted");
  EXPECT_THAT(refused("FloatStorage", text("1"), small(6)), HasSubstr("x/data/1, which is missing"));
  EXPECT_THAT(refused("FloatStorage", text("0"), small(5)), AllOf(HasSubstr("24 bytes"), HasSubstr("5 elements")));
  EXPECT_THAT(refused("FloatStorage", text("0"), integer(-6)), HasSubstr("-6 elements"));
  EXPECT_THAT(refused("FloatStorage", text("0"), Bytes("\x8a\x08\1\0\0\0\0\0\0\x40", 10)), HasSubstr("24 bytes"));
  EXPECT_THAT(refused("FloatStorage", small(0), small(6)), HasSubstr("without name or size"));
  EXPECT_THAT(refusal_of_tensor(tensor(small(0), small(1), small(1), small(3))), HasSubstr("has no storage"));
  EXPECT_THAT(refusal_of_tensor(tuple(small(1)) + "Q"), HasSubstr("no tuple of five"));
  EXPECT_THAT(refusal_of_tensor(small(1) + "Q"), HasSubstr("no tuple of five"));
}

TEST_F(StateDict, HostileStructuresAreRefused) {
  EXPECT_THAT(refusal_of_pickle(""), HasSubstr("cut short"));
  EXPECT_THAT(refusal_of_pickle("."), HasSubstr("not there"));
  EXPECT_THAT(refusal_of_pickle("N."), HasSubstr("holds no dictionary"));
  EXPECT_THAT(refusal_of_pickle("}K\1N"), HasSubstr("cut short"));
  EXPECT_THAT(refusal_of_pickle("}h\1."), HasSubstr("has not kept"));
  EXPECT_THAT(refusal_of_pickle("}(K\1u."), HasSubstr("no list or dictionary"));
  EXPECT_THAT(refusal_of_pickle("}(s."), HasSubstr("not there"));
  EXPECT_THAT(refusal_of_pickle("t."), HasSubstr("mark that is not there"));
  EXPECT_THAT(refusal_of_pickle("NNb."), HasSubstr("no dictionary"));
  EXPECT_THAT(refusal_of_pickle("}q\1X\1" + Bytes(3, '\0')), HasSubstr("cut short"));
  EXPECT_THAT(refusal_of_pickle("}q\1" + text("a") + "h\1s."), HasSubstr("nested too deeply")) << "it holds itself";
  const Bytes many("\0\1\0\0", 4);  // 256, for which one byte is too small
  EXPECT_THAT(refusal_of_pickle("}r" + many + text("a") + "j" + many + "s."), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of_pickle("}j" + many + "."), HasSubstr("has not kept"));
  EXPECT_THAT(refusal_of_pickle("]q\1h\1a" + text("b") + "a."), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of_pickle("}K\1a."), HasSubstr("no list or dictionary"));
  EXPECT_THAT(refusal_of_pickle("N)R."), HasSubstr("calls what is no function"));
  // Each dictionary holds the one before twice: 2^40 paths.
  Bytes doubled = "}q" + Bytes(1, '\0');
  for (int i = 1; i <= 12; ++i) {
    doubled += "}q" + Bytes(1, static_cast<char>(i)) + "(";
    for (int k = 0; k < 8; ++k) doubled += small(k) + "h" + static_cast<char>(i - 1);
    doubled += "u";
  }
  EXPECT_THAT(refusal_of_pickle(doubled + "."), HasSubstr("more than 100,000 items"));
  EXPECT_THAT(refusal_of_pickle(Bytes(1'000'001, 'N') + "."), HasSubstr("more than a million values"));
  EXPECT_THAT(refusal_of_pickle(Bytes((1 << 24) + 1, '(')), HasSubstr("at most 16 MiB"));
  const Bytes one = tensor(small(0), small(1), small(1));
  EXPECT_THAT(refusal_of_pickle("}" + text("a.b") + one + "s" + text("a") + "}" + text("b") + one + "ss."),
              HasSubstr("\"a.b\" stands there twice"));
}

TEST_F(StateDict, OtherArchivesAreRefused) {
  write(zip_of({{"x/other", "text"}}));
  EXPECT_THAT(refusal(path_), HasSubstr("holds no data.pkl"));
  write(zip_of({{"x/byteorder", "big"}, {"x/data.pkl", "}."}}));
  EXPECT_THAT(refusal(path_), HasSubstr("big-endian"));
  EXPECT_THAT(refusal(folder_ / "none.pt"), HasSubstr("does not exist"));
  std::string output;
  ASSERT_EQ(run_python("tests/models/compressed_zip.py", path_, output), 0) << output;
  EXPECT_THAT(refusal(path_), HasSubstr("\"x/data.pkl\" is compressed"));
}

class StateDictModel : public ::testing::Test {
 protected:
  StateDictModel() {
    options_.architecture = {16, 3, 2, 3, 2, 4, Latent::kUniform};
    options_.mapping =
        nlohmann::json::parse(std::ifstream(golden("mapping.json"))).get<std::map<std::string, std::string>>();
  }
  ModelFile read(const std::vector<std::string>& names = {"netD.pt", "netG.pt"}) const {
    std::vector<StateDictReader> files;
    for (const std::string& name : names) files.emplace_back(golden(name));
    return model_from_state_dicts(files, options_);
  }
  std::string refusal(const std::vector<std::string>& names = {"netD.pt", "netG.pt"}) const {
    try {
      read(names);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  StateDictOptions options_;
};

TEST_F(StateDictModel, IsMadeOfTwoFilesThroughAMapping) {
  const ModelFile model = read();
  EXPECT_TRUE(model.has_generator);
  EXPECT_THAT(model.statistics, HasSubstr("running averages of netD.pt, netG.pt"));
  const StateDictReader net_d(golden("netD.pt"));
  EXPECT_EQ(model.tensors.at("discriminator.conv3.weight").bytes, net_d.read("5.weight").bytes);
  EXPECT_EQ(model.tensors.at("discriminator.head.weight").bytes, net_d.read("11.weight").bytes);
  TemporaryFolder folder;
  save_model(folder / "m.safetensors", model);
  EXPECT_EQ(load_model(folder / "m.safetensors").tensors.size(), 38U);
}

TEST_F(StateDictModel, TheDifferenceOfTheEpsilonsIsAddedToTheVariances) {
  const std::vector<float> theirs = StateDictReader(golden("netD.pt")).read("3.running_var").to_floats();
  const std::vector<float> ours = read().tensors.at("discriminator.bn2.running_var").to_floats();
  for (size_t i = 0; i < theirs.size(); ++i) EXPECT_FLOAT_EQ(ours[i], static_cast<float>(theirs[i] + 1e-5 - 1e-8));
  options_.epsilon = 1e-8;
  EXPECT_EQ(read().tensors.at("discriminator.bn2.running_var").to_floats(), theirs);
  options_.epsilon = -1;
  EXPECT_THAT(refusal(), HasSubstr("--batch-norm-epsilon is -1"));
}

TEST_F(StateDictModel, MayHaveNoGenerator) {
  for (auto it = options_.mapping.begin(); it != options_.mapping.end();) {
    it = it->first.rfind("generator.", 0) == 0 ? options_.mapping.erase(it) : std::next(it);
  }
  for (auto& [ours, theirs] : options_.mapping) theirs = theirs.substr(theirs.find(':') + 1);
  EXPECT_FALSE(read({"netD.pt"}).has_generator);
}

TEST_F(StateDictModel, MayDoWithoutStatistics) {
  options_.mapping["discriminator.bn2.running_mean"] = "nowhere";
  EXPECT_THAT(refusal(), HasSubstr("or --statistics-from infers the statistics"));
  options_.without_statistics = true;
  const ModelFile model = read();
  EXPECT_THAT(model.tensors.at("discriminator.bn2.running_mean").to_floats(), ElementsAre(0, 0, 0));
  EXPECT_THAT(model.tensors.at("discriminator.bn2.running_var").to_floats(), ElementsAre(1, 1, 1));
}

TEST_F(StateDictModel, FilesOfTheSameNameAreRefused) {
  EXPECT_THAT(refusal({"netD.pt", "../state_dict/netD.pt"}), HasSubstr("two files with the same name"));
}

// Names as in a checkpoint without keys and wrappers: "0.weight" of either network.
std::map<std::string, std::string> short_names(std::map<std::string, std::string> mapping) {
  for (auto& [ours, theirs] : mapping) theirs = theirs.substr(theirs.find(':') + 1);
  return mapping;
}

TEST_F(StateDictModel, FindsTheNetworksBelowKeysAndWrappers) {
  const ModelFile expected = read();
  options_.mapping = short_names(options_.mapping);
  const ModelFile found = read({"checkpoint.pt"});
  ASSERT_EQ(found.tensors.size(), expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) EXPECT_EQ(found.tensors.at(name).bytes, tensor.bytes) << name;
  // The two files themselves: their tensors have the same names, and other shapes.
  const ModelFile of_two = read();
  for (const auto& [name, tensor] : expected.tensors) EXPECT_EQ(of_two.tensors.at(name).bytes, tensor.bytes) << name;
}

TEST_F(StateDictModel, ANetworkThatIsThereTwiceIsAskedFor) {
  options_.architecture = {8, 1, 1, 1, 1, 1, Latent::kUniform};
  options_.mapping = {{"discriminator.conv1.weight", "c.weight"}, {"discriminator.head.weight", "h.weight"}};
  const auto network = [](const Bytes& key) {
    const Bytes from = storage("FloatStorage", text(key), small(16));
    const Bytes ones = small(1) + small(1);
    return "}(" + text("c.weight") + tensor(small(0), small(1) + small(3) + ones, small(3) + ones + small(1), from) +
           text("module.h.weight") + tensor(small(0), small(1) + small(16), ones, from) + "u";
  };
  const Bytes pickle = "}" + text("net") + network("0") + "s" + text("ema") + network("1") + "s.";
  TemporaryFolder folder;
  Bytes ones;
  for (int i = 0; i < 16; ++i) ones += Bytes("\0\0\x80\x3f", 4);
  std::ofstream(folder / "x.pt", std::ios::binary)
      << zip_of({{"x/data.pkl", pickle}, {"x/data/0", Bytes(64, '\0')}, {"x/data/1", ones}});
  std::vector<StateDictReader> files;
  files.emplace_back(folder / "x.pt");
  EXPECT_THAT([&] { model_from_state_dicts(files, options_); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("several times"), HasSubstr("\"ema.\""), HasSubstr("\"net.\""),
                                             HasSubstr("--prefix"))));
  options_.prefix = "ema.";
  EXPECT_THAT(model_from_state_dicts(files, options_).tensors.at("discriminator.conv1.weight").to_floats(),
              ElementsAre(1, 1, 1));
  options_.prefix = "net.";
  EXPECT_THAT(model_from_state_dicts(files, options_).tensors.at("discriminator.conv1.weight").to_floats(),
              ElementsAre(0, 0, 0));
}

TEST_F(StateDictModel, SpectralAndWeightNormAreAppliedAsPyTorchDoes) {
  const auto mapping = options_.mapping;
  const auto golden_weights = nlohmann::json::parse(std::ifstream(golden("normed.json")));
  for (const char* kind : {"spectral-old", "spectral-new", "weight-old", "weight-new"}) {
    options_.mapping = short_names(mapping);
    const ModelFile model = read({std::string("normed-") + kind + ".pt"});
    EXPECT_THAT(model.training, HasSubstr(std::string(kind).substr(0, 6)));
    int compared = 0;
    for (const auto& [ours, theirs] : mapping) {  // "netD.pt:0.weight"
      std::string name = theirs;
      name.replace(name.find(".pt:"), 4, ".");
      if (!golden_weights[kind].contains(name)) continue;
      const std::vector<double> expected = golden_weights[kind][name];
      const std::vector<float> found = model.tensors.at(ours).to_floats();
      ASSERT_EQ(found.size(), expected.size()) << kind << " " << name;
      double largest = 0;
      for (const double value : expected) largest = std::max(largest, std::abs(value));
      for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-7 * largest) << kind << name;
      ++compared;
    }
    EXPECT_EQ(compared, 10) << "four convolutions and a head, five layers of the generator";
  }
}

TEST_F(StateDictModel, ThePartOfANormalisedWeightMayBeNamedToo) {
  options_.mapping = short_names(options_.mapping);
  const ModelFile expected = read({"normed-spectral-old.pt"});
  for (auto& [ours, theirs] : options_.mapping) {
    if (ours == "discriminator.conv1.weight") theirs += "_orig";
  }
  const ModelFile model = read({"normed-spectral-old.pt"});
  EXPECT_EQ(model.tensors.at("discriminator.conv1.weight").bytes,
            expected.tensors.at("discriminator.conv1.weight").bytes);
}

TEST_F(StateDictModel, SaysWhatIsMissingAndWhatTheFilesHold) {
  options_.mapping.erase("discriminator.conv1.weight");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("netD.pt"), HasSubstr("lacks tensor \"discriminator.conv1.weight\""),
                               HasSubstr("[3,3,3,3]"), HasSubstr("--mapping"),
                               HasSubstr("found: netD.pt:0.weight [3,3,3,3]"), HasSubstr("more")));
  options_.mapping["discriminator.conv1.weight"] = "netD.pt:0.wait";
  EXPECT_THAT(refusal(), HasSubstr("lacks tensor \"netD.pt:0.wait\" for discriminator.conv1.weight"));
  options_.mapping["discriminator.conv1.weight"] = "0.weight";  // both files have one
  EXPECT_THAT(refusal(), HasSubstr("lacks tensor \"0.weight\""));
  options_.mapping["discriminator.conv1.weight"] = "netD.pt:2.weight";
  EXPECT_EQ(refusal(), "accepted") << "it has the same shape";
  options_.mapping["discriminator.conv1.weight"] = "netD.pt:5.weight";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("[6,3,3,3]"), HasSubstr("[3,3,3,3]"), HasSubstr("options")));
  options_.mapping["discriminator.conv9.weight"] = "netD.pt:5.weight";
  EXPECT_THAT(refusal(), HasSubstr("\"discriminator.conv9.weight\", which this architecture does not have"));
}

TEST_F(StateDictModel, AWeightOfSeveralParametrizationsIsRefused) {
  options_.architecture = {8, 1, 1, 1, 1, 1, Latent::kUniform};
  options_.mapping = {{"discriminator.conv1.weight", "c.weight"}, {"discriminator.head.weight", "h"}};
  std::vector<StateDictReader> files;
  files.emplace_back(golden("stacked.pt"));  // the spectral norm of a weight norm
  EXPECT_THAT([&] { model_from_state_dicts(files, options_); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("\"c.parametrizations.weight.1._u\""), HasSubstr("is not read"),
                                             HasSubstr("remove_parametrizations"))));
}

TEST_F(StateDictModel, ALayerWithABiasIsRefused) {
  options_.architecture = {8, 1, 1, 1, 1, 1, Latent::kUniform};
  options_.mapping = {{"discriminator.conv1.weight", "c.weight"}, {"discriminator.head.weight", "h"}};
  const Bytes from = storage("FloatStorage", text("0"), small(16));
  const Bytes ones = small(1) + small(1);
  const Bytes pickle = "}(" + text("c.weight") +
                       tensor(small(0), small(1) + small(3) + ones, small(3) + ones + small(1), from) + text("c.bias") +
                       tensor(small(0), small(1), small(1), from) + text("h") +
                       tensor(small(0), small(1) + small(16), ones, from) + "u.";
  TemporaryFolder folder;
  std::ofstream(folder / "x.pt", std::ios::binary) << zip_of({{"x/data.pkl", pickle}, {"x/data/0", Bytes(64, '\0')}});
  std::vector<StateDictReader> files;
  files.emplace_back(folder / "x.pt");
  EXPECT_THAT([&] { model_from_state_dicts(files, options_); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("\"c.bias\""), HasSubstr("bias=False"))));
}

}  // namespace
}  // namespace dcgan::test
