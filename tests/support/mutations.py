#!/usr/bin/env python3
"""usage: tests/support/mutations.py [--only NAME ...] [--list | --table | --check]

Do the tests guard what they are said to guard? Copies the tree to build/mutations, builds there, sees that the tests
named below pass, then makes one change at a time that must make one of them fail, by an assertion. Prints
`caught NAME by TEST` or `SURVIVED NAME`; exit code 1 if any survived, 2 if a mutant could not be tried: its text is not
found exactly once, it does not compile, or its test crashes or hangs instead of failing.

  --only NAME ...  only these
  --list           the names, and do nothing
  --table          print the table of tests/README.md
  --check          only whether every text is found exactly once and the table in tests/README.md is this one
"""

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "build/mutations"
BUILD = TREE / "build/ci"
README = ROOT / "tests/README.md"
NO_TEST = "no test, or a skipped one"
PROGRAMS = [f"dcgan-{name}" for name in ("prepare", "train", "extract", "eval", "explore", "convert")]
TABLE_HEAD = "| change | in | caught by |\n|---|---|---|\n"


class Mutant(NamedTuple):
    name: str  # what is wrong then
    file: str
    old: str  # found once in the file
    new: str
    room: str  # the test is in the program ROOM_test of tests/ROOM, or in the Python file tests/ROOM, which runs programs
    test: str  # SUITE.NAME, * for any


class CannotTry(Exception):
    pass


MUTANTS = [
    # --- base
    Mutant("a seed does not depend on its position", "libdcgan/src/base/seeds.cpp",
           "mix(mix(seed) ^ position)", "mix(mix(seed) ^ (position * 0))",
           "base", "Seeds.DifferByRootPurposeAndPosition"),
    Mutant("a seed does not depend on its purpose", "libdcgan/src/base/seeds.cpp",
           "mix(seed ^ static_cast<unsigned char>(c))", "mix(seed ^ static_cast<unsigned char>(c & 0))",
           "base", "Seeds.DifferByRootPurposeAndPosition"),
    Mutant("the last of shuffled things never stays", "libdcgan/src/base/seeds.cpp",
           "below(i, random)", "below(i - 1, random)",
           "base", "Seeds.ShuffleEveryIndexOnceAndEveryPlaceAlike"),
    Mutant("the seeds of the first release are others", "libdcgan/src/base/seeds.cpp",
           "0xbf58476d1ce4e5b9U", "0xbf58476d1ce4e5bbU",
           "base", "Seeds.StayTheSameFromVersionToVersion"),
    Mutant("an output replaces the link that is its name", "libdcgan/src/base/files.cpp",
           "for (int links = 0; fs::is_symlink(target, error); ++links) {",
           "for (int links = 0; fs::is_symlink(target, error) && links < 0; ++links) {",
           "base", "OutputFiles.AreWrittenThroughSymbolicLinksToWhereTheyLead"),
    Mutant("an output may be a device", "libdcgan/src/base/files.cpp",
           "::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)",
           "::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)",
           "base", "OutputFiles.AreNoFoldersDevicesOrLinksThatLeadNowhere"),
    Mutant("TensorFlow's SAME pads before", "libdcgan/src/base/layers.cpp",
           "c.pad_before = total / 2;", "c.pad_before = total - total / 2;",
           "base", "Layers.PadAsTensorFlowsSameDoes"),
    Mutant("maps need not come out whole", "libdcgan/src/base/layers.cpp",
           "if (room % c.stride > c.pad_after) {", "if (room % c.stride > c.pad_after + c.kernel) {",
           "base", "Layers.ThatDoNotComeOutWholeAreNamed"),
    Mutant("whole numbers are made of fractions", "libdcgan/src/base/json_value.h",
           "if (!json.is_number_integer())", "if (!json.is_number())",
           "base", "OptionsJson.TakesWholeNumbersAloneInListsToo"),
    # --- parallel
    Mutant("a thread also takes the first task of its neighbour's share", "libdcgan/src/parallel/thread_pool.cpp",
           "task_of(claimed) < end;", "task_of(claimed) <= end;",
           "parallel", "ThreadPool.RunsEachTaskOnceHoweverManyThreads"),
    # --- store
    Mutant("the journal speaks of rows that are not on the disk", "libdcgan/src/store/row_writer.cpp",
           "    data_.sync();  // the rows first\n    journal_.append(kBatch, record.bytes());\n    journal_.sync();",
           "    journal_.append(kBatch, record.bytes());\n    journal_.sync();\n    data_.sync();",
           "store", "Durability.OfAFeatureFileIsRowsThenJournalThenTheNameAndAFlushReturnsWhenAllIsSafe"),
    Mutant("a flush returns before the journal is on the disk", "libdcgan/src/store/row_writer.cpp",
           "    journal_.append(kBatch, record.bytes());\n    journal_.sync();",
           "    journal_.append(kBatch, record.bytes());",
           "store", "Durability.OfAFeatureFileIsRowsThenJournalThenTheNameAndAFlushReturnsWhenAllIsSafe"),
    Mutant("a flush writes no line into the journal", "libdcgan/src/store/row_writer.cpp",
           "    journal_.append(kBatch, record.bytes());\n", "",
           "store", "Durability.OfAFeatureFileIsRowsThenJournalThenTheNameAndAFlushReturnsWhenAllIsSafe"),
    Mutant("packed images are not written out on the way", "libdcgan/src/store/row_writer.cpp",
           "if (many_bytes || batch_", "if ((many_bytes && rows_ < 0) || batch_",
           "store", "Durability.OfPackedImagesIsRowsThenJournalThenTheName"),
    Mutant("a file takes its name before its content is on the disk", "libdcgan/src/base/files.cpp",
           "  File(partial, O_RDONLY).sync();\n", "",
           "store", "Durability.OfAModelIsItsBytesThenTheName"),
    Mutant("a new name is not made durable", "libdcgan/src/base/files.cpp",
           'fail(target, "cannot be made from " + partial);\n  sync_folder_of(target);',
           'fail(target, "cannot be made from " + partial);',
           "store", "Durability.OfAModelIsItsBytesThenTheName"),
    Mutant("a torn record of the journal is believed", "libdcgan/src/store/journal.cpp",
           "if (sum != checksum(", "if (sum + 1 == checksum(",
           "store", "FeatureWriterCrash.AFlippedByteInTheJournalLosesOnlyWhatFollowsOrIsRefused"),
    Mutant("rows are read back one too far", "libdcgan/src/store/row_writer.cpp",
           "data_.read_at(begin_ + first * file_.row_bytes", "data_.read_at(begin_ + (first + 1) * file_.row_bytes",
           "store", "FeatureFile.GivesBackRowsWhileItIsBeingWritten"),
    Mutant("another format version is read", "libdcgan/src/store/image_tables.cpp",
           "if (version != kFormatVersion && version", "if (version < kFormatVersion && version",
           "store", "DamagedFeatureFile.OfAnotherFormatVersionIsRefusedNamingBoth"),
    Mutant("halves are cut off instead of rounded", "libdcgan/src/base/half.cpp",
           "0xfffU + odd", "0 * odd", "base", "Half.FloatsRoundToTheNearestHalfTiesToEven"),
    Mutant("an output may be what it is made of", "libdcgan/src/base/files.cpp",
           "if (!found || written.count(*found) == 0) continue;", "if (!found || written.count(*found) < 2) continue;",
           "store", "FeatureMerge.RefusesToReplaceThePartsOfAVirtualOne"),
    Mutant("a resumed run forgets its warnings", "libdcgan/src/store/row_writer.cpp",
           "tables.append_warnings(warned, record.texts());", "record.texts();",
           "store", "FeatureFile.HasATableOfWarningsOnlyWhereThereAreSome"),
    Mutant("an enumeration's numbers are its classes", "libdcgan/src/store/hdf5_labels.cpp",
           "if (names.empty()) return {values, {}};", "if (names.size() < 100) return {values, {}};",
           "store", "FeatureFile.AgreesWithH5pyBothWays"),
    Mutant("a text is as long as its reference claims", "libdcgan/src/store/hdf5_texts.cpp",
           "&& text.size() >= length);", "|| length > 0);",
           "store", "KerasFile.IsNotAskedForMoreThanItsBytesWhateverItClaims"),
    Mutant("texts are read from the file that was named, not from that of their object", "libdcgan/src/store/hdf5_texts.cpp",
           "what_(what), file_(file_of(object, path, what + \" cannot be read\"), O_RDONLY)",
           "what_(what), file_((file_of(object, path, what), path), O_RDONLY)",
           "store", "PackedImages.AgreeWithH5pyBothWays"),
    Mutant("what this process has written is not flushed before it is read", "libdcgan/src/store/hdf5_texts.cpp",
           "require(H5Fflush(owner, H5F_SCOPE_LOCAL), path, problem);", "",
           "store", "PackedImages.AreReadWithATextThatThisProcessHasNotWrittenYet"),
    # --- models
    Mutant("weight norm is not applied", "libdcgan/src/models/weight_norms.cpp",
           "double{length.values[g]} / std::sqrt(squares[g])", "(double{length.values[g]} * 0 + 1)",
           "models", "StateDictModel.SpectralAndWeightNormAreAppliedAsPyTorchDoes"),
    Mutant("the matrix of a transposed convolution is not transposed", "libdcgan/src/models/weight_norms.cpp",
           "const int64_t before = transposed ? weight.shape[0] : 1;", "const int64_t before = transposed ? 1 : 1;",
           "models", "StateDictModel.SpectralAndWeightNormAreAppliedAsPyTorchDoes"),
    Mutant("spectral norm is not applied", "libdcgan/src/models/weight_norms.cpp",
           "static_cast<float>(double{value} / sigma)", "static_cast<float>(double{value} / (sigma * 0 + 1))",
           "models", "StateDictModel.SpectralAndWeightNormAreAppliedAsPyTorchDoes"),
    Mutant("what would run a program is passed over", "libdcgan/src/models/pickle.cpp",
           "    if (is_harmful(name)) {", "    if (is_harmful(name) && name.empty()) {",
           "models", "StateDict.WhatWouldExecuteCodeIsRefusedByName"),
    # --- cli
    Mutant("a container's limit of memory in version 1 does not count", "libdcgan/src/parallel/control_groups.cpp",
           '{"memory.max", "memory.limit_in_bytes"}', '{"memory.max", "memory.max"}',
           "cli", "AvailableMemory.IsTheLimitOfAContainerInVersion1"),
    Mutant("the limits of outer groups do not count", "libdcgan/src/parallel/control_groups.cpp",
           "if (group == folder || !group.has_relative_path()) break;", "break;",
           "cli", "AvailableMemory.IsTheLimitOfAnOuterControlGroupWhereThatIsLess"),
    Mutant("a container's quota of processors does not count", "libdcgan/src/parallel/control_groups.cpp",
           "const double allowed = std::ceil(group_limits(root).cpus);",
           "const double allowed = std::ceil(group_limits(root).cpus) + 1e6;",
           "cli", "UsableCores.AreNoMoreThanTheQuotaOfAGroupAllows"),
    # --- data
    Mutant("the last byte of a scan is filled with anything", "data/images/jpeg_scan.cpp",
           "marker == wanted_ && bits.left_are_ones() &&", "marker == wanted_ && (bits.left_are_ones() || true) &&",
           "data", "ImageDecoder.SurplusBytesOfADamagedScanAreAFailure"),
    Mutant("a scan's last empty blocks go on behind it", "data/images/jpeg_scan.cpp",
           "bits.left_are_ones() && !blocks.run_goes_on() &&", "bits.left_are_ones() &&",
           "data", "ImageDecoder.SurplusBytesOfADamagedScanAreAFailure"),
    Mutant("a block of a scan is any picture's", "data/images/jpeg_scan.cpp",
           "return outside <= moved;", "return outside <= moved + 1e18;",
           "data", "ImageDecoder.SurplusBytesOfADamagedScanAreAFailure"),
    Mutant("restart markers end a scan", "data/images/jpeg_scan.cpp",
           "(file_.data[at] & 0xF8) != 0xD0) {", "(file_.data[at] & 0xF8) != 0xD8) {",
           "data", "ImageDecoder.SurplusBytesOfAWholeScanAreAWarning"),
    Mutant("a refining scan has no bits for what it refines", "data/images/jpeg_scan.cpp",
           "        if (is_set(k) && !bits.take(1)) return false;\n      }\n      if (is_new",
           "        static_cast<void>(is_set);\n      }\n      if (is_new",
           "data", "ImageDecoder.SurplusBytesOfAWholeScanAreAWarning"),
    Mutant("a planted patch is drawn where its box is not", "data/rendered_set.cpp",
           "(y * image.width + x) * 3", "(x * image.width + y) * 3",
           "data", "RenderedSet.HasAPatchOfOneColourInEachBoxAndElsewhereTheSamePixels"),
    Mutant("every planted patch lies in one place", "data/rendered_set.cpp",
           "to_name(split), static_cast<uint64_t>(index))", "to_name(split), static_cast<uint64_t>(index * 0))",
           "data", "RenderedSet.HasAPatchOfOneColourInEachBoxAndElsewhereTheSamePixels"),
    Mutant("images come in the order of the folder", "data/image_folder.cpp",
           "    std::sort(found_.begin(), found_.end(), by_path);\n", "    static_cast<void>(by_path);\n",
           "data", "ImageFolder.ListsImagesInByteOrderWithTheirClasses"),
    Mutant("shrinking takes the linear filter", "libdcgan/src/features/resize.cpp",
           "} else if (by_area) {", "} else if (by_area && size == 0) {",
           "data", "Resize.EqualsTheAuthorsFormulasWithinTheRoundingOfPixels"),
    Mutant("resized pixels are cut off instead of rounded", "libdcgan/src/features/resize.cpp",
           "(sum + 2) >> 2);", "sum >> 2);",
           "data", "Resize.GivesTheBitsOfOpenCvForTenThousandRandomSizesFormatsAndStrides"),
    Mutant("whole multiples are not averaged in blocks", "libdcgan/src/features/resize.cpp",
           "} else if (by_area && height.is_whole() && width.is_whole()) {", "} else if (by_area && height.is_whole() && size == 0) {",
           "data", "Resize.GivesTheBitsOfOpenCvForTenThousandRandomSizesFormatsAndStrides"),
    Mutant("BGR is taken for RGB", "libdcgan/src/features/resize.cpp",
           "return {3, {2, 1, 0}};", "return {3, {0, 1, 2}};",
           "data", "Resize.GivesTheBitsOfOpenCvForTenThousandRandomSizesFormatsAndStrides"),
    Mutant("std::cerr changes while threads write to it", "data/image_folder.cpp",
           "  image_library();  // before threads decode\n", "",
           "data", "ImageLibraryDeathTest.IsOpenedBeforeThreadsDecodeAsStdErrorChangesWithIt"),
    Mutant("a library that is closed stays in std::cerr", "data/images/codec_opencv.cpp",
           "if (stream_.rdbuf() == this) stream_.rdbuf(target_);", "",
           "data", "ImageLibraryDeathTest.LeavesStdErrorAsItWasWhenItIsClosed"),
    Mutant("EXIF's sixth orientation is turned the other way", "data/images/orientation.cpp",
           "orientation == 3 || orientation == 6 || orientation == 7", "orientation == 3 || orientation == 7",
           "data", "ImageDecoder.GivesThePixelsThatPillowGivesForEveryKindOfFile"),
    Mutant("the resized side is multiplied before it is divided", "libdcgan/src/features/resize.cpp",
           "std::lround(ratio * static_cast<double>(size))",
           "std::lround(static_cast<double>(longer * size) / static_cast<double>(shorter) + ratio * 0)",
           "data", "Resize.DividesBeforeItMultipliesAsTheAuthorsDo"),
    Mutant("the crop's offset is cut off", "libdcgan/src/features/resize.cpp",
           "std::lround(static_cast<double>(side - size) / 2.0)", "(side - size) / 2",
           "data", "Resize.RoundsHalvesAwayFromZeroAsPython2Did"),
    Mutant("red and blue of CIFAR-10 are swapped", "data/cifar10_binary.cpp",
           "planes[c * kPlane + p]", "planes[(2 - c) * kPlane + p]",
           "data", "Cifar10Binary.ReadsPlanesAsPixelsAndLabelsInOfficialOrder"),
    Mutant("label 10 is read", "data/cifar10_binary.cpp",
           "if (record[0] >= kCifarClasses)", "if (record[0] > kCifarClasses)",
           "data", "Cifar10Binary.RefusesALabelAboveNineAndNamesTheRecord"),
    Mutant("the first of two members of one name is taken", "data/tar_archive.cpp",
           "members_.insert_or_assign(path, member)", "members_.emplace(path, member)",
           "data", "TarArchiveTest.TheLastOfTwoMembersOfOneNameCountsAndHardLinksAreFollowed"),
    Mutant("a tar header is read whatever its checksum", "data/tar_archive.cpp",
           "return stored == as_unsigned || stored == as_signed;", "return stored == as_unsigned || stored == as_signed || stored != -2;",
           "data", "TarArchiveTest.WhatIsNoWholeArchiveIsRefusedWithTheReason"),
    Mutant("what systems leave is taken", "data/input_rules.cpp",
           'if (hidden_) return "";', 'if (!hidden_) return "";',
           "data", "ImageFolder.PassesOverWhatSystemsLeaveAndCountsItByKind"),
    Mutant("a folder that cannot be listed is lost", "data/image_folder.cpp",
           'found_.push_back({path, "is a folder that " + failure});', ";",
           "data", "ImageFolder.AFolderThatCannotBeListedIsAnInputThatFailed"),
    Mutant("composed and decomposed names are two classes", "data/labels.cpp",
           "spelling.emplace(composed(name), name);", "spelling.emplace(name, name);",
           "data", "Labels.ComposedAndDecomposedNamesAreOneClassSpeltAsTheFirstInByteOrder"),
    Mutant("what is passed over is not counted", "data/input_rules.cpp",
           "if (said == NameSays::kRead || said == NameSays::kUnreadImage) passed_over.add(left);", ";",
           "data", "ImageFolder.PassesOverWhatSystemsLeaveAndCountsItByKind"),
    Mutant("the content of files without a known extension does not count", "data/input_rules.cpp",
           "if (format.empty()) return false;", "if (format.empty() || !format.empty()) return false;",
           "data", "ImageFolder.CountsImagesThatAreNotReadByNameAndWhereThatSaysNothingByContent"),
    Mutant("a folder that alone holds everything is the class", "data/labels.cpp",
           "if (names.size() > 1) return depth;", "if (names.size() > 1) return depth * 0;",
           "data", "Labels.PassFoldersThatAloneHoldEverything"),
    Mutant("lines of a table that name no image are not told", "data/labels.cpp",
           "if (unused > 0) {", "if (unused > 1000000) {",
           "data", "Labels.OfATableAreMatchedByTheNamesOfFilesHoweverTheyAreWritten"),
    # --- eval
    Mutant("the kernel form of Newton returns zeros", "eval/svm/kernel_newton.cpp",
           "duals[i] = dual_from_margin(Loss::kSquaredHinge, margin, c);",
           "duals[i] = 0 * dual_from_margin(Loss::kSquaredHinge, margin, c);",
           "eval", "KernelNewton.EndsWhereEveryDualBelongsToItsMargin"),
    Mutant("the weights get more than their dual variables changed", "eval/svm/dense_solver.cpp",
           "static_cast<float>(target(block.indices[size(i)], k)) * change;",
           "static_cast<float>(target(block.indices[size(i)], k)) * change * 1.0001F;",
           "eval", "DenseSolverInBlocks.BoundsTheOptimumFromBelowAfterHundredsOfFits"),
    Mutant("all final draws are the same", "eval/protocols/protocol.cpp",
           'derive_seed(seed, "final draw", static_cast<uint64_t>(d))', 'derive_seed(seed, "final draw", 0)',
           "eval", "RowsOfAProtocol.FewLabelsTakesEachDrawAnewFromThePool"),
    Mutant("final draws equal those that chose C", "eval/protocols/protocol.cpp",
           'derive_seed(seed, "final draw",', 'derive_seed(seed, "selection draw",',
           "eval", "RowsOfAProtocol.FewLabelsTakesEachDrawAnewFromThePool"),
    Mutant("few labels choose C on rows of the pool", "eval/protocols/protocol.cpp",
           "const TrainingSet validation = training_set(training, split.validation);",
           "const TrainingSet validation = training_set(training, split.training);",
           "eval", "RowsOfAProtocol.FewLabelsChoosesCOnTheRowsSetApartAndOnNoOthers"),
    Mutant("houses are ignored where rows are set apart", "eval/protocols/protocol.cpp",
           "if (set.groups.empty()) {", "if (set.groups.empty() || n > 0) {",
           "eval", "RowsOfAProtocol.FewLabelsHasNoHouseOnBothSidesWhereRandomRowsWouldHave"),
    Mutant("the validation tolerance is 0.9", "eval/choice.cpp",
           "std::max(options.tolerance, std::min(10 * options.tolerance, 1e-3))", "0.9",
           "eval", "RowsOfAProtocol.FewLabelsFitsLooselyToChooseCAndToTheAskedToleranceForTheResult"),
    Mutant("the tested fits of few labels use the validation tolerance", "eval/protocols/protocol.cpp",
           "make_solver(training_set(training, draws.back()), resources.svm,",
           "make_solver(training_set(training, draws.back()), for_validation(resources.svm),",
           "eval", "RowsOfAProtocol.FewLabelsFitsLooselyToChooseCAndToTheAskedToleranceForTheResult"),
    Mutant("the tested fit of all labels uses the validation tolerance", "eval/protocols/protocol.cpp",
           "make_solver(all, resources.svm,", "make_solver(all, for_validation(resources.svm),",
           "eval", "RowsOfAProtocol.AllLabelsChoosesCOnHeldOutRowsAndFitsAllToTheAskedTolerance"),
    Mutant("LIBLINEAR's class without examples votes +5", "eval/svm/liblinear_solver.cpp",
           "[fit.model.columns] = -1;", "[fit.model.columns] = 5;",
           "eval", "SvmSolvers.NeverPredictAClassWithoutExamples"),
    Mutant("whitened patches are zeros", "eval/baselines/kmeans.cpp",
           "std::copy_n(products.data() + i * padded, depth, out + i * depth);",
           "std::fill_n(out + i * depth, depth, 0.0f);",
           "eval", "Kmeans.AgreesWithNumpyInEveryStep"),
    Mutant("the test rows open as often as one likes", "eval/test_split.cpp",
           "opened_ = true;", "opened_ = false;",
           "eval", "ClosedTest.IsReadByNoProtocolBeforeCIsFixedAndOpensOnce"),
    Mutant("of equally good values of C the largest is taken", "eval/choice.cpp",
           "{ return a.accuracy < b.accuracy; }", "{ return a.accuracy <= b.accuracy; }",
           "eval", "ChooseC.TakesTheSmallestOfEquallyGoodValues"),
    Mutant("groups are ignored where C is chosen", "eval/splits.cpp",
           "if (groups.empty()) {", "if (groups.empty() || n > 0) {",
           "eval", "ValidationSplits.KeepAGroupOnOneSide"),
    Mutant("folds overlap", "eval/splits.cpp",
           "s >= low && s < high", "s >= low * 0.9 && s < high",
           "eval", "ValidationSplits.FoldsCoverEachRowOnce"),
    Mutant("rows are left out of a search by what float32 says", "eval/neighbours/nearest.cpp",
           "product + kProductError * lengths", "product + 0 * kProductError * lengths",
           "eval", "Nearest.TellsRowsApartThatDifferByLessThanProductsInFloat32Show"),
    # --- explore
    Mutant("a walk stops before its last point", "libdcgan/src/explore/latent_space.cpp",
           "std::max<int64_t>(options.frames - 1, 1)", "std::max<int64_t>(options.frames, 1)",
           "explore", "Walk.BeginsAndEndsWithItsPoints"),
    Mutant("places of another box count as outside", "libdcgan/src/explore/boxes.cpp",
           "if (positions.count(p) == 0) outside.insert(p);", "outside.insert(p);",
           "explore", "BoxExamples.OthersAreOutsideOfAllBoxesOfTheImageAndAsMany"),
    Mutant("the smallest values count as the largest", "libdcgan/src/explore/feature_columns.cpp",
           "values[a] > values[b]", "values[a] < values[b]",
           "explore", "LargestValues.StandLargestFirstAndOfEqualOnesTheFirst"),
    Mutant("boxes are written with their height before their width", "libdcgan/src/explore/boxes.cpp",
           "b.width << ',' << b.height", "b.height << ',' << b.width",
           "explore", "BoxesCsv.HasAHeadAndALineForEachBox"),
    # --- features
    Mutant("cells that the grid does not divide share no row", "libdcgan/src/kernels/kernels_impl.h",
           "return ((i + 1) * size + grid - 1) / grid; };", "return (i + 1) * size / grid; };",
           "kernels", "Pool.HasTheCellsOfAdaptiveMaxPoolingWhereTheGridDoesNotDivideTheMap"),
    Mutant("padding before a kernel is half of it whatever the list says", "libdcgan/src/kernels/convolution.cpp",
           "method_->first_input - (shape_.adjoint ? 0 : shape_.pad_before)",
           "method_->first_input - (shape_.adjoint ? 0 : shape_.kernel / 2)",
           "features", "*InferenceEngineAgreesWithTheDefinition.InEveryLayerAndOnEveryGrid/*"),
    Mutant("sums of a few tiles begin with what stood there", "libdcgan/src/kernels/kernels_impl.h",
           "sum = add ? Vec::load(product) : Vec::zero(); });", "sum = Vec::load(product); (void)add; });",
           "kernels", "Convolution.HasTheSameBitsWhetherWeightsAreTransformedBeforeOrOnTheWay"),
    Mutant("a product takes the filter of another point", "libdcgan/src/kernels/filters.h",
           "rows.number[point / kRows] * rows.count + rows.number[point % kRows]",
           "rows.number[point % kRows] * rows.count + rows.number[point / kRows]",
           "kernels", "Convolution.ItsAdjointAndItsFilterGradientAreThoseOfTheDefinitionInFloat64"),
    Mutant("the last channels are left out where threads divide them", "libdcgan/src/features/inference_engine.cpp",
           "(part + 1) * c.panels() / parts}", "parts > 1 && part + 1 == parts ? c.panels() - 1 : (part + 1) * c.panels() / parts}",
           "features", "InferenceEngine.GivesTheSameBitsForAnyBatchSizeCountAndNumberOfThreads"),
    Mutant("BGR networks are shown RGB", "libdcgan/src/features/pixel_input.cpp",
           "source_ = {2, 1, 0};", "source_ = {0, 1, 2};",
           "features", "InferenceEngine.TakesItsInputInTheChannelsTheirOrderAndTheScaleThatItIsGiven"),
    Mutant("luma has equal weights", "libdcgan/src/features/pixel_input.h",
           "rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471", "rgb[0] * 21845 + rgb[1] * 21845 + rgb[2] * 21846",
           "features", "InferenceEngine.TakesItsInputInTheChannelsTheirOrderAndTheScaleThatItIsGiven"),
    Mutant("a batch norm behind the activation is folded before it", "libdcgan/src/features/feature_extractor.cpp",
           "    if (s.norm_last) {", "    if (s.norm_last && s.bias && s.kernel == 0) {",
           "features", "OfPyTorch/ImportedNetwork.HasTheFeaturesOfPyTorch/pytorchgan32"),
    Mutant("weights that are no numbers are taken", "libdcgan/src/models/state_dict_model.cpp",
           "[](float v) { return std::isfinite(v); })) {", "[](float v) { return std::isfinite(v) || true; })) {",
           "features", "NetworkImport.RefusesWeightsThatAreNoNumbers"),
    Mutant("kernels of Keras keep the order of its axes", "libdcgan/src/models/keras_network.cpp",
           "(o * in + i) * area + k;", "(i * out + o) * area + k;",
           "tools/networks_test.py", "Networks.test_that_keras_models_are_read_whole_and_as_weights"),
    Mutant("a dense layer keeps Keras' order of maps", "libdcgan/src/models/keras_network.cpp",
           "(p * channels + c) * out + o)];", "(c * places + p) * out + o)];",
           "nn", "KerasHead.HasTheLogitsOfKeras"),
    Mutant("layers of .keras files have the names of their configuration", "libdcgan/src/models/keras_network.cpp",
           "    if (!named_by_class_) return", "    if (!named_by_class_ || true) return",
           "tools/networks_test.py", "Networks.test_that_keras_models_are_read_whole_and_as_weights"),
    Mutant("Keras' epsilon is PyTorch's", "libdcgan/src/models/keras_network.cpp",
           'number(config.value("epsilon", json(1e-3)))', "number(json(1e-5))",
           "tools/networks_test.py", "Networks.test_that_keras_models_are_read_whole_and_as_weights"),
    Mutant("a generator's SAME pads behind", "libdcgan/src/base/layers.cpp",
           "c.pad_before = transposed ? (c.kernel - c.stride) / 2 :", "c.pad_before = transposed ? (c.kernel - c.stride + 1) / 2 :",
           "nn", "ImportedGenerator.HasTheSamplesOfKeras"),
    Mutant("units of a generator keep Keras' order", "libdcgan/src/models/keras_network.cpp",
           "return unit % (size * size) * channels + unit / (size * size);", "return unit;",
           "nn", "ImportedGenerator.HasTheSamplesOfKeras"),
    Mutant("a family's slope is that of all others", "libdcgan/src/models/network_import.cpp",
           "sampling, 0.1};", "sampling, 0.2};",
           "features", "OfPyTorch/ImportedNetwork.HasTheFeaturesOfPyTorch/spectral32"),
    Mutant("ordinary convolutions are not turned", "libdcgan/src/models/state_dict_model.cpp",
           "std::reverse_copy(from,", "std::copy(from,",
           "features", "NetworkImport.FindsAGeneratorThatDoublesItsMaps"),
    Mutant("norms without weights are not looked for", "libdcgan/src/models/network_import.cpp",
           "next->name) > 2) {", "next->name) > 200) {",
           "features", "NetworkImport.AsksWhereANormWithoutWeightsMayHide"),
    Mutant("a list with other kernels is taken", "libdcgan/src/models/network_import.cpp",
           "    if (c.kernel != found.shape[2]) {", "    if (c.kernel != found.shape[2] && c.kernel == 0) {",
           "features", "NetworkImport.RefusesAListThatDoesNotFitTheShapes"),
    Mutant("the grid of pooled cells is transposed", "libdcgan/src/kernels/kernels_impl.h",
           "row = cell / grid, column = cell % grid;", "row = cell % grid, column = cell / grid;",
           "features", "*InferenceEngineAgreesWithTheDefinition.InEveryLayerAndOnEveryGrid/*"),
    Mutant("pooling forgets the last column of its window", "libdcgan/src/kernels/kernels_impl.h",
           "x < end(column); ++x) {", "x + 1 < end(column); ++x) {",
           "features", "*InferenceEngineAgreesWithTheDefinition.InEveryLayerAndOnEveryGrid/*"),
    Mutant("features come highest layer first", "libdcgan/src/features/inference_engine.cpp",
           "  for (const int64_t kept : options.layers) {\n",
           "  for (size_t k = options.layers.size(); k-- > 0;) {\n    const int64_t kept = options.layers[k];\n",
           "features", "*InferenceEngineAgreesWithTheDefinition.InEveryLayerAndOnEveryGrid/*"),
    Mutant("pixels are divided by 128", "libdcgan/src/features/pixel_input.cpp",
           "/ 127.5F - 1.0F", "/ 128.0F - 1.0F",
           "features", "InferenceEngine.MapsPixels0And255ToMinusOneAndOne"),
    Mutant("statistics are averaged over minibatches of 64", "libdcgan/src/base/network_constants.h",
           "kStatisticsMinibatch = 128", "kStatisticsMinibatch = 64",
           "features", "Extractor.TakesMinibatchesOf128InOrder"),
    Mutant("resized images lie behind each other in one place", "libdcgan/src/features/feature_extractor.cpp",
           "squares.data() + i * bytes", "squares.data() + 0 * i * bytes",
           "features", "Extractor.TakesImagesOfAnySizeAndFormatAsThoughTheyHadBeenResizedBefore"),
    Mutant("a classifier takes features of another preparation", "libdcgan/src/features/linear_classifier.cpp",
           "if (known && preprocessing != own.preprocessing)", "if (known && preprocessing.empty())",
           "features", "Classifier.RefusesRowsOfAnotherOriginAndNamesTheDifference"),
    Mutant("a classifier's scores lack the bias", "libdcgan/src/features/linear_classifier.cpp",
           "double{machines_->biases[k]} + product", "0 * double{machines_->biases[k]} + product",
           "features", "Classifier.ScoresAreTheSumsOfTheirDefinitionInFloat64"),
    # --- c_api
    Mutant("the C API writes beyond the features that there is room for", "libdcgan/src/c_api/guard.cpp",
           "if (columns > 0 && count > capacity / columns) {", "if (columns > 0 && count > capacity) {",
           "c_api", "CApi.SizesThatCannotBeAreRefusedBeforeAnythingIsWritten"),
    Mutant("all threads share a message", "libdcgan/src/c_api/guard.cpp",
           "thread_local std::string message;", "static std::string message;",
           "c_api", "CApi.EachThreadHasItsOwnMessage"),
    Mutant("every failure has one status", "libdcgan/src/c_api/guard.cpp",
           "return fail(static_cast<dcgan_status>(e.code()), e.what());", "return fail(DCGAN_FAILED, e.what());",
           "c_api", "CApi.StatusAndMessageAreCodeAndMessageOfWhatCppThrows"),
    Mutant("a folder's files leave the extractor without its progress function", "data/images/image_files.cpp",
           "~FileProgress() { extractor_.on_progress(std::move(progress_)); }", "~FileProgress() { progress_ = nullptr; }",
           "c_api", "Files.ProgressCountsFilesAndStopsTheWorkWhichLeavesTheRowsThatWereDone"),
    Mutant("the rows of files that give no image are those of black ones", "data/images/image_files.cpp",
           "std::fill_n(row, columns, std::numeric_limits<float>::quiet_NaN());", "std::fill_n(row, columns, 0.0F);",
           "c_api", "Files.ManyFilesGiveTheFeaturesOfTheirPicturesAndEachBrokenOneIsToldOf"),
    # --- tools
    Mutant("a page is served under any name of the machine", "tools/explore/local_server.cpp",
           'if (host != "127.0.0.1:" + port && host != "localhost:" + port) {', "if (host.empty()) {",
           "tools", "LocalServer.AnswersOnlyUnderTheAddressOfThisMachineAndBelowItsSecretWord"),
    Mutant("a page is served without its secret word", "tools/explore/local_server.cpp",
           "if (target.compare(0, prefix.size(), prefix) != 0) {", "if (target.size() < prefix.size()) {",
           "tools", "LocalServer.AnswersOnlyUnderTheAddressOfThisMachineAndBelowItsSecretWord"),
    Mutant("a page is served on every address of the machine", "tools/explore/local_server.cpp",
           "endpoint(asio::ip::address_v4::loopback(),", "endpoint(asio::ip::address_v4::any(),",
           "tools", "LocalServer.ListensOnOneAddressAndSaysThatItsPortIsInUse"),
    # --- nn
    Mutant("guided gradients pass negative activations", "libdcgan/src/nn/explored_networks.cpp",
           "gradient.clamp_min(0).mul(maps.gt(0))", "gradient.clamp_min(0)",
           "nn", "GuidedGradients.DoNotPassAnActivationThatIsNegative"),
    Mutant("guided gradients pass negative gradients", "libdcgan/src/nn/explored_networks.cpp",
           "gradient.clamp_min(0).mul(maps.gt(0))", "gradient.mul(maps.gt(0))",
           "nn", "GuidedGradients.DoNotPassAGradientThatIsNegative"),
    Mutant("a dropped map keeps its shift", "libdcgan/src/nn/explored_networks.cpp",
           "norm.bias.narrow(0, channel * units, units).zero_();", "",
           "nn", "ExploredGenerator.DroppingNoMapChangesNothingAndADroppedMapIsZeroEverywhere"),
    Mutant("maps are flattened as (H, W, C)", "libdcgan/src/nn/networks.cpp",
           "maps.contiguous().flatten(1)", "maps.permute({0, 2, 3, 1}).contiguous().flatten(1)",
           "nn", "StateDictGolden.LogitsAndSamplesAreThoseOfPyTorch"),
    Mutant("the epsilon of batch norm is PyTorch's", "libdcgan/src/nn/networks.cpp",
           "/*momentum=*/0, epsilon, /*cudnn", "/*momentum=*/0, epsilon * 0 + 1e-5, /*cudnn",
           "nn", "BatchNorm.WithTinyVarianceShowsItsEpsilon"),
    Mutant("weights begin twice as large", "libdcgan/src/nn/networks.cpp",
           "normal_(mean, kInitialDeviation, random)", "normal_(mean, 2 * kInitialDeviation, random)",
           "nn", "Networks.AreInitialisedAsThePaperSays"),
    Mutant("variances are averaged over one minibatch too many", "libdcgan/src/base/moment_average.cpp",
           "variance.push_back(static_cast<float>(sum / minibatches));",
           "variance.push_back(static_cast<float>(sum / (minibatches + 1)));",
           "base", "MomentAverage.IsThePlainMeanOverMinibatchesWhateverTheirSize"),
    # --- train
    Mutant("generator and discriminator are swapped within a pair", "libdcgan/src/train/trained_networks.cpp",
           "if (options_.schedule == Schedule::kAlternating) {", "if (options_.schedule != Schedule::kAlternating) {",
           "train", "Course.*"),
    Mutant("the discriminator sees the generator's minibatch", "libdcgan/src/train/training.cpp",
           "alternating ? 2 * step_ + 1 : step_;", "alternating ? 2 * step_ : step_;",
           "train", "Course.*"),
    Mutant("weight decay is left out", "libdcgan/src/train/adam.cpp",
           "options_.beta2, options_.weight_decay, kEpsilon", "options_.beta2, 0 * options_.weight_decay, kEpsilon",
           "train", "Course.*"),
    Mutant("the learning rate never decays", "libdcgan/src/train/schedule.cpp",
           "return decay * share_of(", "return (decay > 0 ? 1 : decay) * share_of(",
           "train", "Course.*"),
    Mutant("both moments of Adam decay alike", "libdcgan/src/train/adam.cpp",
           "options_.beta2, options_.weight_decay, kEpsilon", "options_.beta1, options_.weight_decay, kEpsilon",
           "train", "Adam.AgreesWithItsPaper"),
    Mutant("generated images count as real", "libdcgan/src/train/trained_networks.cpp",
           "return loss_of_real(logits.neg());", "return loss_of_real(logits);",
           "train", "Trainer.TellsRealFromGeneratedAfterSomeSteps"),
    Mutant("every epoch has the same order", "libdcgan/src/train/minibatches.cpp",
           "static_cast<uint64_t>(epoch)", "static_cast<uint64_t>(epoch * 0)",
           "train", "Minibatches.DependOnSeedAndPositionAlone"),
    Mutant("a resumed run counts its updates from 0", "libdcgan/src/train/training.cpp",
           "networks_.set_updates(step);", "networks_.set_updates(step * 0);",
           "train", "Trainer.StoppedAnywhereAndResumedEndsAsIfItHadNeverStopped"),
    Mutant("averages keep the newest weights instead of the oldest", "libdcgan/src/train/trained_networks.cpp",
           "lerp_(values[i].second, 1 - decay)", "lerp_(values[i].second, decay)",
           "train", "Trainer.AveragesWeightsOverTheStepsAsTheOptionSays"),
    Mutant("the Fréchet distance counts the common part once", "libdcgan/src/train/frechet.cpp",
           "sqrt().sum().mul(2)", "sqrt().sum().mul(1)",
           "train", "FrechetDistance.OfOneFeatureIsThatOfTwoMeansAndTwoDeviations"),
    Mutant("warming up begins at a rate of 0", "libdcgan/src/train/schedule.cpp",
           "share_of(step + 1, options.warm_up_steps)", "share_of(step, options.warm_up_steps)",
           "train", "RateShare.RisesLinearlyOverTheFirstSteps"),
    Mutant("a view is one of the others that it is told apart from", "libdcgan/src/train/contrastive.cpp",
           "scatter(1, self.unsqueeze(1), -std::numeric_limits<double>::infinity())",
           "scatter(1, self.unsqueeze(1), 0 * std::numeric_limits<double>::epsilon())",
           "train", "Contrast.*"),
    Mutant("the contrastive loss knows no temperature", "libdcgan/src/train/contrastive.cpp",
           "cosines.div(kTemperature)", "cosines.div(1 + 0 * kTemperature)",
           "train", "Contrast.*"),
    Mutant("both views of an image are the same", "libdcgan/src/train/views.cpp",
           "(images.first + i % count) + i / count)", "(images.first + i % count) + 0 * (i / count))",
           "train", "Views.DependOnTheSeedAndThePlaceInTheMinibatchOnly"),
    Mutant("what is shifted into an augmented image is its border", "libdcgan/src/train/augmentation.cpp",
           "from.clamp(0, side - 1).expand_as(images)).mul(inside)",
           "from.clamp(0, side - 1).expand_as(images)).mul(inside.ge(0))",
           "train", "Augmentation.MovesEachImageByItsOwnDrawAndLetsZeroIn"),
    Mutant("the divisor of spectral norm has no gradient", "libdcgan/src/train/spectral_norm.cpp",
           "weight->div(largest)", "weight->div(largest.detach())",
           "train", "SpectralNorm.PassesTheGradientOfTheDivisionByTheLargestSingularValue"),
    Mutant("the codes of images take bits for unsure that are sure", "libdcgan/src/train/semantic_hash.cpp",
           "std::abs(unit[a]) < std::abs(unit[b])", "std::abs(unit[a]) > std::abs(unit[b])",
           "train", "SemanticHash.ItsUnsureBitsAreThoseThatASmallChangeTurns"),
    Mutant("processes that are started again meet the dead ones", "libdcgan/src/train/processes.cpp",
           'text_of("dcgan-train/", options.attempt)', 'text_of("dcgan-train/", options.attempt * 0)',
           "train", "Processes.MeetUnderNamesOfTheirAttemptAndOfWhatJoinsThem"),
    Mutant("what joins processes does not put its name before theirs", "libdcgan/src/train/processes.cpp",
           'PrefixStore>("gloo", store)', 'PrefixStore>("", store)',
           "train", "Processes.MeetUnderNamesOfTheirAttemptAndOfWhatJoinsThem"),
    Mutant("a file system without locks is taken for another training", "libdcgan/src/base/files.cpp",
           "if (errno == EWOULDBLOCK) throw FileError(path, in_use);", "if (errno != 0) throw FileError(path, in_use);",
           "train", "TheRunFolder.WhereFilesCannotBeLockedIsRefusedWithTheReasonUnlessNobodyAsksForLocks"),
    Mutant("a resumed run does not know how good its best model is", "libdcgan/src/train/run_folder.cpp",
           "fs::exists(best) ? recorded(", "fs::exists(best) && step < 0 ? recorded(",
           "train", "Trainer.KilledAnywhereAndResumedEndsWithTheBestModelOfTheRunLeftAlone"),
    # --- the first hour
    Mutant("a validation set may lack a class", "eval/protocols/protocol.cpp",
           "std::none_of(rows.begin(), rows.end(), is_missing)) continue;",
           "(done > 0 || std::none_of(rows.begin(), rows.end(), is_missing))) continue;",
           "eval", "FewLabels.HasTenRowsOfEachClassToChooseCHoweverSmallTheSet"),
    Mutant("the largest number of labels that fits is refused", "eval/protocols/protocol.cpp",
           "if (largest_that_fits >= per_class) return;", "if (largest_that_fits > per_class) return;",
           "eval", "FewLabels.NamesTheLargestNumberOfLabelsThatFits"),
    Mutant("a binomial interval is that of large numbers", "eval/protocols/spread.cpp",
           "std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n))", "std::sqrt(share * (1 - share) / n)",
           "eval", "BinomialInterval.EndsWhereTheMeasuredShareIsNearlyTwoDeviationsAway"),
    Mutant("the smallest leads of mistakes come first", "eval/confusion.cpp",
           "{ return a.lead > b.lead; }", "{ return a.lead < b.lead; }",
           "eval", "Mistakes.ComeWithTheLargestLeadFirstAndEqualOnesInTheOrderOfTheRows"),
    Mutant("precision and recall change places", "eval/confusion.cpp",
           "return share(count(label, label), rows_of(label));", "return share(count(label, label), taken_for(label));",
           "eval", "Confusion.CountsWhichClassesRowsWereTakenFor"),
    Mutant("whitening leaves the components as they are", "eval/compression.cpp",
           "component *= variance > 0 ? 1 / std::sqrt(variance) : 0;", "component *= variance > 0 ? 1 : 0;",
           "eval", "PrincipalComponents.WhitenedHaveVarianceOneAndNoCorrelation"),
    Mutant("a compression takes features of another model", "libdcgan/src/features/feature_compression.cpp",
           'equal("the model", features.model_sha256, own.model_sha256);', "",
           "features", "FeatureCompressionTest.RefusesFeaturesOfAnotherOriginAndNamesTheDifference"),
    Mutant("a compression takes features of other statistics", "libdcgan/src/features/fitted_file.cpp",
           'for (const char* key : {"resize", "scale", "statistics", "precision", "compression"}) {',
           'for (const char* key : {"resize", "scale", "precision", "compression"}) {',
           "eval/compress_command_test.py", "Compress.test_what_a_compression_was_not_fitted_to_is_refused"),
    Mutant("rows of two compressions are compared", "tools/eval/labelled_rows.cpp",
           "if (train.compression() != test.compression()) {", "if (train.compression() == \"?\" + test.compression()) {",
           "eval/compress_command_test.py", "Compress.test_rows_of_two_compressions_are_never_mixed"),
    Mutant("a resumed run passes over what its command line says", "tools/train/train_command.cpp",
           "if (line.given(flag) || of_recipe) json.erase(flag);", "if (of_recipe) json.erase(flag);",
           "tools/resume_test.py", "Resume.test_other_options_are_refused_as_without_the_record"),
    Mutant("a run that has more steps than asked for is said to be done", "tools/train/train_command.cpp",
           "done > asked ", "done > 2 * asked ",
           "tools/resume_test.py", "Resume.test_what_is_done_already_is_told_from_what_was_asked_for"),
    Mutant("an extraction of nothing but failures is done", "tools/extract/extraction.cpp",
           "inputs.count == inputs.total && inputs.count > 0) {", "inputs.count == inputs.total && inputs.count < 0) {",
           "tools/wrong_calls_test.py", "WrongCalls.test_every_wrong_call_ends_with_its_code_and_names_what_is_wrong"),
    Mutant("every failure is a line", "tools/cli/failure_log.cpp",
           "if (++count_ <= kShown) log(", "if (++count_ <= 10 * kShown) log(",
           "cli", "Failures.AreTheFirstTenAndACount"),
    Mutant("what was meant is never told", "tools/cli/command_line.cpp",
           'edit_distance(name, *closest) > most ? "" : *closest;', 'edit_distance(name, *closest) > 0 * most ? "" : *closest;',
           "cli", "CommandLine.FindsTheNameThatWasMeantOnlyWhereItIsNear"),
]


def text_of(mutant, root):
    """The text of the mutant's file; says where what it changes is now if it is not there."""
    path = root / mutant.file
    text = path.read_text() if path.exists() else ""
    if text.count(mutant.old) == 1:
        return text
    elsewhere = [str(p.relative_to(root)) for folder in ("libdcgan", "data", "eval", "tools")
                 for p in sorted((root / folder).rglob("*")) if p.suffix in (".cpp", ".h", ".inc") and p != path
                 and mutant.old in p.read_text(errors="replace")]
    found = f"found {text.count(mutant.old)} times in {mutant.file}" if text else f"{mutant.file} does not exist"
    hint = f"; it is in {', '.join(elsewhere)}" if elsewhere else ""
    raise CannotTry(f"its text is not there exactly once: {found}{hint}: {mutant.old!r}")


def copy_tree():
    """Brings the copy up to date; files that are equal keep their time, so that little is built anew."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    names = {name for name in listed if name and (ROOT / name).is_file()}
    for name in names:
        source, target = ROOT / name, TREE / name
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        os.utime(target)
    for target in TREE.rglob("*"):
        name = target.relative_to(TREE)
        if name.parts[0] != "build" and target.is_file() and str(name) not in names:
            target.unlink()


def build(rooms):
    targets = {target for room in rooms for target in (PROGRAMS if room.endswith(".py") else [f"{room}_test"])}
    command = ["cmake", "--build", "--preset", "ci", "--target", *sorted(targets)]
    return subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def outcome_of_script(room, tests):
    """As outcome_of(), of a Python file."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "libdcgan/python"
    environment = dict(os.environ, DCGAN_BUILD=str(BUILD), PYTHONPATH=str(cache), PYTHONDONTWRITEBYTECODE="1")
    failed, thrown = set(), ""
    for test in tests:
        command = ["/usr/bin/python3", TREE / "tests/support/run_unittest.py", "mutant", TREE / "tests" / room, test]
        try:
            result = subprocess.run(command, env=environment, cwd=TREE, timeout=900, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, errors="replace")
        except subprocess.TimeoutExpired:
            return set(), "ran for more than 15 minutes"
        if "has no attribute" in result.stdout and "\nFAIL: " not in result.stdout:
            return set(), f"{NO_TEST}: {test}"
        if "\nFAIL: " in result.stdout:
            failed.add(test)
        elif result.returncode:
            thrown = f"{test} threw instead of failing: {result.stdout[-500:]}"
    return failed, "" if failed else thrown


def outcome_of(room, tests):
    """Runs the tests. @return (which of them failed by an assertion, what went wrong otherwise)"""
    if room.endswith(".py"):
        return outcome_of_script(room, tests)
    report = TREE / "report.json"
    report.unlink(missing_ok=True)
    program = BUILD / f"tests/{room}/{room}_test"
    environment = dict(os.environ, GTEST_OUTPUT=f"json:{report}")
    if Path("/dev/shm").is_dir():
        environment["TMPDIR"] = "/dev/shm"  # many files that are made durable
    try:
        result = subprocess.run([program, f"--gtest_filter={':'.join(tests)}"], env=environment, cwd=TREE, timeout=300,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        return set(), "ran for more than 5 minutes"
    if not report.exists():
        return set(), f"crashed, exit code {result.returncode}: {result.stdout[-1500:]}"
    cases = {f"{suite['name']}.{case['name']}": case for suite in json.loads(report.read_text())["testsuites"]
             for case in suite["testsuite"]}
    ran = [name for name, case in cases.items() if case["result"] == "COMPLETED"]
    lacking = [test for test in tests if not fnmatch.filter(ran, test)]
    if lacking:
        return set(), f"{NO_TEST}: {', '.join(lacking)}"
    failed, thrown = set(), ""
    for name, case in cases.items():
        messages = [failure["failure"] for failure in case.get("failures", [])]
        if any("C++ exception" not in message for message in messages):
            failed.add(name)
        elif messages:
            thrown = f"{name} threw instead of failing: {messages[0][:500]}"
    return failed, "" if failed else thrown


def try_mutant(mutant):
    """@return whether the mutant's test failed"""
    text = text_of(mutant, TREE)
    target = TREE / mutant.file
    target.write_text(text.replace(mutant.old, mutant.new))
    try:
        result = build([mutant.room])
        if result.returncode:
            raise CannotTry(f"it does not compile:\n{result.stdout[-3000:]}")
        failed, wrong = outcome_of(mutant.room, [mutant.test])
        if wrong:
            raise CannotTry(wrong)
        return bool(failed)
    finally:
        target.write_text(text)


def check_unmutated(chosen):
    rooms = {}
    for mutant in chosen:
        rooms.setdefault(mutant.room, set()).add(mutant.test)
    copy_tree()
    for command in (["cmake", "--preset", "ci"],):
        subprocess.run(command, cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    result = build(rooms)
    if result.returncode:
        sys.exit(f"{result.stdout[-3000:]}\nthe unmutated copy cannot be built")
    for room, tests in rooms.items():
        failed, wrong = outcome_of(room, sorted(tests))
        if failed or (wrong and not wrong.startswith(NO_TEST)):  # a test that is missing is said of its mutant
            sys.exit(f"the unmutated copy fails: {', '.join(sorted(failed))} {wrong}")


def table():
    rows = (f"| {m.name} | `{m.file}` | `{m.test}` |\n" for m in MUTANTS)
    return TABLE_HEAD + "".join(rows)


def check():
    wrong = 0
    for mutant in MUTANTS:
        try:
            text_of(mutant, ROOT)
        except CannotTry as error:
            print(f"{mutant.name}: {error}", file=sys.stderr)
            wrong += 1
    if table() not in README.read_text():
        print("tests/README.md has another table of mutants; put in what tests/support/mutations.py --table prints",
              file=sys.stderr)
        wrong += 1
    return 2 if wrong else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[0].removeprefix("usage: "), add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    for flag in ("--list", "--table", "--check"):
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    if arguments.help:
        print(__doc__.strip())
        return 0
    if arguments.list:
        print("\n".join(mutant.name for mutant in MUTANTS))
        return 0
    if arguments.table:
        print(table(), end="")
        return 0
    if arguments.check:
        return check()
    unknown = set(arguments.only) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"no mutant {', '.join(sorted(unknown))}; --list names them")
    chosen = [mutant for mutant in MUTANTS if not arguments.only or mutant.name in arguments.only]
    check_unmutated(chosen)
    survived = untried = 0
    for mutant in chosen:
        try:
            caught = try_mutant(mutant)
            survived += not caught
            print(f"caught {mutant.name} by {mutant.test}" if caught else f"SURVIVED {mutant.name}", flush=True)
        except CannotTry as error:
            untried += 1
            print(f"ERROR {mutant.name}: {error}", flush=True)
    print(f"{len(chosen) - survived - untried} caught, {survived} survived, {untried} not tried")
    return 2 if untried else 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
