"""Wrong calls of every command: each ends with its exit code and one line that says what is wrong and what to do."""

import re
import shutil
import unittest

from programs import NARROW, ProgramTest, write_image_folder

# Names in braces are files of the test's folder: see setUpClass. Exit code 2 is wrong usage, 1 a file that is wrong.
CALLS = [
    # A word that is no command, and words that look like one.
    (2, "dcgan-prepare", ["no command given", "folder"]),
    (2, "dcgan-prepare foldr {images} -o {new}", ["foldr", "did you mean folder?"]),
    (2, "dcgan-eval smv", ["smv", "did you mean svm?"]),
    (2, "dcgan-eval", ["no command given", "svm, predict, compress, knn, cifar10, svhn"]),
    (2, "dcgan-explore sample", ["did you mean samples?"]),
    (2, "dcgan-explore wander", ["no command of dcgan-explore"]),
    (2, "dcgan-convert inf {model}", ["did you mean info?"]),
    (2, "dcgan-train repotr {run}", ["did you mean report?"]),
    (2, "dcgan-extract veriffy {features}", ["did you mean verify?"]),
    (2, "dcgan-extract merg -o {new} {features}", ["did you mean merge?"]),
    (2, "dcgan-train reprot {run}", ["did you mean report?"]),
    (2, "dcgan-extract verfy {features}", ["did you mean verify?"]),
    # prepare
    (2, "dcgan-prepare folder {images}", ["-o is missing", "packed file to make"]),
    (1, "dcgan-prepare folder {none} -o {new}", ["{none}"]),
    (2, "dcgan-prepare folder {images} -o {new} --size 0", ["--size", "0"]),
    (2, "dcgan-prepare folder {images} -o {new} --size many", ["--size", "many", "whole number"]),
    (2, "dcgan-prepare folder {images} -o {new} --sise 32", ["--sise", "did you mean --size?"]),
    (1, "dcgan-prepare folder {images} -o {packed}", ["{packed}", "--overwrite"]),
    (2, "dcgan-prepare folder {images} -o {new} --resume --overwrite", ["--resume", "--overwrite", "choose one"]),
    (2, "dcgan-prepare folder {images} {images} -o {new}", ["{images}", "named twice"]),
    (2, "dcgan-prepare folder {images} {images}/ -o {new}", ["{images}", "named twice"]),
    (2, "dcgan-prepare folder {images} {images}/../images -o {new}", ["{images}", "named twice"]),
    (1, "dcgan-prepare folder {broken} -o {new}", ["none of the 12 inputs gave an image"]),
    (1, "dcgan-prepare folder {images} -o {text}/x.h5", ["{text}", "no folder", "another"]),
    (1, "dcgan-prepare folder {images} -o /proc/x.h5", ["/proc/x.h5", "another folder"]),
    (2, "dcgan-prepare folder {packed} {images} -o {new}", ["{packed}", "stands alone"]),
    (1, "dcgan-prepare folder {images} -o {new} --list {none}", ["{none}", "--list"]),
    (2, "dcgan-prepare folder {images} -o {new} --threads -1", ["--threads", "-1"]),
    (2, "dcgan-prepare folder {images} -o {new} --progress-every 0", ["--progress-every", "positive"]),
    (1, "dcgan-prepare imagenet32 {text} -o {new}", ["{text}"]),
    (2, "dcgan-prepare imagenet32 {images}", ["-o is missing"]),
    (2, "dcgan-prepare imagenet32 {images} -o {new} --resize cubic", ["--resize", "cubic", "linear|area"]),
    (2, "dcgan-prepare imagenet32 -o {new}", ["no images were named"]),
    (1, "dcgan-prepare lsun {none} -o {new}", ["{none}"]),
    (2, "dcgan-prepare lsun {images}", ["-o is missing"]),
    (2, "dcgan-prepare lsun -o {new}", ["no images were named"]),
    (2, "dcgan-prepare lsun {images} -o {new} --size -64", ["--size", "-64"]),
    (1, "dcgan-prepare faces {none} -o {new}", ["{none}"]),
    (2, "dcgan-prepare faces {images}", ["-o is missing"]),
    (2, "dcgan-prepare faces {images} -o {new} --min-face 0", ["--min-face", "0"]),
    (2, "dcgan-prepare faces {images} -o {new} --box 32 --size 64", ["--size", "64", "32"]),
    (2, "dcgan-prepare cifar10 -o {new}", ["--data is missing", "the folder of CIFAR-10"]),
    (1, "dcgan-prepare cifar10 --data {images} -o {new}", ["{images}", "data_batch_1.bin"]),
    (2, "dcgan-prepare cifar10 --data {images} -o {new} --split valid", ["--split", "valid", "train|test"]),
    (2, "dcgan-prepare cifar10 {images} -o {new}", ["{images}", "not expected here"]),
    (2, "dcgan-prepare svhn -o {new}", ["--data is missing", "the folder of SVHN"]),
    (1, "dcgan-prepare svhn --data {images} -o {new}", ["{images}", "train_32x32.mat"]),
    (2, "dcgan-prepare svhn --data {images} -o {new} --split valid", ["--split", "train|test|extra"]),
    (2, "dcgan-prepare svhn {images}", ["not expected here"]),
    (2, "dcgan-prepare render", ["-o is missing"]),
    (2, "dcgan-prepare render -o {new} --count 0", ["--count", "0"]),
    (2, "dcgan-prepare render -o {new} --count 1e3", ["--count", "1e3", "whole number"]),
    (2, "dcgan-prepare render -o {new} --seed -1", ["--seed", "-1"]),
    (1, "dcgan-prepare render -o {new} --plant {text}", ["{text}", "--overwrite"]),
    (2, "dcgan-prepare render -o {new} --plant {new}", ["{new}", "another option"]),
    (2, "dcgan-prepare dedup -o {new}", ["expected one FILE", "0 were named"]),
    (2, "dcgan-prepare dedup {packed} {features} -o {new}", ["expected one FILE", "2 were named"]),
    (1, "dcgan-prepare dedup {features} -o {new}", ["{features}", "dcgan-images"]),
    (2, "dcgan-prepare dedup {packed} -o {new} --unsure-bits -1", ["--unsure-bits", "-1"]),
    (2, "dcgan-prepare download", ["expected one NAME"]),
    (2, "dcgan-prepare download cifar10", ["-o is missing"]),
    (2, "dcgan-prepare download cifar100 -o {folder}", ["cifar100", "cifar10, svhn"]),
    (2, "dcgan-prepare download cifar10 -o {folder} --md5 0", ["--md5 is for a URL"]),
    (2, "dcgan-prepare info", ["expected one FILE (packed image file), 0 were named"]),
    (1, "dcgan-prepare info {features}", ["{features}", "dcgan-features", "dcgan-images"]),
    (1, "dcgan-prepare info {features}", ["{features}", "dcgan-extract info"]),
    (1, "dcgan-prepare info {model}", ["{model}", "dcgan-convert info"]),
    (1, "dcgan-prepare info {text}", ["{text}", "HDF5"]),
    (1, "dcgan-prepare info {none}", ["{none}"]),
    (2, "dcgan-prepare sheet {packed}", ["-o is missing", "PNG to make"]),
    (2, "dcgan-prepare sheet {packed} -o {new} --rows 0", ["--rows", "positive"]),
    (2, "dcgan-prepare sheet {packed} -o {new} --first 99", ["--first is 99", "0 to 11"]),
    (1, "dcgan-prepare sheet {packed} -o {packed}", ["{packed}", "--overwrite"]),
    # train
    (2, "dcgan-train --out {folder}", ["--data is missing"]),
    (2, "dcgan-train --data {packed}", ["--out is missing"]),
    (1, "dcgan-train --data {none} --out {folder}", ["{none}"]),
    (1, "dcgan-train --data {features} --out {folder}", ["{features}", "dcgan-images"]),
    (2, "dcgan-train --data {packed} --out {folder} --recipe lsun", ["--recipe", "lsun", "lsun64"]),
    (2, "dcgan-train --data {packed} --out {folder} --batch-size 0", ["--batch-size", "0"]),
    (2, "dcgan-train --data {packed} --out {folder} --probe-c 1", ["--probe-c", "--probe"]),
    (2, "dcgan-train --data {packed} --out {run} --resume --overwrite", ["choose one"]),
    (1, "dcgan-train --data {packed} --out {run} --batch-size 8", ["{run}", "--resume", "--overwrite"]),
    (2, "dcgan-train --data {images} --out {folder} --dry-run", ["--dry-run", "dcgan-prepare folder"]),
    (2, "dcgan-train --data {packed} --out {folder} --distributed", ["RANK", "SLURM_PROCID"]),
    (2, "dcgan-train --data {packed} --out {folder} --batch-size 8 --device gpu", ["--device", "gpu"]),
    (1, "dcgan-train --data {broken} --out {folder} --batch-size 8", ["none of the 12 inputs gave an image"]),
    (1, "dcgan-train --data {packed} --out {text} --batch-size 8", ["{text}", "no folder", "another"]),
    (1, "dcgan-train --data {packed} --out /proc/run --batch-size 8", ["/proc/run", "another"]),
    (2, "dcgan-train report", ["expected one RUN"]),
    (1, "dcgan-train report {none}", ["{none}"]),
    (1, "dcgan-train report {text}", ["{text}", "run folder"]),
    (1, "dcgan-train report {run} -o {text}/report.html", ["{text}", "no folder", "another"]),
    (2, "dcgan-train report {run} --grids -1", ["--grids", "-1"]),
    (2, "dcgan-train report {run} --output", ["--output"]),
    # extract
    (2, "dcgan-extract -o {new}", ["no IMAGES given"]),
    (2, "dcgan-extract {images}", ["-o is missing", "HDF5 file to make"]),
    (1, "dcgan-extract {none} -o {new} --model {model}", ["{none}"]),
    (1, "dcgan-extract {images} -o {new} --model {packed}", ["{packed}"]),
    (1, "dcgan-extract {images} -o {new} --model {weights}", ["{weights}", "dcgan-convert state-dict"]),
    (1, "dcgan-extract {images} -o {new} --model {zipped}", ["{zipped}", "dcgan-convert state-dict"]),
    (1, "dcgan-extract {images} -o {new} --model {text}", ["{text}", "no model file"]),
    (1, "dcgan-extract {images} -o {new} --model {images}", ["{images}", "folder", "model.safetensors"]),
    (1, "dcgan-extract {broken} -o {new} --model {model}", ["none of the 12 inputs gave a row"]),
    (1, "dcgan-extract {images} -o {text}/x.h5 --model {model}", ["{text}", "no folder", "another"]),
    (2, "dcgan-extract {images} {images}/ -o {new} --model {model}", ["named twice"]),
    (2, "dcgan-extract info", ["expected one FILE"]),
    (1, "dcgan-extract info {none}", ["{none}"]),
    (1, "dcgan-extract info {packed}", ["{packed}", "dcgan-prepare info"]),
    (1, "dcgan-extract info {model}", ["{model}", "dcgan-convert info"]),
    (1, "dcgan-extract info {text}", ["{text}", "HDF5"]),
    (2, "dcgan-extract {images} -o {new} --model tiny", ["tiny", "tiny-imagenet32"]),
    (2, "dcgan-extract {images} -o {new} --model {model} --layers 3,,4", ["--layers", "3,,4"]),
    (2, "dcgan-extract {images} -o {new} --model {model} --layers 9", ["--layers", "9"]),
    (2, "dcgan-extract {images} -o {new} --model {model} --shard 2/2", ["--shard", "2/2", "0/4"]),
    (2, "dcgan-extract {images} {images} -o {new} --model {model}", ["named twice"]),
    (2, "dcgan-extract {images} -o {new} --model {model} --statistics-list {text}", ["--statistics-from"]),
    (1, "dcgan-extract {images} -o /proc/x.h5 --model {model}", ["/proc", "another folder"]),
    (2, "dcgan-extract merge -o {new}", ["no PART.h5 given"]),
    (2, "dcgan-extract merge {features}", ["-o is missing"]),
    (1, "dcgan-extract merge {packed} -o {new}", ["{packed}", "dcgan-features"]),
    (2, "dcgan-extract merge {features} -o {new} --virtual --resume", ["--resume and --virtual"]),
    (2, "dcgan-extract verify", ["no FILE.h5"]),
    (1, "dcgan-extract verify {packed}", ["{packed}", "dcgan-features"]),
    (2, "dcgan-extract verify {features} --rows -1", ["--rows", "-1"]),
    (2, "dcgan-extract verify {features} --tolerance nan", ["--tolerance", "nan"]),
    (2, "dcgan-extract export {features}", ["--npy and --csv are missing"]),
    (2, "dcgan-extract export --npy {new}", ["expected one FILE.h5"]),
    (1, "dcgan-extract export {features} --npy {packed}", ["{packed}", "--overwrite"]),
    (1, "dcgan-extract export {packed} --npy {new}", ["{packed}", "dcgan-features"]),
    # eval
    (2, "dcgan-eval svm --test {features}", ["--train is missing"]),
    (2, "dcgan-eval svm --train {features}", ["--test is missing"]),
    (2, "dcgan-eval svm --train {features} --test {features} --c 1 --c-grid 1,2", ["--c and --c-grid"]),
    (2, "dcgan-eval svm --train {features} --test {features} --c 1 --folds 3", ["--c and --folds"]),
    (2, "dcgan-eval svm --train {features} --test {features} --c 0", ["--c", "0"]),
    (2, "dcgan-eval svm --train {features} --test {features} --max-memory 2X", ["--max-memory", "2X"]),
    (1, "dcgan-eval svm --train {packed} --test {features}", ["{packed}", "dcgan-images", "dcgan-features"]),
    (1, "dcgan-eval svm --train {features} --test {packed}", ["{packed}", "dcgan-images", "dcgan-features"]),
    (2, "dcgan-eval svm --train {features} --test {features} --mistakes {new}.png", ["--mistakes needs --test-images"]),
    (1, "dcgan-eval svm --train {features} --test {features} --c 1 --html {packed}", ["{packed}", "--overwrite"]),
    (1, "dcgan-eval svm --train {text} --test {features}", ["{text}", "HDF5"]),
    (2, "dcgan-eval predict {images}", ["--classifier is missing"]),
    (2, "dcgan-eval predict --classifier {model}", ["no INPUTS given"]),
    (1, "dcgan-eval predict {images} --classifier {none}", ["{none}"]),
    (1, "dcgan-eval predict {images} --classifier {model}", ["{model}", "dcgan-eval svm --save"]),
    (2, "dcgan-eval compress -o {new}", ["--features is missing"]),
    (2, "dcgan-eval compress --features {features}", ["-o is missing"]),
    (2, "dcgan-eval compress --features {features} -o {new} --dimensions 0", ["--dimensions is 0"]),
    (2, "dcgan-eval compress --features {features} -o {new} --dimensions 12", ["--dimensions is 12", "at most 11"]),
    (1, "dcgan-eval compress --features {packed} -o {new}", ["{packed}", "dcgan-features"]),
    (1, "dcgan-extract {images} -o {new} --model {model} --compress {model}", ["{model}", "dcgan-eval compress"]),
    (2, "dcgan-eval knn --test {features}", ["--train is missing"]),
    (2, "dcgan-eval knn --train {features}", ["--test is missing"]),
    (2, "dcgan-eval knn --train {features} --test {features} -k 0", ["--neighbours is 0", "from 1"]),
    (2, "dcgan-eval knn --train {features} --test {features} --max-memory 2X", ["--max-memory", "2X"]),
    (1, "dcgan-eval knn --train {features} --test {packed}", ["{packed}", "dcgan-images", "dcgan-features"]),
    (2, "dcgan-eval cifar10 --model {model}", ["--data is missing"]),
    (2, "dcgan-eval cifar10 --data {images}", ["--model is missing"]),
    (1, "dcgan-eval cifar10 --data {images} --model {model}", ["{images}", "data_batch_1.bin"]),
    (2, "dcgan-eval cifar10 --data {images} --model {model} --c-grid 1,0", ["--c-grid", "0"]),
    (2, "dcgan-eval svhn --model {model}", ["--data is missing"]),
    (1, "dcgan-eval svhn --data {images} --model {model}", ["{images}", "labels.csv"]),
    (2, "dcgan-eval svhn --data {images} --model {model} --trials 1", ["--trials-file is missing"]),
    (2, "dcgan-eval svhn --data {images} --model {model} --format html", ["--format", "html", "text|markdown"]),
    # explore
    (2, "dcgan-explore samples --out {folder}", ["--model is missing"]),
    (2, "dcgan-explore samples --model {model}", ["--out is missing"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --count 0", ["--count", "0"]),
    (1, "dcgan-explore samples --model {model} --out {text}", ["{text}"]),
    (1, "dcgan-explore samples --model {packed} --out {folder}", ["{packed}"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --scale 0", ["--scale", "0", "1 to 32"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --separate -1", ["--separate", "-1"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --separate 9 --count 9", ["--count", "--separate"]),
    (1, "dcgan-explore samples --model {weights} --out {folder}", ["{weights}", "dcgan-convert state-dict"]),
    (1, "dcgan-explore samples --model {model} --out {text}/pictures", ["{text}", "no folder", "another"]),
    (1, "dcgan-explore samples --model {model} --out /proc/pictures", ["/proc/pictures", "another"]),
    (1, "dcgan-explore samples --model tiny-imagenet32 --out {folder}", ["tiny-imagenet32", "no generator"]),
    (1, "dcgan-explore samples --model {model} --out {folder} --z {none}", ["{none}"]),
    (1, "dcgan-explore samples --model {model} --out {folder} --z {features}", ["{features}", "dcgan-features"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --keep 3", ["--keep without --save"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --save {new}", ["--save", "--keep"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --names a", ["--names", "--keep"]),
    (2, "dcgan-explore samples --model {model} --out {folder} --device gpu", ["--device", "gpu"]),
    (2, "dcgan-explore walk --out {folder}", ["--model is missing"]),
    (2, "dcgan-explore walk --model {model}", ["--out is missing"]),
    (2, "dcgan-explore walk --model {model} --out {folder} --points 1", ["--points is 1", "from 2"]),
    (2, "dcgan-explore walk --model {model} --out {folder} --frames 2", ["--frames is 2"]),
    (2, "dcgan-explore walk --model {model} --out {folder} --columns 0", ["--columns is 0"]),
    (2, "dcgan-explore walk --model {model} --out {folder} --scale 99", ["--scale is 99"]),
    (2, "dcgan-explore walk --model {model} --out {folder} --milliseconds 0", ["--milliseconds is 0"]),
    (2, "dcgan-explore walk --model {model} --out {folder} --interpolation cubic", ["cubic", "linear|spherical"]),
    (2, "dcgan-explore arithmetic --model {model} --out {folder}", ["--z is missing", "samples --save"]),
    (2, "dcgan-explore arithmetic --model {model} --z {noise} --a 0 --b 1 --out {folder}", ["--c is missing"]),
    (2, "dcgan-explore arithmetic --model {model} --z {noise} --a 0 --b 1 --c 9 --out {folder}", ["--c names 9", "0 to 3"]),
    (2, "dcgan-explore arithmetic --model {model} --z {noise} --a 0 --b 1 --c 2 --noise -1 --out {folder}", ["--noise is -1"]),
    (2, "dcgan-explore turn --model {model} --z {noise} --from 0 --out {folder}", ["--to is missing"]),
    (2, "dcgan-explore turn --model {model} --z {noise} --from 0 --to six --out {folder}", ["--to names six", "0 to 3"]),
    (2, "dcgan-explore turn --model {model} --z {noise} --from 0 --to 1 --steps 1 --out {folder}", ["--steps is 1"]),
    (2, "dcgan-explore turn --model {model} --z {noise} --from 0 --to 1 --reach 0 --out {folder}", ["--reach is 0"]),
    (2, "dcgan-explore turn --model {model} --z {noise} --from 0 --to 1 --count 0 --out {folder}", ["--count is 0"]),
    (2, "dcgan-explore neighbours {images}", ["--out is missing"]),
    (2, "dcgan-explore neighbours {images} --out {folder}", ["--features is missing", "--pixels"]),
    (2, "dcgan-explore neighbours {images} --features {features} --out {folder}", ["--model is missing", "SHA-256"]),
    (2, "dcgan-explore neighbours --features {features} --out {folder}", ["--model is missing", "QUERY"]),
    (2, "dcgan-explore neighbours {images} --features {features} -k 0 --out {folder}", ["--neighbours is 0"]),
    (1, "dcgan-explore neighbours {images} --features {packed} --model {model} --out {folder}", ["{packed}"]),
    (1, "dcgan-explore neighbours {none} --features {features} --model {model} --out {folder}", ["{none}"]),
    (2, "dcgan-explore maps --out {folder}", ["expected one IMAGE"]),
    (2, "dcgan-explore maps {images} --model {model} --out {folder}", ["{images} holds 12 images"]),
    (2, "dcgan-explore maps {images}/discs/000.jpg --model {model} --layers 9 --out {folder}", ["--layers is 9", "from 1 to 6"]),
    (2, "dcgan-explore maps {images}/discs/000.jpg --model {model} --columns 99999 --out {folder}", ["column 99999", "896 columns"]),
    (2, "dcgan-explore maps {packed} --strongest 0 --out {folder}", ["--strongest is 0"]),
    (2, "dcgan-explore maps {packed} --columns 1 --layers 2 --out {folder}", ["--columns", "--layers"]),
    (1, "dcgan-explore maps {packed} --svm {none} --class one --out {folder}", ["{none}"]),
    (1, "dcgan-explore maps {packed} --svm {model} --class one --out {folder}", ["{model}", "dcgan-eval svm --save"]),
    (2, "dcgan-explore maps {packed} --class one --out {folder}", ["--class is of --svm"]),
    (2, "dcgan-explore guided --out {folder}", ["no IMAGES given"]),
    (1, "dcgan-explore guided {none} --model {model} --out {folder}", ["{none}"]),
    (2, "dcgan-explore guided {images} --model {model} --layer 7 --out {folder}", ["--layer is 7", "from 1 to 6"]),
    (2, "dcgan-explore guided {images} --model {model} --channels 16 --out {folder}", ["--channels is 16", "layer 6"]),
    (2, "dcgan-explore guided {images} --model {model} --strongest 0 --out {folder}", ["--strongest is 0"]),
    (2, "dcgan-explore guided {images} --model {model} --scale 0 --out {folder}", ["--scale is 0"]),
    (2, "dcgan-explore drop --model {model} --out {folder}", ["--boxes is missing"]),
    (1, "dcgan-explore drop --model {model} --boxes {none} --out {folder}", ["{none}"]),
    (1, "dcgan-explore drop --model {model} --boxes {text} --out {folder}", ["{text}", "line 1", "five whole numbers"]),
    (2, "dcgan-explore drop --model {model} --boxes {text} --layer 6 --out {folder}", ["--layer is 6", "0 (16x4x4), 1"]),
    (2, "dcgan-explore drop --model {model} --boxes {text} --count 0 --out {folder}", ["--count is 0"]),
    (2, "dcgan-explore drop --model {model} --boxes {text} --fresh 0 --out {folder}", ["--fresh is 0"]),
    (2, "dcgan-explore drop --model {model} --boxes {text} --c 0 --out {folder}", ["--c is 0"]),
    (1, "dcgan-explore drop --model tiny-imagenet32 --boxes {text} --out {folder}", ["no generator"]),
    (2, "dcgan-explore drop annotator --model {model} --boxes {new}", ["annotator", "not expected here"]),
    (2, "dcgan-explore drop annotate --model {model}", ["--boxes is missing"]),
    (2, "dcgan-explore drop annotate --boxes {new}", ["--model is missing"]),
    (1, "dcgan-explore drop annotate --model {model} --boxes {text}", ["{text}", "line 1", "five whole numbers"]),
    (1, "dcgan-explore drop annotate --model {model} --boxes {model}", ["{model}", "which this command reads"]),
    (1, "dcgan-explore drop annotate --model tiny-imagenet32 --boxes {new}", ["no generator"]),
    (2, "dcgan-explore drop annotate --model {model} --boxes {new} --count 0", ["--count is 0"]),
    (2, "dcgan-explore drop annotate --model {model} --boxes {new} --port -1", ["--port is -1", "0 to 65,535"]),
    (2, "dcgan-explore filters --out {folder}", ["--model is missing"]),
    (2, "dcgan-explore filters --model {model} --out {folder} --columns 0", ["--columns is 0"]),
    (2, "dcgan-explore filters --model {model} --out {folder} --scale 0", ["--scale is 0"]),
    (1, "dcgan-explore filters --model {model} --out {text}", ["{text}"]),
    # convert
    (2, "dcgan-convert released -o {new}", ["expected one DIR"]),
    (2, "dcgan-convert released {images} -o {new}", ["--statistics-from is missing"]),
    (1, "dcgan-convert released {images} -o {new} --statistics-from {images}", ["{images}"]),
    (1, "dcgan-convert released {images} -o {model} --statistics-from {images}", ["{model}", "--overwrite"]),
    (2, "dcgan-convert state-dict -o {new}", ["no FILE given"]),
    (2, "dcgan-convert state-dict {weights}", ["-o is missing"]),
    (1, "dcgan-convert state-dict {weights} -o {new}", ["{weights}"]),
    (1, "dcgan-convert state-dict {weights} -o {new} --mapping {none}", ["{weights}"]),
    (2, "dcgan-convert model -o {new}", ["expected one MODEL"]),
    (2, "dcgan-convert model {model}", ["-o is missing"]),
    (2, "dcgan-convert model {model} -o {new} --storage f8", ["--storage", "f8", "f32|f16"]),
    (1, "dcgan-convert model {packed} -o {new}", ["{packed}"]),
    (1, "dcgan-convert model {model} -o /proc/x.safetensors", ["/proc/x.safetensors", "another folder"]),
    (2, "dcgan-convert equalise -o {new} --statistics-from {images}", ["expected one MODEL"]),
    (2, "dcgan-convert equalise {model} -o {new}", ["--statistics-from is missing"]),
    (2, "dcgan-convert equalise {model} --statistics-from {images}", ["-o is missing"]),
    (1, "dcgan-convert equalise {model} -o {new} --statistics-from {none}", ["{none}"]),
    (2, "dcgan-convert equalise {model} -o {new} --statistics-from {broken}", ["two images or more, found 0"]),
    (1, "dcgan-convert info {features}", ["{features}", "dcgan-extract info"]),
    (1, "dcgan-convert info {packed}", ["{packed}", "dcgan-prepare info"]),
    (1, "dcgan-convert info {text}", ["{text}", "no model file"]),
    (2, "dcgan-convert info", ["expected one MODEL"]),
    (2, "dcgan-convert info {model} {packed}", ["2 were named"]),
    (1, "dcgan-convert info {none}.safetensors", ["{none}"]),
    (1, "dcgan-convert info {weights}", ["{weights}", "dcgan-convert state-dict"]),
]


class WrongCalls(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ["images", "broken", "packed.h5", "run", "features.h5", "text.txt", "weights.pth", "zipped.bin", "new",
                 "none", "folder"]
        cls.files = {name.split(".")[0]: str(cls.folder / name) for name in names}
        cls.files["model"] = str(cls.folder / "run/model.safetensors")
        write_image_folder(cls.folder / "images", 4)
        (cls.folder / "text.txt").write_text("no image\n")
        (cls.folder / "weights.pth").write_bytes(b"\x80\x02not a zip file")  # torch.save() before PyTorch 1.6
        (cls.folder / "zipped.bin").write_bytes(b"PK\x03\x04and the rest of a zip file")  # and since
        (cls.folder / "broken").mkdir()
        for i in range(12):
            (cls.folder / f"broken/{i:02d}.png").write_text("no image\n")
        test, f = cls(), cls.files
        test.run_program("dcgan-prepare", "folder", f["images"], "-o", f["packed"], "--size", 32)
        test.run_program("dcgan-train", "--data", f["packed"], "--out", f["run"], "--steps", 1, *NARROW[:6],
                         "--batch-size", 8, "--threads", 1)
        test.run_program("dcgan-extract", f["packed"], "-o", f["features"], "--model", f["model"])
        test.run_program("dcgan-explore", "samples", "--model", f["model"], "--out", cls.folder / "samples", "--count", 4)
        f["noise"] = str(cls.folder / "samples/samples.h5")

    def test_every_wrong_call_ends_with_its_code_and_names_what_is_wrong(self):
        for code, call, says in CALLS:
            with self.subTest(call=call):
                program, *words = [word.format(**self.files) for word in call.split()]
                self.assert_refuses(program, *words, code=code, says=[text.format(**self.files) for text in says])
                made = [path for name in ("new", "folder") for path in self.folder.glob(name + "*")]
                for path in made:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                self.assertEqual(made, [], "was made")

    def test_every_command_has_at_least_four_calls(self):
        for program in ("prepare", "train", "extract", "eval", "explore", "convert"):
            shown = self.run_program(f"dcgan-{program}", "--help").stdout
            commands = re.search(r"^Commands.*:\n((?:  .*\n)+)", shown, re.MULTILINE).group(1)
            for command in (re.split("  +", line.strip())[0] for line in commands.splitlines()):
                calls = [call for _, call, _ in CALLS if f"{call} ".startswith(f"dcgan-{program} {command} ")]
                self.assertGreaterEqual(len(calls), 4, f"dcgan-{program} {command}")

    def test_a_run_folder_stands_for_its_model_and_a_missing_folder_is_made(self):
        made = self.folder / "deep/er/features.h5"
        self.run_program("dcgan-extract", self.files["packed"], "-o", made, "--model", self.files["run"])
        self.assertEqual(made.exists(), True)
        self.run_program("dcgan-convert", "model", self.files["run"], "-o", self.folder / "a/small.safetensors")
        self.run_program("dcgan-prepare", "render", "--count", 2, "-o", self.folder / "b/render.h5")
        self.run_program("dcgan-train", "report", self.files["run"], "-o", self.folder / "c/report.html")
        self.run_program("dcgan-extract", "export", made, "--csv", self.folder / "d/rows.csv")


if __name__ == "__main__":
    unittest.main()
